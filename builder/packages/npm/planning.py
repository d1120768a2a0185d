"""Deciding which Node.js packages a target gets, and writing their lock."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from builder.base import texts
from builder.base.errors import UsageError
from builder.base.values import UntrustedError
from builder.model.architectures import ARCHITECTURES
from builder.model.recipes import Loaded
from builder.model.steps import Npm
from builder.model.target import Target, steps, targets
from builder.packages import ecosystem
from builder.packages.ecosystem import LockFile, LockRequest, Request
from builder.packages.npm import LOCK, following, npm, offered, package_lock
from builder.packages.npm.local import LocalPackage
from builder.packages.npm.package_lock import NodePackage
from builder.packages.npm.project import NodeProject
from builder.packages.npm.resolution import NodeModules


def planned(request: Request) -> NodeModules:
    """Decide on the packages of a target. Asks the registry where there is no lock."""
    target, step = request.target, request.only(Npm)
    text = manifest(request.loaded, step, target)
    kept = _kept(request, text)
    chosen = kept or _resolved(text, target)
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
    )


def check(request: Request) -> None:
    """Raise UsageError for what `planned` refuses whatever the registry offers."""
    target, step = request.target, request.only(Npm)
    if kept := _kept(request, manifest(request.loaded, step, target)):
        package_lock.scripts(kept.installs, step, target, allowed=True)


def pinned(request: Request) -> dict[str, set[str]]:
    """Return the versions of each package that the lock has for a target."""
    kept = _kept(request, manifest(request.loaded, request.only(Npm), request.target))
    versions: dict[str, set[str]] = {}
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


def _kept(request: Request, text: str) -> _Chosen | None:
    """Return what the lock installs; None if there is no lock."""
    loaded, step, arch = request.loaded, request.only(Npm), request.target.arch
    path = loaded.lock_named(LOCK)
    lock = texts.read(path) if path and path.is_file() else None
    where = path.as_posix() if path and lock is not None else LOCK
    named = loaded.file(step.file) if step.file else None
    if named and path and offered.has_local(text, lock):
        made = following.converted(NodeProject(manifest=named, lock=path, repository=_repository(path.parent)), arch)
        installs = package_lock.packages(made.lock, arch, where)
        return _Chosen(manifest=made.manifest, lock=made.lock, installs=installs, local=made.local)
    offered.check(text, lock, named.as_posix() if named else "packages", where)
    if lock is None:
        return None
    if unfit := _unfit(text, lock):
        raise ecosystem.stale(loaded, LOCK, unfit)
    return _Chosen(manifest=text, lock=lock, installs=package_lock.packages(lock, arch, where))


def _repository(folder: Path) -> Path:
    """Return the folder that local packages may be in: the repository, else what holds the folder of recipes."""
    inside = folder.resolve()
    return next((each for each in (inside, *inside.parents) if (each / ".git").exists()), inside.parent.parent)


def _resolved(text: str, target: Target) -> _Chosen:
    """Ask the registry."""
    lock = npm.lock(text, None)
    try:
        return _Chosen(manifest=text, lock=lock, installs=package_lock.packages(lock, target.arch, LOCK))
    except UsageError as error:  # it is nobody's file
        msg = "the npm registry sends packages that cannot be installed by their hash"
        raise UntrustedError(msg, why=error.why, hint=UntrustedError.HINT) from error


def manifest(loaded: Loaded, step: Npm, target: Target) -> str:
    """Return the text of the package.json for a target. Raises UsageError if the recipe's own is no JSON object."""
    text = _object(loaded.file(step.file)) if step.file else None
    return package_lock.manifest(step, target, text)


def _object(path: Path) -> str:
    text = texts.read(path)
    try:
        why = None if isinstance(texts.parse_json(text), dict) else "it is no object, `{...}`"
    except texts.MalformedError as error:
        why = str(error)
    if why:
        msg = f"{path.as_posix()} is not a valid package.json"
        raise UsageError(msg, why=[why])
    return text


def _unfit(text: str, lock: str) -> list[str]:
    """Return what the lock was not made for; npm itself would tell the same, later."""
    try:
        asked = texts.parse_json(text).get("dependencies", {})
        kept = texts.parse_json(lock)["packages"][""].get("dependencies", {})
    except (ValueError, KeyError, TypeError, AttributeError):
        return []  # the reader of the lock tells what is wrong with it
    changed = sorted(name for name in {*asked, *kept} if asked.get(name) != kept.get(name))
    return [f"{name}: the recipe asks for {asked.get(name)}, the lock is for {kept.get(name)}" for name in changed]


def locks(request: LockRequest) -> Iterator[LockFile]:
    """Yield the one lock of a recipe's packages."""
    loaded = request.loaded
    path = loaded.lock_named(LOCK) or Path(LOCK)
    manifests: dict[str, Target] = {}
    for target in targets(loaded.recipe):
        chosen = tuple(row for row in steps(loaded.recipe, target) if isinstance(row[1], Npm))
        if chosen:
            step = Request(loaded=loaded, target=target, steps=chosen).only(Npm)
            manifests.setdefault(manifest(loaded, step, target), target)
    if len(manifests) > 1:
        msg = f"{loaded.name}: its targets want different packages, and a {LOCK} holds one set"
        raise UsageError(msg, hint="make two recipes of it")
    request.events.begin("resolving Node.js packages")
    (text,) = manifests
    old = texts.read(path) if path.is_file() else None
    if offered.has_local(text, old):
        msg = f"{loaded.name} has local packages, which only npm itself locks"
        raise UsageError(msg, hint=f"`npm install --package-lock-only` in {path.parent.as_posix()}")
    try:
        offered.check(text, old)
        before = _versions(old, path)
    except UsageError:
        old, before = None, {}  # it is damaged, which is why it is written anew
    new = npm.lock(text, None if request.upgrade else old)
    after = _versions(new, path)
    yield LockFile(path=path, text=new, packages=len(after), changes=ecosystem.changes(before, after))


def _versions(text: str | None, path: Path) -> dict[tuple[str, str], str]:
    machines = ARCHITECTURES.values() if text else ()
    rows = [row for arch in machines for row in package_lock.packages(text or "", arch, path.as_posix())]
    return {(row.path, row.name): row.version for row in rows}
