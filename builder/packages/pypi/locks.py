"""Names of the locks of Python packages, and writing them."""

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
from builder.packages.pypi import build_system, requirements_lock, sdist
from builder.packages.pypi.build_system import BuildSystem
from builder.packages.pypi.dist import Candidate
from builder.packages.pypi.requirements_lock import Pin
from builder.packages.pypi.resolve import Wanted, best, resolve
from builder.packages.pypi.wanted import wanted

LOCK = "requirements.lock"
BUILD_LOCK = "build-requirements.lock"
"""What Python packages are compiled with."""
Resolved = Mapping[Target, tuple[Candidate, ...]]


def locks(request: LockRequest) -> Iterator[LockFile]:
    """Yield the lock of a recipe's packages, and the one of what builds those that are compiled."""
    loaded = request.loaded
    path = loaded.lock_named(LOCK) or Path(LOCK)
    resolved: dict[Target, tuple[Candidate, ...]] = {}
    before: dict[tuple[str, str], str] = {}
    for target in targets(loaded.recipe):
        request.report(f"resolving {target.name}")
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
    """Yield the lock of what builds the packages that are compiled."""
    path = request.loaded.lock_named(BUILD_LOCK) or Path(BUILD_LOCK)
    found: dict[Target, tuple[Candidate, ...]] = {}
    before: dict[tuple[str, str], str] = {}
    left: set[str] = set()
    resolve_once = functools.cache(built_with)  # targets that differ by architecture alone ask the same
    for target, candidates in resolved.items():
        compiled = [candidate for candidate in candidates if best(candidate, target.base, target.arch) is None]
        pins = _pins(path, target)
        before.update(_versions({target: pins.values()}))
        if compiled:
            request.report(f"resolving what {target.name} is built with")
            archives = [sdist.file(one.sdist, one.name, one.version) for one in compiled if one.sdist]
            systems = tuple(map(build_system.read, archives))
            kept = () if request.upgrade else _exact(pins.values())
            found[target], differing = resolve_once(systems, target.base, kept)
            left.update(differing)
    after = _versions(found)
    if before or found or path.is_file():
        yield LockFile(
            path=path,
            text=requirements_lock.write_build(found) if found else None,
            packages=len({name for _, name in after}),
            changes=changes(before, after),
            open=tuple(sorted(left)),
        )


def built_with(
    systems: Sequence[BuildSystem], runtime: Runtime, kept: tuple[str, ...]
) -> tuple[tuple[Candidate, ...], tuple[str, ...]]:
    """Return what builds all sdists, and the names of packages left out because they need different versions.

    Each package comes with its files for both architectures: a build may run on either. Raises BuildError when the
    index has nothing that builds one of them.
    """
    needed = [text for system in systems for text in system.requires]
    perhaps = [text for system in systems for text in system.perhaps]
    for texts in ([*needed, *perhaps], needed):
        with contextlib.suppress(BuildError):
            return _agreed(_on_each_machine(texts, runtime, kept))
    return _agreed(found for system in systems for found in _on_each_machine(system.requires, runtime, kept))


def _on_each_machine(
    requirements: Sequence[str], runtime: Runtime, kept: tuple[str, ...]
) -> Iterator[tuple[Candidate, ...]]:
    asked = Wanted(requirements=tuple(dict.fromkeys(requirements)), preferences=kept)
    for arch in ARCHITECTURES.values() if requirements else ():
        candidates = resolve(asked, runtime, arch)
        yield candidates
        asked = dataclasses.replace(asked, preferences=_exact(candidates))


def _agreed(resolved: Iterable[tuple[Candidate, ...]]) -> tuple[tuple[Candidate, ...], tuple[str, ...]]:
    """Join the files of packages that have one version everywhere; return the names of the others as well."""
    merged: dict[tuple[str, str], Candidate] = {}
    for candidate in (candidate for candidates in resolved for candidate in candidates):
        key = (candidate.name, candidate.version)
        known = merged.get(key, candidate)
        wheels = tuple(dict.fromkeys((*known.wheels, *candidate.wheels)))
        merged[key] = dataclasses.replace(known, wheels=wheels, sdist=known.sdist or candidate.sdist)
    versions = Counter(name for name, _ in merged)
    agreed = tuple(candidate for _, candidate in sorted(merged.items()) if versions[candidate.name] == 1)
    return agreed, tuple(sorted(name for name, count in versions.items() if count > 1))


def _pins(path: Path, target: Target) -> dict[str, Pin]:
    """Return what a lock has for a target; nothing when it is damaged, which is why it is written anew."""
    with contextlib.suppress(UsageError, FileNotFoundError):
        return requirements_lock.read(path, target)
    return {}


def _exact(pins: Iterable[Pin | Candidate]) -> tuple[str, ...]:
    return tuple(f"{pin.name}=={pin.version}" for pin in pins)


def _versions(found: Mapping[Target, Iterable[Pin | Candidate]]) -> dict[tuple[str, str], str]:
    return {(target.name, pin.name): pin.version for target, pins in found.items() for pin in pins}


def _resolve(request: LockRequest, target: Target, kept: tuple[str, ...]) -> tuple[Candidate, ...]:
    for runtime in target.runtimes:
        refuse_blocked(runtime, today())
    chosen = tuple(row for row in steps(request.loaded.recipe, target) if isinstance(row[1], Pip))
    if not chosen:
        return ()
    asked = wanted(Request(loaded=request.loaded, target=target, steps=chosen))
    if not asked.requirements and not asked.files:
        return ()
    return resolve(dataclasses.replace(asked, preferences=kept), target.base, target.arch)
