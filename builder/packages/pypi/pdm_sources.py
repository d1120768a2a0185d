"""The sources of PDM, with the packages that each is for: `[[tool.pdm.source]]`.

A package comes only from sources that include it, if any does, and from none that excludes it.
https://pdm-project.org/en/latest/usage/config/#respect-the-order-of-the-sources
"""

import fnmatch
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from packaging.utils import canonicalize_name

from builder.base.errors import UsageError
from builder.packages.pypi import index_passwords
from builder.packages.pypi.index_tables import NamedSource
from builder.packages.pypi.indexes import Binding, Index, Indexes

_HINT = "`include_packages` of one of them says which"
_PATTERN = frozenset("*?[")


def indexes(sources: Sequence[NamedSource], file: Path, locked: Collection[str] | None) -> Indexes:
    """Return the sources of a project; `locked` are the packages of its lock, None without one.

    Raises UsageError for a package that no source or several may have, and for patterns without a lock.
    """
    if locked is None:
        _refuse_patterns(sources, file)
    named = [each for each in sources if not each.is_users]
    free = [each for each in named if not each.include_packages and not each.is_default]
    default = next((_index(each) for each in named if each.is_default and each.type == "index"), None)
    exact = {name for each in sources for name in each.include_packages if not _PATTERN.intersection(name)}
    names = sorted({*map(canonicalize_name, exact if locked is None else locked)})
    return Indexes(
        default=default,
        extra=tuple(_index(each) for each in free if each.type == "index"),
        links=tuple(each.url or "" for each in free if each.type == "find_links"),
        trusted=tuple(host for each in named for host in each.trusted),
        bound=dict(_bound(names, _all(sources), file)),
    )


def _all(sources: Sequence[NamedSource]) -> list[NamedSource]:
    """Return the sources with the default of the user, which PDM asks as well unless one has its name."""
    return [*sources, *([] if any(each.is_default for each in sources) else [NamedSource(name="pypi")])]


def _refuse_patterns(sources: Sequence[NamedSource], file: Path) -> None:
    for each in sources:
        if each.exclude_packages or any(map(_PATTERN.intersection, each.include_packages)):
            msg = f"{file.as_posix()}: the source `{each.name}` is for packages that only a lock can tell"
            raise UsageError(msg, hint="`pdm lock` writes all packages into a lock")


def _bound(names: Collection[str], sources: Sequence[NamedSource], file: Path) -> Iterator[tuple[str, tuple[Binding]]]:
    for name in names:
        including = [each for each in sources if _matches(name, each.include_packages)]
        excluding = [each for each in sources if each not in including and _matches(name, each.exclude_packages)]
        may = including or [each for each in sources if each not in excluding and not each.include_packages]
        if not including and not excluding:
            continue
        if len(may) != 1:
            which = ", ".join(f"`{each.name}`" for each in may) or "none"
            msg = f"{file.as_posix()}: `{name}` may come from several sources or from none: {which}"
            raise UsageError(msg, hint=_HINT)
        yield name, (Binding(index=_index(may[0])),)


def _matches(name: str, patterns: Collection[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _index(source: NamedSource) -> Index:
    found = index_passwords.pdm(source.name, source.address)
    return Index(url=found.url, name=found.name, flat=source.type == "find_links", password_in=found.password_in)
