"""The operating system of a customer-managed runtime, by what `images survey` found in its image."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from builder.model import symbol_versions
from builder.model.runtime_tables import OperatingSystem

_CEILINGS = {
    "glibc": ("libc.so.6", "GLIBC"),
    "glibcxx": ("libstdc++.so.6", "GLIBCXX"),
    "cxxabi": ("libstdc++.so.6", "CXXABI"),
    "libgcc": ("libgcc_s.so.1", "GCC"),
}
"""The library and the family of versions that each ceiling of an operating system is about."""
_UV_GLIBC = (17, 28, *range(31, 41))
"""N of each manylinux_2_N that uv knows as a platform."""


def of(name: str, assumed: OperatingSystem, surveyed: Sequence[Mapping[str, tuple[str, ...]]]) -> OperatingSystem:
    """Return the system of a surveyed image: what its libraries have instead of what Amazon Linux has.

    An image without one of these libraries has none of its symbols to miss: its system's number stays.
    """
    ceilings: dict[str, Any] = {
        key: min(found, key=symbol_versions.version_key)
        for key, (soname, family) in _CEILINGS.items()
        if (found := [best for each in surveyed if (best := symbol_versions.highest(each.get(soname, ()), family))])
    }
    highest = {f"{key}_image": number for key, number in ceilings.items() if key != "glibc"}
    system = dataclasses.replace(assumed, **ceilings, **highest)
    if "glibc" not in ceilings:
        return system
    minor = symbol_versions.version_key(system.glibc)[1]
    return dataclasses.replace(
        system, title=f"the image of {name}", manylinux=minor, uv_platforms=tuple(_platforms(minor))
    )


def _platforms(minor: int) -> Iterator[str]:
    """Yield uv's names for glibc 2.`minor`: of one that it does not know, the next below and the next above."""
    below = max((known for known in _UV_GLIBC if known <= minor), default=_UV_GLIBC[0])
    above = () if below == minor else (known for known in _UV_GLIBC if known > minor)
    yield from (f"manylinux_2_{known}" for known in dict.fromkeys((below, *list(above)[:1])))
