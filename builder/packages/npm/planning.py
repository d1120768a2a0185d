"""Deciding which Node.js packages a target gets, and writing their lock."""

from collections.abc import Iterator
from pathlib import Path

from builder.base import texts
from builder.base.errors import UsageError
from builder.base.frozen import dataclass
from builder.base.values import UntrustedError
from builder.model.architectures import ARCHITECTURES
from builder.model.recipes import Loaded
from builder.model.steps import Npm
from builder.model.target import Target, steps, targets
from builder.packages import ecosystem, projects
from builder.packages.ecosystem import LockFile, LockRequest, Request
from builder.packages.npm import LOCK, following, npm, offered, package_lock, workspaces
from builder.packages.npm import projects as of_node
from builder.packages.npm.local import NOTHING, LocalPackage, Own
from builder.packages.npm.package_lock import NodePackage
from builder.packages.npm.project import MANIFEST, NodeProject
from builder.packages.npm.resolution import NodeModules
from builder.packages.npm.workspaces import NodeWorkspace
from builder.packages.projects import ProjectRequest


def planned(request: Request) -> NodeModules:
    """Decide on the packages of a target. Asks the registry where there is no lock."""
    target, step = request.target, request.only(Npm)
    node = _project(request)
    kept = _locked(node, target) if node else _kept(request)
    chosen = kept or _resolved(request, manifest(request.loaded, step, target))
    return NodeModules(
        target=target,
        step=request.number,
        manifest=chosen.manifest,
        lock=chosen.lock,
        installs=chosen.installs,
        scripts=package_lock.scripts(chosen.installs, step, target, allowed=request.may_compile),
        folder=package_lock.folder(step, target),
        locked=kept is not None,
        local=chosen.local,
        project=chosen.project,
        warnings=chosen.warnings,
    )


def check(request: Request) -> None:
    """Raise UsageError for what `planned` refuses whatever the registry offers."""
    if node := _project(request):
        following.check(node, request.target.arch)
    elif kept := _kept(request):
        package_lock.scripts(kept.installs, request.only(Npm), request.target, allowed=True)


def pinned(request: Request) -> dict[str, set[str]]:
    """Return the versions of each package that the lock has for a target."""
    versions: dict[str, set[str]] = {}
    if node := _project(request):
        for each in following.graph(node).on(request.target.arch).reached():
            versions.setdefault(each.name, set()).add(each.version)
        return versions
    kept = _kept(request)
    for package in kept.installs if kept else ():
        versions.setdefault(package.name, set()).add(package.version)
    return versions


@dataclass(frozen=True, kw_only=True, slots=True)
class _Chosen:
    """What npm installs, and from where."""

    manifest: str
    lock: str
    installs: tuple[NodePackage, ...]
    local: tuple[LocalPackage, ...] = ()
    project: Path | None = None
    warnings: tuple[str, ...] = ()


def _project(request: Request) -> NodeProject | None:
    """Return the project that the lock of its own tool decides on: one that is followed, or one with local packages."""
    loaded, step = request.loaded, request.only(Npm)
    if followed := projects.followed(loaded, step):
        of_node.refuse_runtime(followed, request.target.base)
        return of_node.of(followed)
    path = loaded.lock_named(LOCK)
    if not step.file or path is None:
        return None
    lock = texts.read(path) if path.is_file() else None
    if not offered.has_local(manifest(loaded, step, request.target), lock):
        return None
    return NodeProject(manifest=loaded.file(step.file), lock=path, repository=loaded.repository or path.parent)


def _locked(node: NodeProject, target: Target) -> _Chosen:
    """Return what the lock of a project installs."""
    made = following.converted(node, target.arch)
    installs = package_lock.packages(made.lock, target.arch, node.where)
    return _Chosen(
        manifest=made.manifest,
        lock=made.lock,
        installs=installs,
        local=made.local,
        project=node.root.resolve(),
        warnings=made.warnings,
    )


def lock_path(loaded: Loaded) -> Path | None:
    """Return the lock of a recipe: that of the project which it follows, or the one beside it."""
    step = next(step for step in loaded.recipe.step if isinstance(step, Npm))
    followed = projects.followed(loaded, step)
    found = of_node.find(followed) if followed else None
    return found.lock if found else loaded.lock_named(LOCK)


def _kept(request: Request) -> _Chosen | None:
    """Return what the lock beside a recipe installs; None if there is no lock."""
    loaded, step, arch = request.loaded, request.only(Npm), request.target.arch
    text = manifest(loaded, step, request.target)
    path = None if step.project else loaded.lock_named(LOCK)
    lock = texts.read(path) if path and path.is_file() else None
    where = path.as_posix() if path and lock is not None else LOCK
    offered.check(text, lock, loaded.file(step.file).as_posix() if step.file else "packages", where)
    if lock is None:
        return None
    if unfit := _unfit(text, lock):
        raise ecosystem.stale(loaded, LOCK, unfit)
    return _Chosen(manifest=text, lock=lock, installs=package_lock.packages(lock, arch, where))


def _resolved(request: Request, text: str) -> _Chosen:
    """Ask the registry."""
    followed = projects.followed(request.loaded, request.only(Npm))
    project = followed.folder.resolve() if followed else None
    lock = _from_registry(request.loaded, request.only(Npm), text, None, Own(project=project))
    try:
        installs = package_lock.packages(lock, request.target.arch, LOCK)
        return _Chosen(manifest=text, lock=lock, installs=installs, project=project)
    except UsageError as error:  # it is nobody's file
        msg = "the npm registry sends packages that cannot be installed by their hash"
        raise UntrustedError(msg, why=error.why, hint=UntrustedError.HINT) from error


def _from_registry(loaded: Loaded, step: Npm, text: str, old: str | None, own: Own) -> str:
    """Return the lock that npm makes. Raises UsageError if a name is that of a member of the workspace around it."""
    around, where = _workspace(loaded, step)
    if around:
        around.refuse(where, workspaces.asked(texts.parse_object(text)))
    lock = npm.lock(text, old, own)
    if around:
        around.refuse(where, workspaces.locked(lock))
    return lock


def _workspace(loaded: Loaded, step: Npm) -> tuple[NodeWorkspace | None, str]:
    """Return the workspace around the package.json of a step, and the path of that file."""
    request = projects.followed(loaded, step)
    if request is None and step.file:
        folder = loaded.file(step.file).parent
        request = ProjectRequest(folder=folder, root=loaded.repository, choice=step.choice)
    if request is None:
        return None, ""
    return workspaces.around(request), request.file(MANIFEST).as_posix()


def manifest(loaded: Loaded, step: Npm, target: Target) -> str:
    """Return the text of the package.json for a target. Raises UsageError if the recipe's own is no JSON object."""
    if followed := projects.followed(loaded, step):
        return of_node.unlocked(followed)
    text = _object(loaded.file(step.file)) if step.file else None
    return package_lock.manifest(step, target, text)


def _object(path: Path) -> str:
    of_node.described(path)
    return texts.read(path)


def _unfit(text: str, lock: str) -> list[str]:
    """Return what the lock was not made for; npm itself would tell the same, later."""
    try:
        asked = texts.parse_json(text).get("dependencies", {})
        kept = texts.parse_json(lock)["packages"][""].get("dependencies", {})
    except (ValueError, KeyError, TypeError, AttributeError):
        return []  # the reader of the lock tells what is wrong with it
    changed = sorted(name for name in {*asked, *kept} if asked.get(name) != kept.get(name))
    return [ecosystem.differing(name, "the recipe", asked.get(name), kept.get(name)) for name in changed]


def locks(request: LockRequest) -> Iterator[LockFile]:
    """Yield the one lock of a recipe's packages."""
    loaded = request.loaded
    if any(isinstance(step, Npm) and step.project for step in loaded.recipe.step):
        for step in loaded.recipe.step:
            _require_lock(projects.followed(loaded, step))
        return  # the lock of the project decides, and its own tool writes that
    path = loaded.lock_named(LOCK) or Path(LOCK)
    manifests: dict[str, Npm] = {}
    for target in targets(loaded.recipe):
        chosen = tuple(row for row in steps(loaded.recipe, target) if isinstance(row[1], Npm))
        if chosen:
            step = Request(loaded=loaded, target=target, steps=chosen).only(Npm)
            manifests.setdefault(manifest(loaded, step, target), step)
    if len(manifests) > 1:
        msg = f"{loaded.name}: its targets want different packages, and a {LOCK} holds one set"
        raise UsageError(msg, hint="make two recipes of it")
    request.events.begin("resolving Node.js packages")
    ((text, step),) = manifests.items()
    old = texts.read(path) if path.is_file() else None
    if offered.has_local(text, old):
        msg = f"{loaded.name} has local packages, which only npm itself locks"
        raise UsageError(msg, hint=f"`npm install --package-lock-only` in {path.parent.as_posix()}")
    try:
        offered.check(text, old)
        before = _versions(old, path)
    except UsageError:
        old, before = None, {}  # it is damaged, which is why it is written anew
    new = _from_registry(loaded, step, text, None if request.upgrade else old, NOTHING)
    after = _versions(new, path)
    yield LockFile(path=path, text=new, packages=len(after), changes=ecosystem.changes(before, after))


def _require_lock(followed: ProjectRequest | None) -> None:
    """Raise UsageError for a project that has no lock, which only its own tool writes."""
    found = of_node.find(followed) if followed else None
    if followed and found and found.lock is None:
        around = workspaces.around(followed)
        msg = f"{found.file.as_posix()} has no lock, and layerwright writes none into a project of Node.js"
        raise UsageError(msg, hint=workspaces.writes(around.root if around else followed.folder))


def _versions(text: str | None, path: Path) -> dict[tuple[str, str], str]:
    machines = ARCHITECTURES.values() if text else ()
    rows = [row for arch in machines for row in package_lock.packages(text or "", arch, path.as_posix())]
    return {(row.path, row.name): row.version for row in rows}
