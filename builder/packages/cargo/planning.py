"""Deciding which crates a target gets, and writing their lock."""

from collections.abc import Iterator
from pathlib import Path

from builder.base import texts
from builder.base.errors import BuildError, UsageError
from builder.model.recipes import Loaded
from builder.model.steps.cargo import Cargo
from builder.model.target import Target
from builder.packages import ecosystem
from builder.packages.cargo import LOCK, PROJECT_LOCK, cargo, cargo_lock, project
from builder.packages.cargo.cargo_lock import Crate
from builder.packages.cargo.project import Project
from builder.packages.cargo.resolution import Crates
from builder.packages.ecosystem import LockFile, LockRequest, Request

_GENERATE = "cargo generate-lockfile"


def planned(request: Request) -> Crates:
    """Decide on the crates of a target. Runs the host's cargo for a published crate without a lock, else nothing."""
    step = _only(request)
    if not request.may_compile:
        msg = f"{request.target.name}: a program in Rust would have to be compiled, which needs an engine"
        raise BuildError(msg, why=[step.path or str(step.crate)], hint="leave out `--route wheels`")
    return _of_project(request, step, step.path) if step.path else _of_crate(request, step)


def check(request: Request) -> None:
    """Raise UsageError for a project or a lock that does not fit the recipe. Runs nothing, asks nobody."""
    step, loaded = _only(request), request.loaded
    if step.path or (loaded.folder and loaded.has(LOCK)):
        planned(request)


def pinned(request: Request) -> dict[str, set[str]]:
    """Return the versions of each crate that the lock has."""
    path = lock_path(request.loaded)
    versions: dict[str, set[str]] = {}
    for crate in _kept(path) if path else ():
        versions.setdefault(crate.name, set()).add(crate.version)
    return versions


def lock_path(loaded: Loaded) -> Path | None:
    """Return the lock of a recipe: a project has its own."""
    paths = (step.path for step in loaded.recipe.step if isinstance(step, Cargo) and step.path)
    path = next(paths, None)
    return loaded.file(path) / PROJECT_LOCK if path else loaded.lock_named(LOCK)


def _only(request: Request) -> Cargo:
    """Return the one step of a target. Raises UsageError for two: they would need two locks."""
    if len(request.steps) > 1:
        msg = f'{request.target.name}: two steps say `uses = "cargo"`'
        hint = "make a layer of each program, or one project whose Cargo.toml has several [[bin]]"
        raise UsageError(msg, hint=hint)
    return request.only(Cargo)


def _of_project(request: Request, step: Cargo, path: str) -> Crates:
    loaded = request.loaded
    found = project.load(loaded, path)
    crates = _project_lock(found)
    if unfit := found.unfit(crates):
        raise ecosystem.stale(loaded, f"{path}/{PROJECT_LOCK}", unfit)
    return Crates(
        step=request.number,
        asked=step,
        name=found.name,
        version=found.version,
        crates=crates,
        folder=found.folder,
        files=found.files,
        texts=loaded.recipe.libraries.license,
        locked=True,
    )


def _project_lock(found: Project) -> tuple[Crate, ...]:
    path = found.folder / PROJECT_LOCK
    if not path.is_file():
        msg = f"there is no {PROJECT_LOCK} beside {(found.folder / project.MANIFEST).as_posix()}"
        raise UsageError(msg, hint=f"`{_GENERATE}` writes it")
    return cargo_lock.read(texts.read(path), path.as_posix(), _GENERATE)


def _of_crate(request: Request, step: Cargo) -> Crates:
    name, version = _crate(step, request.target)
    path = request.loaded.lock_named(LOCK)
    locked = path is not None and path.is_file()
    crates = (
        cargo_lock.read(texts.read(path), path.as_posix(), cargo.COMMAND)
        if path and locked
        else cargo.resolve(name, version)
    )
    if cargo_lock.root(crates, name, version) is None or any(crate.sha256 is None for crate in crates):
        why = [f"the recipe asks for {name} {version}, which the lock was not made for"]
        raise ecosystem.stale(request.loaded, LOCK, why)
    return Crates(
        step=request.number,
        asked=step,
        name=name,
        version=version,
        crates=crates,
        texts=request.loaded.recipe.libraries.license,
        locked=locked,
    )


def _crate(step: Cargo, target: Target) -> tuple[str, str]:
    """Return name and version of a step's crate for a target. Raises UsageError for an invalid version."""
    name, _, version = target.expand(str(step.crate)).partition("@")
    if not cargo_lock.VERSION.fullmatch(version):
        msg = f"{target.name}: `{version}` is not a valid version of a crate"
        raise UsageError(msg, hint="a version of cargo has three numbers, for example 14.1.1")
    return name, version


# ---- writing -------------------------------------------------------------------------------------------------------


def locks(request: LockRequest) -> Iterator[LockFile]:
    """Yield the one lock of a recipe: a project's own, or that of a published crate."""
    loaded = request.loaded
    chosen = {}
    for crate_request in ecosystem.requests(loaded, Cargo):
        step = _only(crate_request)
        chosen[step.path or "@".join(_crate(step, crate_request.target))] = step
    if len(chosen) > 1:
        msg = f"{loaded.name}: its targets want different crates, and a {LOCK} holds one set"
        raise UsageError(msg, hint="make two recipes of it")
    for text, step in chosen.items():
        request.events.begin("resolving crates")
        yield _relocked(request, step.path) if step.path else _locked(loaded, text)


def _locked(loaded: Loaded, crate: str) -> LockFile:
    """Return the lock of a published crate, whose own lock decides: an upgrade changes nothing."""
    name, _, version = crate.partition("@")
    path = loaded.lock_named(LOCK) or Path(LOCK)
    new = cargo.resolve(name, version)
    return _lock_file(path, cargo_lock.write(new), _kept(path), new)


def _relocked(request: LockRequest, path: str) -> LockFile:
    """Return the lock of a project: as it is where it fits, else as cargo writes it."""
    found = project.load(request.loaded, path)
    lock = found.folder / PROJECT_LOCK
    old = _kept(lock)
    if request.upgrade or not old:
        text = cargo.relock(found, ["update"] if old else ["generate-lockfile"])
    elif found.unfit(old):
        text = cargo.relock(found, ["update", "--workspace"])
    else:
        text = texts.read(lock)
    return _lock_file(lock, text, old, cargo_lock.read(text, lock.as_posix(), _GENERATE))


def _kept(path: Path) -> tuple[Crate, ...]:
    """Return the crates of an old lock; none if it is damaged, which is why it is written anew."""
    try:
        return cargo_lock.read(texts.read(path), path.as_posix(), cargo.COMMAND) if path.is_file() else ()
    except UsageError:
        return ()


def _lock_file(path: Path, text: str, old: tuple[Crate, ...], new: tuple[Crate, ...]) -> LockFile:
    before, after = ({(crate.version, crate.name): crate.version for crate in crates} for crates in (old, new))
    return LockFile(path=path, text=text, packages=len(new), changes=ecosystem.changes(before, after))
