"""Comparison of symbol versions, such as GLIBC_2.28."""

from collections.abc import Iterable


def version_key(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def highest(versions: Iterable[str], family: str) -> str | None:
    """Return the highest number of a symbol family, for example `2.28` for GLIBC; None if there is none."""
    prefix = f"{family}_"
    numbers = [version.removeprefix(prefix) for version in versions if version.startswith(prefix)]
    numeric = [number for number in numbers if number.replace(".", "").isdigit()]
    return max(numeric, key=version_key, default=None)
