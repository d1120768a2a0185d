"""The contents of the cache, by kind."""

from collections.abc import Sequence
from typing import Any

from builder.base import cache_paths, caches, remote
from builder.base.caches import CacheUsage
from builder.cli import terminal

_DAY = 86_400.0
_COLUMNS = ("kind", "files", "MB", "days unused", "what")


def show(kinds: Sequence[CacheUsage]) -> None:
    """Print one row for each kind of file; totals, the limit and places go to stderr."""
    terminal.table(_COLUMNS, [_row(kind) for kind in kinds], numbers=("files", "MB", "days unused"))
    total, limit = sum(kind.bytes for kind in kinds) / 1e6, caches.limit() / 1e6
    terminal.result(f"{total:.1f} of {limit:.1f} MB ({caches.VARIABLE}) in {cache_paths.cache()}")
    if shared := remote.address():
        terminal.result(f"shared cache: {shared} ({'signed' if remote.signed() else 'not signed'})")


def _row(kind: CacheUsage) -> tuple[str, ...]:
    unused = "" if kind.newest is None else f"{kind.newest / _DAY:.1f}"
    return (
        kind.kind,
        str(kind.files),
        terminal.mb(kind.bytes),
        unused,
        kind.what or "not of layerwright: never removed",
    )


def document(kinds: Sequence[CacheUsage]) -> dict[str, Any]:
    """Return the JSON document: the folder, the limit, the address of the shared cache, the kinds with their sizes."""
    return {
        "folder": str(cache_paths.cache()),
        "limit_bytes": caches.limit(),
        "remote": remote.address(),
        "remote_signed": remote.signed(),
        "kinds": [_entry(kind) for kind in kinds],
    }


def _entry(kind: CacheUsage) -> dict[str, Any]:
    unused = None if kind.newest is None else round(kind.newest, 1)
    return {
        "kind": kind.kind,
        "what": kind.what or None,
        "files": kind.files,
        "bytes": kind.bytes,
        "unused_seconds": unused,
        "removable": kind.removable,
    }
