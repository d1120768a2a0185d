"""The locks of Python packages: their names, and their new content."""

import contextlib
import dataclasses
import functools
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from builder.base.errors import UsageError
from builder.model.runtimes import refuse_blocked, today
from builder.model.steps import Pip
from builder.model.target import Target, steps, targets
from builder.packages.ecosystem import LockFile, LockRequest, Request, changes
from builder.packages.pypi import BUILD_LOCK, LOCK, build_requirements, requirements_file, requirements_lock
from builder.packages.pypi.build_system import BuildSystem
from builder.packages.pypi.dist import Candidate
from builder.packages.pypi.indexes import Indexes
from builder.packages.pypi.requirements_lock import Pin
from builder.packages.pypi.resolve import Wanted, best, resolve
from builder.packages.pypi.wanted import lock_of_project, wanted

Resolved = Mapping[Target, tuple[Candidate, ...]]


def locks(request: LockRequest) -> Iterator[LockFile]:
    """Yield the lock of a recipe's packages, and the lock of the build requirements of compiled packages."""
    loaded = request.loaded
    path = loaded.lock_named(LOCK) or Path(LOCK)
    resolved: dict[Target, tuple[Candidate, ...]] = {}
    before: dict[tuple[str, str], str] = {}
    for target in targets(loaded.recipe):
        request.events.begin("resolving", target.name)
        pins = _pins(path, target)
        before.update(_versions({target: pins.values()}))
        resolved[target] = _resolve(request, target, () if request.upgrade else _exact(pins.values()))
    after = _versions(resolved)
    if lock_of_project(loaded):
        yield from _builders(request, resolved)
        return
    if not after:
        msg = f"{loaded.name} has no Python packages to lock"
        raise UsageError(msg)
    yield LockFile(
        path=path,
        text=requirements_lock.write(resolved),
        packages=len({name for _, name in after}),
        changes=changes(before, after),
    )
    yield from _builders(request, resolved)


def _builders(request: LockRequest, resolved: Resolved) -> Iterator[LockFile]:
    """Yield the lock of the build requirements of compiled packages; none if there is nothing to write or remove."""
    path = request.loaded.lock_named(BUILD_LOCK) or Path(BUILD_LOCK)
    builders: dict[Target, tuple[Candidate, ...]] = {}
    before: dict[tuple[str, str], str] = {}
    # Targets that differ only by architecture have the same requirements.
    resolve_once = functools.cache(build_requirements.built_with)
    for target, candidates in resolved.items():
        pins = _build_pins(path, target)
        before.update(_versions({target: pins}))
        if systems := _systems(request, target, candidates):
            request.events.begin("resolving build requirements", target.name)
            kept = () if request.upgrade else _exact({pin.name: pin for pin in pins}.values())
            query = Wanted(preferences=kept, indexes=_indexes(request, target))
            needed = tuple({each.arch.name: each.arch for each in resolved if each.base == target.base}.values())
            builders[target] = resolve_once(systems, target.base, query, needed)
    after = _versions(builders)
    if before or builders or path.is_file():
        yield LockFile(
            path=path,
            text=requirements_lock.write_build(builders) if builders else None,
            packages=len({name for _, name in after}),
            changes=changes(before, after),
        )


def _systems(request: LockRequest, target: Target, candidates: Iterable[Candidate]) -> tuple[BuildSystem, ...]:
    """Return the build systems of the compiled packages of a target, and what its steps require themselves."""
    compiled = (each for each in candidates if best(each, target.base, target.arch) is None)
    archives = [(each.name, each.version, each.sdist) for each in compiled if each.sdist]
    pips = [step for _, step in steps(request.loaded.recipe, target) if isinstance(step, Pip)]
    extra = tuple(target.expand(text) for step in pips for text in step.build_requires)
    return (*build_requirements.of_archives(archives), BuildSystem(requires=extra)) if archives else ()


def _indexes(request: LockRequest, target: Target) -> Indexes:
    """Return the indexes that the files of a target's steps name."""
    chosen = tuple(row for row in steps(request.loaded.recipe, target) if isinstance(row[1], Pip))
    query = wanted(Request(loaded=request.loaded, target=target, steps=chosen))
    return requirements_file.read(query.files, (), query.projects).indexes.unbound


def _build_pins(path: Path, target: Target) -> tuple[Pin, ...]:
    with contextlib.suppress(UsageError, FileNotFoundError):
        return requirements_lock.read_all(path, target)
    return ()


def _pins(path: Path, target: Target) -> dict[str, Pin]:
    """Return the pins of a lock for a target. A missing or damaged lock has none, since it is about to be replaced."""
    with contextlib.suppress(UsageError, FileNotFoundError):
        return requirements_lock.read(path, target)
    return {}


def _exact(pins: Iterable[Pin | Candidate]) -> tuple[str, ...]:
    return tuple(f"{pin.name}=={pin.version}" for pin in pins)


def _versions(resolved: Mapping[Target, Iterable[Pin | Candidate]]) -> dict[tuple[str, str], str]:
    return {(target.name, pin.name): pin.version for target, pins in resolved.items() for pin in pins}


def _resolve(request: LockRequest, target: Target, kept: tuple[str, ...]) -> tuple[Candidate, ...]:
    for runtime in target.runtimes:
        refuse_blocked(runtime, today())
    chosen = tuple(row for row in steps(request.loaded.recipe, target) if isinstance(row[1], Pip))
    if not chosen:
        return ()
    query = wanted(Request(loaded=request.loaded, target=target, steps=chosen))
    if not query.requirements and not query.files and not query.projects:
        return ()
    return resolve(dataclasses.replace(query, preferences=kept), target.base, target.arch)
