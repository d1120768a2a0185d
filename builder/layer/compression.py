"""The compressor of zips: its levels, and its name in what depends on the bytes that it makes."""

from builder.base import distributions

LEVEL = 7
"""Of numpy and pandas, 148 MB, libdeflate makes 42.5 MB at level 7; at 6, 9 and 10 it makes 42.8, 42.3 and 41.4 MB in
0.85, 1.7 and 6.7 times the time."""
DENSE = 10
"""For a zip that is above the limit of a direct upload by what this saves."""
SAVED = 0.03
"""Part of a zip that `DENSE` saves, at most."""


def name() -> str:
    """Return the name, version and levels of the compressor, for the plan digest."""
    return named(f"{LEVEL} or {DENSE}")


def named(levels: str) -> str:
    """Return the name and version of the compressor with its level."""
    return f"deflate {distributions.version('deflate')} level {levels}"
