"""The contents of the cache, by kind."""

from collections.abc import Sequence
from typing import Any

from builder.base import cache_paths, remote
from builder.base.caches import CacheUsage
from builder.cli import terminal

_DAY = 86_400.0
_COLUMNS = ("kind", "files", "MB", "days unused", "what")


def show(kinds: Sequence[CacheUsage]) -> None:
    """Print one row for each kind of file; totals and places go to stderr."""
    terminal.table(_COLUMNS, [_row(kind) for kind in kinds], numbers=("files", "MB", "days unused"))
    terminal.note(f"{sum(kind.bytes for kind in kinds) / 1e6:.1f} MB in {cache_paths.cache()}")
    if shared := remote.address():
        terminal.note(f"shared cache: {shared}")


def _row(kind: CacheUsage) -> tuple[str, ...]:
    unused = "" if kind.newest is None else f"{kind.newest / _DAY:.1f}"
    return (kind.kind, str(kind.files), terminal.mb(kind.bytes), unused, kind.what)


def document(kinds: Sequence[CacheUsage]) -> dict[str, Any]:
    """Return the JSON document: the folder, the address of the shared cache, the kinds with their sizes."""
    rows = [{"kind": kind.kind, "files": kind.files, "bytes": kind.bytes} for kind in kinds]
    return {"folder": str(cache_paths.cache()), "remote": remote.address(), "kinds": rows}
