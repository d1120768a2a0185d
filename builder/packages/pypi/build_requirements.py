"""What sdists are built with: exact files, which a container gets read-only and installs without network.

They are resolved and fetched on the host, where nothing of them runs. A build requirement without a fitting wheel is
its sdist: the container builds it first, with its own build requirements, which are gathered as well.
"""

import contextlib
import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from builder.base import cache_paths, files
from builder.base.errors import BuildError
from builder.model.architectures import ARCHITECTURES, Architecture
from builder.model.runtimes import Runtime
from builder.model.target import Target
from builder.packages.pypi import build_system, known, requirements_lock, sdist
from builder.packages.pypi.build_file import BuildFile
from builder.packages.pypi.build_system import BuildSystem
from builder.packages.pypi.dist import Candidate, Dist
from builder.packages.pypi.indexes import Indexes
from builder.packages.pypi.requirements_lock import Pin
from builder.packages.pypi.resolve import Wanted, best, resolve

Architectures = Collection[Architecture]


def locked(pins: Sequence[Pin], path: Path, target: Target, indexes: Indexes) -> tuple[BuildFile, ...]:
    """Return the files of the pins of a lock. Both architectures have theirs, since a build can run on either.

    Raises BuildError if the index has other files than the lock.
    """
    found = (
        candidate
        for group in _one_of_each(pins)
        for arch in _first(target.arch)
        for candidate in _pinned(group, path, dataclasses.replace(target, architectures=(arch,)), target.arch, indexes)
    )
    return _files(found, target.base)


def offered(systems: Sequence[BuildSystem], target: Target, indexes: Indexes) -> tuple[BuildFile, ...]:
    """Return the files that the index has at this moment. Raises BuildError if a requirement is not available."""
    return _files(built_with(systems, target.base, Wanted(indexes=indexes), (target.arch,)), target.base)


def of_archives(compiled: Iterable[tuple[str, str, Dist]]) -> tuple[BuildSystem, ...]:
    """Return the build systems of sdists, given by name, version and file."""
    return tuple(build_system.read(sdist.file(file, name, version)) for name, version, file in compiled)


def built_with(
    systems: Sequence[BuildSystem], runtime: Runtime, query: Wanted, needed: Architectures
) -> tuple[Candidate, ...]:
    """Return the build requirements of sdists, a package in several versions if they need different ones.

    The query has indexes, and the versions to keep where the build systems allow them.
    Each package has its files for both architectures, since a build can run on either. Raises BuildError if a
    requirement is not available on one that is `needed`.
    """
    merged: dict[tuple[str, str], Candidate] = {}
    while systems:
        resolved = tuple(_together(systems, runtime, query, needed))
        sources = {
            (each.name, each.version): each.sdist
            for each in resolved
            if each.sdist and not each.wheels and (each.name, each.version) not in merged
        }
        for candidate in resolved:
            key = (candidate.name, candidate.version)
            merged[key] = _joined(merged.get(key, candidate), candidate)
        systems = of_archives((name, version, file) for (name, version), file in sources.items())
    return tuple(candidate for _, candidate in sorted(merged.items()))


def _together(
    systems: Sequence[BuildSystem], runtime: Runtime, query: Wanted, architectures: Architectures
) -> Iterator[Candidate]:
    """Yield what sdists are built with: the same versions for all, if there are some that fit all."""
    required = [text for system in systems for text in system.requires]
    perhaps = [text for system in systems for text in system.perhaps]
    for texts in ([*required, *perhaps], required):
        with contextlib.suppress(BuildError):
            yield from tuple(_on_each_machine(texts, runtime, query, architectures))
            return
    if len(systems) == 1:
        yield from _on_each_machine(required, runtime, query, architectures)
    else:
        for system in systems:
            yield from _together((system,), runtime, query, architectures)


def _on_each_machine(
    requirements: Sequence[str], runtime: Runtime, query: Wanted, needed: Architectures
) -> Iterator[Candidate]:
    query = dataclasses.replace(query, requirements=tuple(dict.fromkeys(requirements)))
    for arch in _first(*needed) if requirements else ():
        try:
            candidates = resolve(query, runtime, arch)
        except BuildError:
            if arch in needed:
                raise
            continue
        yield from candidates
        exact = tuple(f"{each.name}=={each.version}" for each in candidates)
        query = dataclasses.replace(query, preferences=exact)


def _first(*needed: Architecture) -> tuple[Architecture, ...]:
    """Return all architectures, these first."""
    return tuple(dict.fromkeys((*needed, *ARCHITECTURES.values())))


def _joined(first: Candidate, second: Candidate) -> Candidate:
    wheels = tuple(dict.fromkeys((*first.wheels, *second.wheels)))
    return dataclasses.replace(first, wheels=wheels, sdist=first.sdist or second.sdist)


def _one_of_each(pins: Sequence[Pin]) -> Iterator[dict[str, Pin]]:
    """Divide the pins of a lock into groups in which each package has one version."""
    left = list(pins)
    while left:
        group = {pin.name: pin for pin in left}
        yield group
        left = [pin for pin in left if group[pin.name] is not pin]


def _pinned(
    group: Mapping[str, Pin], path: Path, target: Target, needed: Architecture, indexes: Indexes
) -> Iterator[Candidate]:
    exact = tuple(f"{name}=={group[name].version}" for name in sorted(group))
    wanted = Wanted(requirements=exact, without_dependencies=True, indexes=indexes)
    try:
        found = known.resolved(wanted, target, files.sha256(path), group, cache_paths.folder("resolved"))
    except BuildError:
        if target.arch == needed:
            raise
        return
    yield from (requirements_lock.locked(candidate, group, target) for candidate in found)


def _files(found: Iterable[Candidate], runtime: Runtime) -> tuple[BuildFile, ...]:
    """Return the file of each package for each architecture: the best wheel, or else the sdist."""
    chosen = {
        (each.name, each.version, file)
        for each in found
        for file in (
            *(best(each, runtime, arch) for arch in ARCHITECTURES.values()),
            None if each.wheels else each.sdist,
        )
        if file
    }
    rows = sorted(chosen, key=lambda row: row[2].filename)
    return tuple(BuildFile(name=name, version=version, file=file) for name, version, file in rows)
