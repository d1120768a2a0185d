"""Versions and ranges of Node.js packages, by the rules of node-semver: `^1.2.3`, `~1.2`, `1.x || >=2 <3`, `1 - 2`."""

import re
from collections.abc import Iterator
from functools import lru_cache

from builder.base.frozen import dataclass

_Version = tuple[int, int, int, bool, tuple[tuple[int, int, str], ...]]
"""Major, minor, patch, whether it is no pre-release, and the parts of one."""
_PRE = r"(?:-?(?P<pre>[A-Za-z-][\w.-]*|(?<=-)[\w.-]+))?(?:\+[\w.-]+)?"
_PARTS = rf"(?P<major>{{n}})(?:\.(?P<minor>{{n}})(?:\.(?P<patch>{{n}}){_PRE})?)?"
_EXACT = re.compile("[v=\\s]*" + _PARTS.replace("{n}", r"\d{1,16}"), re.ASCII)
_COMPARATOR = re.compile(r"(?P<sign>\^|~>|~|>=|<=|>|<|=|)[v=]*" + _PARTS.replace("{n}", r"\d{1,16}|[xX*]"), re.ASCII)
_HYPHEN = re.compile(r"\s*(\S+)\s+-\s+(\S+)\s*")
_LONGEST = 1024
"""Characters of a range that is read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _RangeEnd:
    sign: str
    version: _Version

    def holds(self, version: _Version) -> bool:
        if version == self.version:
            return self.sign in {">=", "<=", "="}
        return version > self.version if self.sign in {">", ">="} else self.sign != "=" and version < self.version


def is_range(text: str) -> bool:
    """Tell whether a text is a range of versions, and no tag, name or address."""
    return _sets(text) is not None


def satisfies(version: str, wanted: str) -> bool | None:
    """Tell whether a version is in a range. None if one of both is none, such as a tag or an address."""
    found, sets = _exact(version), _sets(wanted)
    if found is None or sets is None:
        return None
    return wanted.strip() in {"", "*"} or any(_fits(found, bounds) for bounds in sets)


def intersect(one: str, other: str) -> bool | None:
    """Tell whether a version can be in both ranges. None if one is no range."""
    first, second = _sets(one), _sets(other)
    if first is None or second is None:
        return None
    return any(_has_some([*left, *right]) for left in first for right in second)


def accepts_major(wanted: str, major: int) -> bool | None:
    """Tell whether a range has some version of a major one. None if it is no range."""
    return intersect(wanted, f"{major}.x")


def _has_some(bounds: list[_RangeEnd]) -> bool:
    """Tell whether bounds leave something: their lower ends, or what follows right behind them, are in all."""
    zero = _of(0, pre="0")
    ends = [zero, *(bound.version for bound in bounds)]
    behind = [_of(each[0], each[1], each[2] + 1) for each in ends]
    return any(all(bound.holds(each) for bound in bounds) for each in (*ends, *behind))


def _fits(version: _Version, bounds: list[_RangeEnd]) -> bool:
    """Tell whether a version is within bounds; a pre-release only where a bound is one of the same version."""
    if not all(bound.holds(version) for bound in bounds):
        return False
    return version[3] or any(bound.version[:3] == version[:3] and not bound.version[3] for bound in bounds)


@lru_cache(maxsize=16384)
def _exact(text: str) -> _Version | None:
    match = _EXACT.fullmatch(text.strip())
    return _version(match) if match and match["patch"] is not None else None


def _version(match: re.Match[str], *, pre: str | None = None) -> _Version:
    """Return the version of a match, with zeros for what it does not tell."""
    numbers = [int(match[name]) if (match[name] or "x").isdigit() else 0 for name in ("major", "minor", "patch")]
    return _of(numbers[0], numbers[1], numbers[2], pre or match["pre"] or "")


def _of(major: int, minor: int = 0, patch: int = 0, pre: str = "") -> _Version:
    parts = tuple((0, int(each), "") if each.isdigit() else (1, 0, each) for each in pre.split(".") if pre)
    return (major, minor, patch, not pre, parts)


@lru_cache(maxsize=16384)
def _sets(text: str) -> list[list[_RangeEnd]] | None:
    """Return the alternatives of a range, each as bounds that must all hold."""
    if len(text) > _LONGEST:
        return None
    found = [_bounds(each) for each in text.split("||")]
    return None if None in found else [each for each in found if each is not None]


def _bounds(text: str) -> list[_RangeEnd] | None:
    if match := _HYPHEN.fullmatch(text):
        text = f">={match[1]} <={match[2]}"
    words = re.sub(r"(\^|~>|[<>]=?|~|=)\s+", r"\1", text).split()
    matches = [_COMPARATOR.fullmatch(word) for word in words]
    if any(match is None or re.search(r"[xX*]\.\d", match[0]) for match in matches):
        return None
    return [bound for match in matches if match for bound in _desugared(match)] or [
        _RangeEnd(sign=">=", version=_of(0))
    ]


def _desugared(match: re.Match[str]) -> Iterator[_RangeEnd]:
    """Yield the bounds of one comparator, whose last numbers may be left open."""
    sign, low = match["sign"], _version(match)
    told = [(match[name] or "x").isdigit() for name in ("major", "minor", "patch")]
    if not told[0]:
        yield (
            _RangeEnd(sign="<", version=_of(0, pre="0")) if sign in {"<", ">"} else _RangeEnd(sign=">=", version=_of(0))
        )
        return
    given = 3 if all(told) else 2 if told[1] else 1
    if given == 3 and sign in {"", "=", ">", "<", ">=", "<="}:  # noqa: PLR2004
        yield _RangeEnd(sign=sign or "=", version=low)
        return
    above = _above(low, sign, given)
    match sign:
        case ">":
            yield _RangeEnd(sign=">=", version=above)
        case ">=":
            yield _RangeEnd(sign=">=", version=low)
        case "<":
            yield _RangeEnd(sign="<", version=_below(low))
        case "<=":
            yield _RangeEnd(sign="<", version=_below(above))
        case _:
            yield _RangeEnd(sign=">=", version=low)
            yield _RangeEnd(sign="<", version=_below(above))


def _above(low: _Version, sign: str, given: int) -> _Version:
    """Return the first version that is not meant any more."""
    major, minor, patch = low[:3]
    if sign == "^":
        if major or given == 1:
            return _of(major + 1)
        return _of(0, minor + 1) if minor or given == 2 else _of(0, 0, patch + 1)  # noqa: PLR2004
    return _of(major + 1) if given == 1 else _of(major, minor + 1)


def _below(version: _Version) -> _Version:
    """Return a version as the end of a range, before its own pre-releases."""
    return _of(*version[:3], pre="0")
