"""Versions as Poetry writes them: `^1.2`, `~1.2`, `1.*`, `>=1,<2 || >=3`, as sets of PEP 440."""

import re
from collections.abc import Iterable, Iterator, Sequence

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

Alternatives = tuple[SpecifierSet, ...]
"""A version fits if it is in one of them."""
_PART = re.compile(r"(?P<operator>\^|~=|~|===|==|!=|<=|>=|<|>|=)?\s*v?(?P<version>[0-9A-Za-z.*+!_-]+)")


def parsed(text: str) -> Alternatives:
    """Return the sets that a constraint stands for. Raises ValueError for one that is not valid."""
    return tuple(_set(alternative) for alternative in re.split(r"\|\|?", text))


def fits(version: str, alternatives: Alternatives) -> bool:
    """Tell whether a version is in one of the sets."""
    return any(each.contains(version, prereleases=True) for each in alternatives)


def python_marker(alternatives: Alternatives) -> str | None:
    """Return the marker of these versions of Python; None for all."""
    clauses = [" and ".join(_clauses(each)) for each in alternatives]
    if not all(clauses):
        return None
    return clauses[0] if len(clauses) == 1 else " or ".join(f"({clause})" for clause in clauses)


def _clauses(versions: SpecifierSet) -> Iterator[str]:
    for each in sorted(versions, key=str):
        plain = each.version.removesuffix(".*")
        variable = "python_version" if plain.count(".") <= 1 else "python_full_version"
        yield f'{variable} {each.operator} "{each.version}"'


def _set(text: str) -> SpecifierSet:
    parts = list(_PART.finditer(text))
    left = _PART.sub("", text).replace(",", "").strip()
    if left or not parts:
        msg = f"`{text.strip()}` is not a version constraint"
        raise ValueError(msg)
    try:
        return SpecifierSet(",".join(spec for part in parts for spec in _specifiers(part["operator"], part["version"])))
    except (InvalidSpecifier, InvalidVersion) as error:
        raise ValueError(str(error)) from None


def _specifiers(operator: str | None, version: str) -> Iterable[str]:
    if version == "*" or version.startswith("*"):
        return ()
    if operator == "^":
        return (f">={version}", f"<{_caret(Version(version).release)}")
    if operator == "~":
        release = Version(version).release
        return (f">={version}", f"<{_next(release, 0 if len(release) == 1 else 1)}")
    if operator in {None, "="}:
        return (f"=={version}",)
    return (f"{operator}{version}",)


def _caret(release: Sequence[int]) -> str:
    """Return the first version that is not compatible: the first part that is not zero is raised."""
    place = next((place for place, part in enumerate(release) if part), len(release) - 1)
    return _next(release, place)


def _next(release: Sequence[int], place: int) -> str:
    raised = [*release[:place], release[place] + 1, *([0] * (len(release) - place - 1))]
    return ".".join(map(str, raised))
