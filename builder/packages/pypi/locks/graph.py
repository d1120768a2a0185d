"""What a project needs of a lock whose packages do not say who needs them: its dependencies are followed.

A lock is for all environments; here they are those of Lambda: each version of Python on each architecture.
"""

import functools
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from packaging.markers import InvalidMarker, Marker
from packaging.version import InvalidVersion, Version

from builder.base.errors import UsageError
from builder.base.frozen import dataclass
from builder.packages.pypi import markers, poetry_versions
from builder.packages.pypi.locks.rows import LockRow
from builder.packages.pypi.poetry_project import Dependency
from builder.packages.pypi.pyproject import PythonVersions

_MOST_ROUNDS = 30
"""Rounds until the versions of a lock are settled: more than any real lock needs, which takes two or three."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LockNode:
    """A package of a lock with what it needs."""

    row: LockRow
    dependencies: tuple[Dependency, ...]
    of_extras: Mapping[str, frozenset[str]]
    """Names of optional dependencies by the extra that asks for them."""


Environment = tuple[tuple[str, str], ...]


def rows(
    lock: Path, nodes: Iterable[LockNode], roots: Collection[Dependency], accepted: PythonVersions
) -> Iterator[LockRow]:
    """Yield the packages that are needed, each for the environments that need it.

    Raises UsageError if the lock lacks one, or has it in no version that fits.
    """
    by_name: dict[str, list[LockNode]] = defaultdict(list)
    for node in nodes:
        by_name[node.row.name].append(node)
    everywhere = dict(_environments(accepted))
    where: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
    found: dict[tuple[str, str], LockRow] = {}
    for key, environment in everywhere.items():
        for row in _needed(lock, by_name, roots, environment):
            where[row.name, row.version].add(key)
            found[row.name, row.version] = row
    for pair in sorted(found):
        yield replace(found[pair], marker=markers.among(where[pair], everywhere))


def _environments(accepted: PythonVersions) -> Iterator[tuple[tuple[str, str], Environment]]:
    """Yield the environments of Lambda that a project accepts, by version of Python and machine."""
    for runtime, arch in markers.everywhere():
        if accepted.accept(runtime.python_full):
            yield (runtime.series, arch.machine), tuple(sorted(markers.environment_of(runtime, arch).items()))


def _needed(
    lock: Path, nodes: Mapping[str, Sequence[LockNode]], roots: Collection[Dependency], environment: Environment
) -> Iterable[LockRow]:
    """Return the packages that one environment needs: in rounds, since each version that is taken may ask for more."""
    chosen: dict[str, LockNode] = {}
    for _ in range(_MOST_ROUNDS):
        asked = _asked(chosen, roots, environment)
        taken = {name: _taken(lock, name, nodes.get(name, ()), each) for name, each in asked.items()}
        if taken == chosen:
            return [node.row for node in chosen.values()]
        chosen = taken
    msg = f"{lock.as_posix()} has packages whose versions exclude each other"
    raise UsageError(msg, hint="lock again")


def _asked(
    chosen: Mapping[str, LockNode], roots: Collection[Dependency], environment: Environment
) -> dict[str, list[Dependency]]:
    """Return what is asked for, by name, as far as the packages are chosen already."""
    asked: dict[str, list[Dependency]] = defaultdict(list)
    extras: dict[str, set[str]] = defaultdict(set)
    done: set[tuple[str, frozenset[str]]] = set()
    waiting = [each for each in roots if _holds(each.marker, frozenset(), environment)]
    while waiting:
        dependency = waiting.pop()
        asked[dependency.name].append(dependency)
        extras[dependency.name].update(dependency.extras)
        given = frozenset(extras[dependency.name])
        if dependency.name in chosen and (dependency.name, given) not in done:
            done.add((dependency.name, given))
            waiting += _dependencies(chosen[dependency.name], given, environment)
    return asked


def _dependencies(node: LockNode, extras: frozenset[str], environment: Environment) -> Iterator[Dependency]:
    of_extras = frozenset(name for extra in extras for name in node.of_extras.get(extra, ()))
    for each in node.dependencies:
        by_extra = not each.optional or each.name in of_extras or "extra" in (each.marker or "")
        if by_extra and _holds(each.marker, extras, environment):
            yield each


def _taken(lock: Path, name: str, nodes: Sequence[LockNode], asked: Sequence[Dependency]) -> LockNode:
    """Return the newest version that all who ask for a package accept; that at an address fits whatever is asked."""
    fitting = [
        node
        for node in nodes
        if node.row.place or all(poetry_versions.fits(node.row.version, each.versions) for each in asked)
    ]
    if not fitting:
        has = f"it has {', '.join(node.row.version for node in nodes)}" if nodes else "it has none"
        wanted = ", ".join(sorted({" or ".join(map(str, each.versions)) or "any" for each in asked}))
        msg = f"{lock.as_posix()} has no version of `{name}` that fits: {wanted}"
        raise UsageError(msg, why=[has], hint="lock again")
    return max(fitting, key=lambda node: _version(node.row.version))


def _version(text: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion:
        return Version("0")


@functools.lru_cache(maxsize=100_000)
def _holds(marker: str | None, extras: frozenset[str], environment: Environment) -> bool:
    """Tell whether a marker matches, for a package that is asked for with these extras."""
    if marker is None:
        return True
    try:
        parsed = Marker(marker)
        return any(markers.holds(parsed, {**dict(environment), "extra": extra}) for extra in extras or {""})
    except (InvalidMarker, RecursionError):
        msg = f"the marker `{marker}` cannot be evaluated"
        raise UsageError(msg) from None
