"""Symbol versions, such as GLIBC_2.28: a family and a number."""

import re
from collections import defaultdict
from collections.abc import Iterable

_VERSION = re.compile(r"(?P<family>[A-Z][A-Z0-9_]*?)_(?P<number>\d+(?:\.\d+)*)")


def version_key(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def family(version: str) -> str | None:
    """Return the family of a version, for example `GLIBC`; None for a version without a number."""
    match = _VERSION.fullmatch(version)
    return match["family"] if match else None


def number(version: str) -> tuple[int, ...]:
    """Return the number of a version that has one."""
    return version_key(version.rpartition("_")[2])


def of_each_family(versions: Iterable[str]) -> tuple[str, ...]:
    """Return the highest version of each family, sorted by family. Versions without a number are left out."""
    families: dict[str, list[str]] = defaultdict(list)
    for version in versions:
        if (name := family(version)) is not None:
            families[name].append(version)
    return tuple(max(versions, key=number) for _, versions in sorted(families.items()))


def same_family(versions: Iterable[str], wanted: str) -> str | None:
    """Return the version of the same family as the wanted one, of versions with one of each family."""
    return next((version for version in versions if family(version) == family(wanted)), None)


def has(versions: Iterable[str], wanted: str) -> bool:
    """Tell whether a library with these versions has another. One without that family is taken to have all of it."""
    best = same_family(versions, wanted)
    return best is None or number(best) >= number(wanted)


def highest(versions: Iterable[str], family: str) -> str | None:
    """Return the highest number of a symbol family, for example `2.28` for GLIBC; None if there is none."""
    prefix = f"{family}_"
    numbers = [version.removeprefix(prefix) for version in versions if version.startswith(prefix)]
    numeric = [number for number in numbers if number.replace(".", "").isdigit()]
    return max(numeric, key=version_key, default=None)
