"""Projects of Node.js: a folder with a package.json, whose lock decides; the workspace around it may have the lock."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from builder.base import texts
from builder.base.errors import UsageError
from builder.model.runtimes import Runtime, supported
from builder.packages import projects
from builder.packages.npm import following, offered, packlist, project, semver, workspaces
from builder.packages.npm.following import LOCKS, YARN_LOCK
from builder.packages.npm.locks import pnpm_lock
from builder.packages.npm.project import MANIFEST, NodeProject
from builder.packages.projects import FoundProject, ProjectRequest

_OF_BUN = ("bun.lock", "bun.lockb")
_TOOLS = {pnpm_lock.NAME: "pnpm", YARN_LOCK: "Yarn"}


def find(request: ProjectRequest) -> FoundProject | None:
    """Return the project in a folder; None if it has none of Node.js. Raises UsageError for locks that contradict."""
    manifest = request.file(MANIFEST)
    if request.choice.file and request.choice.file not in (MANIFEST, *LOCKS):
        return None
    if not manifest.is_file():
        if (lock := next((path for path in map(request.file, LOCKS) if path.is_file()), None)) is None:
            return None
        msg = f"{lock.as_posix()} has no {MANIFEST} beside it"
        raise UsageError(msg, hint="name the folder of the project that it was made for")
    about = described(manifest)
    lock = _lock_of(request, about)
    return FoundProject(
        request=request,
        uses="npm",
        language="nodejs",
        title=_TOOLS.get(lock.name, "npm") if lock else "Node.js",
        name=str(about.get("name") or request.folder.resolve().name),
        file=manifest,
        lock=lock,
        runtime=_newest(about).name,
    )


def described(manifest: Path) -> dict[str, Any]:
    """Return a package.json. Raises UsageError if it is no JSON object."""
    text = texts.read(manifest)
    try:
        found = texts.parse_json(text)
        why = None if isinstance(found, dict) else "it is no object, `{...}`"
    except texts.MalformedError as error:
        found, why = {}, str(error)
    if why:
        msg = f"{manifest.as_posix()} is not a valid {MANIFEST}"
        raise UsageError(msg, why=[why])
    return dict(found)


def of(request: ProjectRequest) -> NodeProject | None:
    """Return the project with its lock; None if it has no lock. Raises UsageError without a project."""
    found = find(request)
    if found is None:
        msg = f"{request.folder.as_posix()} has no project of Node.js: no {MANIFEST}"
        raise UsageError(msg, hint="name a folder with a package.json")
    projects.chosen(request, found.file, groups=(), extras=())
    if found.lock is None:
        return None
    repository = request.root or found.lock.parent
    return NodeProject(manifest=found.file, lock=found.lock, repository=repository, itself=request.choice.with_project)


def unlocked(request: ProjectRequest) -> str:
    """Return what a project without a lock needs, as a package.json. Raises UsageError if it needs nothing."""
    manifest = request.file(MANIFEST)
    about = described(manifest)
    around = workspaces.around(request)
    if around:
        around.refuse(manifest.as_posix(), workspaces.asked(about))
    writes = workspaces.writes(around.root if around else request.folder)
    if request.choice.with_project:
        msg = f"{manifest.as_posix()} has no lock, which says what the project itself needs"
        raise UsageError(msg, hint=writes)
    if offered.has_local(texts.read(manifest), None):
        msg = f"{manifest.as_posix()} has local packages, and no lock that says what these need"
        raise UsageError(msg, why=offered.in_manifest(texts.read(manifest)), hint=writes)
    if around and around.root == request.folder.resolve():
        msg = f"{manifest.as_posix()} is the root of a workspace, and there is no lock that says what its members need"
        raise UsageError(
            msg, why=[f"{name}: {folder}" for name, folder in around.members.items() if folder], hint=writes
        )
    if not project.production(about):
        msg = f"{manifest.as_posix()} has no dependencies, so there is nothing to put into a layer"
        raise UsageError(msg, hint="a layer holds what a function imports and does not bring itself")
    kept = {key: about[key] for key in ("dependencies", "optionalDependencies", "overrides") if about.get(key)}
    return json.dumps({"name": "layer", "version": "0.0.0", "private": True, **kept}, indent=2) + "\n"


def _lock_of(request: ProjectRequest, about: dict[str, Any]) -> Path | None:
    """Return the lock that decides: the one that is named, the one beside package.json, or the workspace's."""
    if (named := request.choice.file) in LOCKS:
        lock = request.file(str(named))
        if not lock.is_file():
            msg = f"there is no file {lock.as_posix()}"
            raise UsageError(msg)
        return lock
    beside = [path for name in LOCKS if (path := request.file(name)).is_file()]
    found = _only(beside, about) if beside else _lock_above(request)
    if found is None and (unread := next((path for path in map(request.file, _OF_BUN) if path.is_file()), None)):
        msg = f"{unread.as_posix()} is a lock of Bun, which is not read"
        hint = f"`bun install --yarn` in {request.folder.as_posix()} writes yarn.lock, which is"
        raise UsageError(msg, why=["nothing newer is built in its place"], hint=hint)
    return found


def _only(locks: list[Path], about: dict[str, Any]) -> Path:
    """Return one of the locks of a folder: that of the tool which package.json names. Raises UsageError for two."""
    tools = {_TOOLS.get(lock.name, "npm").lower(): lock for lock in reversed(locks)}
    named = str(about.get("packageManager") or "").partition("@")[0]
    if len(tools) == 1 or named in tools:
        return tools.get(named) or locks[0]
    msg = f"{locks[0].parent.as_posix()} has locks of several tools: {' and '.join(lock.name for lock in locks)}"
    ways = " or ".join(f"`--from {lock.name}`" for lock in tools.values())
    raise UsageError(msg, hint=f'name one: {ways}, or `"packageManager"` in {MANIFEST}')


def _lock_above(request: ProjectRequest) -> Path | None:
    """Return the lock of the workspace that a folder is a member of, up to the repository's root."""
    inside = request.folder.resolve()
    for above in workspaces.above(request):
        locks = [path for name in LOCKS if (path := request.inside(above / name)).is_file()]
        if locks and inside.relative_to(above).as_posix() in workspaces.members(above):
            return _only(locks, dict(packlist.described(above)))
    return None


def _newest(about: dict[str, Any]) -> Runtime:
    """Return the newest runtime that `engines` accepts; the newest of all where it accepts none, or says nothing."""
    every = supported("nodejs")
    return next((each for each in reversed(every) if _accepts(about, each)), every[-1])


def _accepts(about: dict[str, Any], runtime: Runtime) -> bool:
    """Tell whether `engines` accepts some version of Node.js of a runtime; it does where it is no range."""
    return semver.accepts_major(_engine(about), int(runtime.series)) is not False


def _engine(about: dict[str, Any]) -> str:
    engines = about.get("engines")
    return str(engines.get("node") or "") if isinstance(engines, dict) else ""


def refuse_runtime(request: ProjectRequest, runtime: Runtime) -> None:
    """Raise UsageError if the `engines` of a project do not accept the Node.js of a runtime."""
    manifest = request.file(MANIFEST)
    about = described(manifest) if manifest.is_file() else {}
    if runtime.language != "nodejs" or not runtime.series.isdigit() or _accepts(about, runtime):
        return
    msg = f"{manifest.as_posix()} wants Node.js {_engine(about)} (`engines`), which {runtime.name} is not"
    fitting = [each.name for each in supported("nodejs") if _accepts(about, each)]
    others = ", ".join(each.name for each in supported("nodejs"))
    raise UsageError(
        msg,
        why=[] if fitting else [f"no runtime of Lambda is: there are {others}"],
        hint=f"`--runtime {fitting[-1]}`" if fitting else "`engines` must name a version that Lambda has",
    )


# ---- what decides ---------------------------------------------------------------------------------------------------


def inputs(request: ProjectRequest) -> dict[str, str]:
    """Return the SHA-256 of what is taken of a project, as `packages.projects.inputs`."""
    return projects.inputs(request, lambda: _decided(request))


def _decided(request: ProjectRequest) -> tuple[Path, Iterable[str]]:
    if node := of(request):
        return node.lock, _taken(node)
    return request.file(MANIFEST), [texts.read(request.file(MANIFEST))]


def _taken(node: NodeProject) -> Iterator[str]:
    """Yield what identifies each package that the project gets."""
    graph = following.graph(node)
    local = following.local_packages(node, graph)
    for each in sorted(graph.reached(), key=lambda one: one.key):
        content = local[each.key].sha256 if each.key in local else ""
        needs = {name: need.to for name, need in each.needs.items()}
        yield json.dumps([each.key, each.version, each.integrity, each.resolved, needs, content], sort_keys=True)
    yield hashlib.sha256(repr(sorted((name, need.to) for name, need in graph.needs.items())).encode()).hexdigest()
