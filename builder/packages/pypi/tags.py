"""Compatibility tags of wheels: those that a runtime accepts, the best first."""

from collections.abc import Iterator, Sequence
from functools import cache, lru_cache

from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from builder.model.architectures import Architecture
from builder.model.runtimes import Runtime

_LEGACY = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}


def platforms(runtime: Runtime, arch: Architecture) -> Iterator[str]:
    """Yield the platform tags of an operating system, the newest glibc first (PEP 600 and its aliases)."""
    for glibc in range(runtime.os.manylinux, arch.oldest_manylinux - 1, -1):
        yield f"manylinux_2_{glibc}_{arch.machine}"
        if glibc in _LEGACY:
            yield f"{_LEGACY[glibc]}_{arch.machine}"
    yield f"linux_{arch.machine}"


@cache
def supported(runtime: Runtime, arch: Architecture) -> dict[Tag, int]:
    """Return the rank of every tag that a runtime accepts; 0 is the best. Empty if it is not Python."""
    version = runtime.python
    if version is None:
        return {}
    available = list(platforms(runtime, arch))
    interpreter = f"cp{version[0]}{version[1]}"
    ordered = [
        *cpython_tags(version, abis=[interpreter], platforms=available),
        *compatible_tags(version, interpreter=interpreter, platforms=available),
    ]
    return {tag: rank for rank, tag in reversed(list(enumerate(ordered)))}


def rank(filename: str, runtime: Runtime, arch: Architecture) -> int | None:
    """Return the rank of a wheel's best tag; None if no tag fits, or if it is not a valid name of a wheel."""
    ranks = supported(runtime, arch)
    return min((ranks[tag] for tag in _of(filename) if tag in ranks), default=None)


@lru_cache(maxsize=10_000)
def _of(filename: str) -> frozenset[Tag]:
    """Return the tags of a wheel; none if its name is not valid."""
    try:
        return parse_wheel_filename(filename)[3]
    except InvalidWheelFilename:
        return frozenset()


def fitting(runtime: Runtime, arch: Architecture) -> str:
    """Describe the wheels that fit, for messages."""
    version = runtime.python or (3, 0)
    return (
        f"cp{version[0]}{version[1]}, abi3 or none for manylinux_2_{runtime.os.manylinux}_{arch.machine} or older "
        f"({runtime.os.title} has glibc {runtime.os.glibc})"
    )


def seen(filenames: Sequence[str]) -> list[str]:
    """Return the distinct tag parts of wheel file names, for messages."""
    return sorted({"-".join(name.removesuffix(".whl").split("-")[-3:]) for name in filenames})
