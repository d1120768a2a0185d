"""The Python packages of a target: resolution from the lock or the index, and a route for each package."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from packaging.utils import canonicalize_name

from builder.base import cache_paths, files
from builder.base.errors import BuildError, UsageError
from builder.model.limits import MB, UNZIPPED_LIMIT
from builder.model.recipes import Loaded
from builder.model.steps import Packages
from builder.model.target import Target
from builder.packages import ecosystem
from builder.packages.ecosystem import Request
from builder.packages.pypi import BUILD_LOCK, LOCK, known, requirements_file, requirements_lock, uv
from builder.packages.pypi.build_file import BuildFile
from builder.packages.pypi.dist import Candidate
from builder.packages.pypi.indexes import Indexes
from builder.packages.pypi.requirements_lock import Pin
from builder.packages.pypi.resolution import Wheels
from builder.packages.pypi.resolve import Wanted, newest_fitting, resolve
from builder.packages.pypi.routes import Route, route
from builder.packages.pypi.wanted import names, steps, wanted


def planned(request: Request) -> Wheels | None:
    """Return the packages of a target with their routes; None if nothing is required."""
    asked = wanted(request)
    if not asked.requirements and not asked.files and not asked.projects:
        return None
    loaded, target = request.loaded, request.target
    candidates, locked = _candidates(request, asked)
    routes = tuple(route(candidate, target, asked) for candidate in _without(candidates, request))
    if not routes:  # markers rule everything out, or a file names nothing
        return None
    build_lock = _build_lock(loaded)
    compiled = tuple(one for one in routes if one.sdist)
    indexes = requirements_file.read(asked.files, (), asked.projects).indexes.unbound
    build_files, unavailable = _build_files(request, compiled, build_lock, indexes)
    reasons = {
        **({} if locked else _without_wheels(request, routes, asked, indexes)),
        **_by_container(candidates),
    }
    return Wheels(
        target=target,
        routes=routes,
        locked=locked,
        has_bytecode=bool(routes),
        steps={name: number for number, step in steps(request) for name in names(loaded, step)},
        last_step=request.number,
        uv=uv.version(),
        build_files=build_files,
        unavailable=unavailable,
        online=tuple(number for number, step in steps(request) if step.network),
        reasons=reasons,
        warnings=(
            *_sizes(request, routes),
            *reasons.values(),
            *_unpinned_builds(loaded, [one.package.name for one in compiled], build_lock, locked=locked),
            *(f"it cannot be compiled: {text}" for text in unavailable[:1]),
        ),
        indexes=indexes,
    )


def check(request: Request) -> None:
    """Raise UsageError for what `planned` refuses whatever the index offers."""
    asked = wanted(request)
    requirements_file.read(asked.files, asked.requirements, asked.projects)
    _pins(request, asked)


def pinned(request: Request) -> dict[str, tuple[str, ...]]:
    """Return the version of each package that the lock has for a target."""
    asked = wanted(request)
    if asked.locked:
        plain = requirements_file.read(asked.files, (), asked.projects)
        return {pin.name: (pin.version,) for pin in requirements_lock.pins(plain.requirements, request.target)}
    lock = _pins(request, asked)
    return {pin.name: (pin.version,) for pin in lock[1].values()} if lock else {}


def _pins(request: Request, asked: Wanted) -> tuple[Path, Mapping[str, Pin]] | None:
    """Return the lock and its pins for the target; None if there is no lock."""
    loaded, target = request.loaded, request.target
    if target.base.python is None:
        msg = f'{target.name}: `uses = "pip"` needs a Python runtime, not {target.base.name}'
        raise UsageError(msg)
    path = loaded.lock_named(LOCK)
    if path is None or not path.is_file():
        return None
    if asked.locked:
        msg = f"{loaded.name} has a {path.name} beside the lock of its project, which decides"
        raise UsageError(msg, hint=f"remove it: `rm {path.as_posix()}`")
    pins = requirements_lock.read(path, target)
    if unfit := requirements_lock.unfit(pins, asked.requirements, target):
        raise ecosystem.stale(loaded, path.name, unfit)
    return path, pins


def _candidates(request: Request, asked: Wanted) -> tuple[tuple[Candidate, ...], bool]:
    """Return every package that is needed, and whether a lock says so."""
    target = request.target
    lock = _pins(request, asked)
    if lock is None and asked.locked:
        return _of_projects(target, asked), True
    if lock is None:
        return resolve(asked, target.base, target.arch), False
    path, pins = lock
    fixed = tuple(f"{pin.name}=={pin.version}" for pin in pins.values())
    asked = dataclasses.replace(asked, pins=fixed)
    candidates = known.resolved(asked, target, files.sha256(path), pins, cache_paths.folder("resolved"))
    return tuple(requirements_lock.locked(candidate, pins, target) for candidate in candidates), True


def _of_projects(target: Target, asked: Wanted) -> tuple[Candidate, ...]:
    """Return every package of locked projects, from the cache if nothing in them has an address or an index."""
    plain = requirements_file.read((), (), asked.projects)
    if plain.places or plain.indexes != Indexes():
        return resolve(asked, target.base, target.arch)
    pins = {pin.name: pin for pin in requirements_lock.pins(plain.requirements, target)}
    digest = files.sha256_of("\n".join(plain.requirements).encode())
    found = known.resolved(asked, target, digest, pins, cache_paths.folder("resolved"))
    return tuple(requirements_lock.locked(each, pins, target) if each.name in pins else each for each in found)


def _without(candidates: Sequence[Candidate], request: Request) -> tuple[Candidate, ...]:
    """Return the candidates without the packages that another layer brings."""
    others = {canonicalize_name(name) for _, step in steps(request) for name in step.without}
    required = {canonicalize_name(candidate.name) for candidate in candidates}
    ecosystem.refuse_unknown(request.target, "without", others, required)
    return tuple(candidate for candidate in candidates if canonicalize_name(candidate.name) not in others)


def _build_lock(loaded: Loaded) -> Path | None:
    path = loaded.lock_named(BUILD_LOCK)
    return path if path and path.is_file() else None


def _build_files(
    request: Request, compiled: Sequence[Route], lock: Path | None, indexes: Indexes
) -> tuple[tuple[BuildFile, ...], tuple[str, ...]]:
    """Return what the compiled packages are built with, and why it is not available if it is not.

    A lock decides, or else what the index has: without a lock, a plan can be shown that cannot be built.
    """
    target = request.target
    extra = tuple(target.expand(text) for _, step in steps(request) for text in step.build_requires)
    if not compiled:
        return (), ()
    from builder.packages.pypi import build_requirements
    from builder.packages.pypi.build_system import BuildSystem

    if lock is None:
        archives = [(one.package.name, one.package.version, one.sdist) for one in compiled if one.sdist]
        try:
            systems = (*build_requirements.of_archives(archives), BuildSystem(requires=extra))
            return build_requirements.offered(systems, target, indexes), ()
        except BuildError as error:
            return (), (error.what, *error.why)
    pins = requirements_lock.read_all(lock, target)
    if unfit := requirements_lock.unfit({pin.name: pin for pin in pins}, extra, target):
        raise ecosystem.stale(request.loaded, lock.name, unfit)
    return build_requirements.locked(pins, lock, target, indexes), ()


def _sizes(request: Request, routes: Sequence[Route]) -> Iterator[str]:
    if routes and len(request.target.runtimes) > 1 and request.loaded.recipe.slim.bytecode != "off":
        yield "a layer for several runtimes comes without bytecode: each Python has its own"
    download = sum(one.size or 0 for one in routes if one.kind == "wheel")
    if download > UNZIPPED_LIMIT:
        yield f"the wheels are {download / MB:.0f} MB packed, more than Lambda accepts unpacked: prune them"


def _without_wheels(request: Request, routes: Sequence[Route], asked: Wanted, indexes: Indexes) -> dict[str, str]:
    """Return why packages are compiled, for lack of a wheel: with what that needs, and how it can be spared."""
    target = request.target
    return {
        one.package.name: "; ".join(
            [
                f"{one.package.name} {one.package.version} has no wheel for {target.base.name}, so it is compiled",
                *_ways(request, one.package.name, newest_fitting(one.package.name, target.base, target.arch, indexes)),
            ]
        )
        for one in routes
        if one.sdist and one.origin is None and one.package.name not in asked.sources
    }


def _ways(request: Request, name: str, newest: str | None) -> Iterator[str]:
    """Yield what compiling a package needs that the recipe does not install, and what there is instead of it."""
    from builder.model.hints import hints

    known = hints().compiling.get(name)
    recipe = request.loaded.recipe
    installed = {each for step in recipe.step if isinstance(step, Packages) for each in step.install}
    if known and (missing := [each for each in known.packages if each not in installed]):
        options = " ".join(f"--packages {each}" for each in missing)
        yield f"that needs {options}" if request.loaded.adhoc else f"that needs the packages {', '.join(missing)}"
    if known and known.prebuilt:
        yield f"{known.prebuilt} has wheels"
    if newest:
        yield f"{name}=={newest} is the newest with a wheel that fits"


def _by_container(candidates: Sequence[Candidate]) -> dict[str, str]:
    """Return why local packages are built in a container, and what is done without one."""
    return {
        each.name: f"{each.name} is built in a container: {each.by_container.reason}. {each.by_container.instead}"
        for each in candidates
        if each.by_container
    }


def _unpinned_builds(loaded: Loaded, compiled: Sequence[str], lock: Path | None, *, locked: bool) -> Iterator[str]:
    """Yield a warning if unpinned build requirements can change a locked layer."""
    if locked and compiled and lock is None:
        names_ = ", ".join(compiled)
        yield f"the build requirements of {names_} are not locked; `layerwright lock {loaded.name}` writes {BUILD_LOCK}"
