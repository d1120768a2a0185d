"""The locks of Python packages: their names, and their new content."""

import contextlib
import dataclasses
import functools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from builder.base.errors import BuildError, UsageError
from builder.model.architectures import ARCHITECTURES
from builder.model.runtimes import Runtime, refuse_blocked, today
from builder.model.steps import Pip
from builder.model.target import Target, steps, targets
from builder.packages.ecosystem import LockFile, LockRequest, Request, changes
from builder.packages.pypi import BUILD_LOCK, LOCK, build_system, requirements_lock, sdist
from builder.packages.pypi.build_system import BuildSystem
from builder.packages.pypi.dist import Candidate
from builder.packages.pypi.requirements_lock import Pin
from builder.packages.pypi.resolve import Wanted, best, resolve
from builder.packages.pypi.wanted import wanted

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
    left: set[str] = set()
    resolve_once = functools.cache(built_with)  # targets that differ only by architecture have the same requirements
    for target, candidates in resolved.items():
        compiled = [candidate for candidate in candidates if best(candidate, target.base, target.arch) is None]
        pins = _pins(path, target)
        before.update(_versions({target: pins.values()}))
        if compiled:
            request.events.begin("resolving build requirements", target.name)
            archives = [
                sdist.file(package.sdist, package.name, package.version) for package in compiled if package.sdist
            ]
            systems = tuple(map(build_system.read, archives))
            kept = () if request.upgrade else _exact(pins.values())
            builders[target], differing = resolve_once(systems, target.base, kept)
            left.update(differing)
    after = _versions(builders)
    if before or builders or path.is_file():
        yield LockFile(
            path=path,
            text=requirements_lock.write_build(builders) if builders else None,
            packages=len({name for _, name in after}),
            changes=changes(before, after),
            open=tuple(sorted(left)),
        )


def built_with(
    systems: Sequence[BuildSystem], runtime: Runtime, kept: tuple[str, ...]
) -> tuple[tuple[Candidate, ...], tuple[str, ...]]:
    """Return the build requirements of sdists, and the names of packages left out because they need several versions.

    Each package has its files for both architectures, since a build can run on either. Raises BuildError if a
    requirement is not available.
    """
    needed = [text for system in systems for text in system.requires]
    perhaps = [text for system in systems for text in system.perhaps]
    for texts in ([*needed, *perhaps], needed):
        with contextlib.suppress(BuildError):
            return _agreed(_on_each_machine(texts, runtime, kept))
    return _agreed(resolved for system in systems for resolved in _on_each_machine(system.requires, runtime, kept))


def _on_each_machine(
    requirements: Sequence[str], runtime: Runtime, kept: tuple[str, ...]
) -> Iterator[tuple[Candidate, ...]]:
    query = Wanted(requirements=tuple(dict.fromkeys(requirements)), preferences=kept)
    for arch in ARCHITECTURES.values() if requirements else ():
        candidates = resolve(query, runtime, arch)
        yield candidates
        query = dataclasses.replace(query, preferences=_exact(candidates))


def _agreed(resolved: Iterable[tuple[Candidate, ...]]) -> tuple[tuple[Candidate, ...], tuple[str, ...]]:
    """Return packages that have one version everywhere, with all their files, and the names of the others."""
    merged: dict[tuple[str, str], Candidate] = {}
    for candidate in (candidate for candidates in resolved for candidate in candidates):
        key = (candidate.name, candidate.version)
        first = merged.get(key, candidate)
        wheels = tuple(dict.fromkeys((*first.wheels, *candidate.wheels)))
        merged[key] = dataclasses.replace(first, wheels=wheels, sdist=first.sdist or candidate.sdist)
    versions = Counter(name for name, _ in merged)
    agreed = tuple(candidate for _, candidate in sorted(merged.items()) if versions[candidate.name] == 1)
    return agreed, tuple(sorted(name for name, count in versions.items() if count > 1))


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
    if not query.requirements and not query.files:
        return ()
    return resolve(dataclasses.replace(query, preferences=kept), target.base, target.arch)
