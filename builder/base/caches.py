"""Disk usage of the local cache, by kind, and its eviction. Everything in the cache can be made again."""

import contextlib
import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from builder.base import cache_paths
from builder.base.errors import UsageError

KINDS = {
    "derived": "compressed files, stripped programs and bytecode",
    "parts": "what containers compiled",
    "sources": "wheels, sdists, sources, gems and jars, by their SHA-256",
    "resolved": "answers of the package index to locked requirements",
    "tools": "programs for containers and hosts: uv, patchelf, Node.js",
    "npm": "Node.js packages, unpacked",
    "tested": "which layers passed their tests",
    "logs": "logs of builds in containers",
    "work": "temporary files of running builds",
    "locks": "locks of files that are being written",
}
"""The folders of the cache, with their descriptions."""
_IN_USE = {"locks", "work"}
"""Kinds that running builds depend on, so they are never evicted."""
_DAY = 86_400.0
VARIABLE = "LAYERWRIGHT_CACHE_GB"
_DEFAULT_GB = 20.0
"""Size of the cache after a nightly run, if the variable is not set."""
_MAX_GB = 1e6


@dataclass(frozen=True, kw_only=True, slots=True)
class CacheUsage:
    """The disk usage of one kind of cache entries."""

    kind: str
    what: str
    """Description of the kind; empty if it is not one of `KINDS`."""
    files: int
    bytes: int
    newest: float | None
    """Seconds since the last use of any entry; None if there are no entries."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _CacheEntry:
    """A file or folder that is kept or removed as a whole, such as an installed set of Node.js packages."""

    path: Path
    files: int
    bytes: int
    used: float
    """Time of the last use, in seconds since the epoch."""


def usage() -> list[CacheUsage]:
    """Return the disk usage of the cache: first the known kinds in a fixed order, then all other folders."""
    root = cache_paths.cache()
    folders = {path.name for path in root.iterdir() if path.is_dir()} if root.is_dir() else set()
    return [_usage(root, kind) for kind in [*KINDS, *sorted(folders - set(KINDS))]]


def _usage(root: Path, kind: str) -> CacheUsage:
    now, entries = time.time(), list(_entries(root / kind))
    newest = max((entry.used for entry in entries), default=None)
    return CacheUsage(
        kind=kind,
        what=KINDS.get(kind, ""),
        files=sum(entry.files for entry in entries),
        bytes=sum(entry.bytes for entry in entries),
        newest=None if newest is None else max(0.0, now - newest),
    )


def limit() -> int:
    """Return the size of the cache after a nightly run, in bytes. Raises UsageError if the variable is invalid."""
    value = os.environ.get(VARIABLE, "")
    try:
        gigabytes = float(value) if value else _DEFAULT_GB
    except ValueError:
        gigabytes = -1.0
    if not 0 <= gigabytes < _MAX_GB:
        msg = f"{VARIABLE}={value} is not a valid number of gigabytes"
        raise UsageError(msg, hint=f"for example {VARIABLE}=50; unset, the limit is {_DEFAULT_GB:.0f}")
    return int(gigabytes * 1e9)


def prune(*, limit: int | None = None, days: float | None = None, everything: bool = False) -> tuple[int, int]:
    """Remove the least recently used entries; return the numbers of removed files and bytes.

    `limit` is the number of bytes to keep; entries that were not used for `days` are removed in any case.
    """
    root, now = cache_paths.cache(), time.time()
    kinds = [path for path in root.iterdir() if path.is_dir() and path.name not in _IN_USE] if root.is_dir() else []
    entries = sorted((entry for kind in kinds for entry in _entries(kind)), key=lambda entry: entry.used, reverse=True)
    kept = removed = freed = 0
    with cache_paths.workspace() as work:
        for number, entry in enumerate(entries):
            too_old = days is not None and now - entry.used > days * _DAY
            if not (everything or too_old or (limit is not None and kept + entry.bytes > limit)):
                kept += entry.bytes
                continue
            with contextlib.suppress(OSError):  # another process may have removed it
                # Moved first, because a half-removed folder would be used as if it were complete.
                entry.path.replace(work / str(number))
                removed, freed = removed + entry.files, freed + entry.bytes
    return removed, freed


def _entries(folder: Path) -> Iterator[_CacheEntry]:
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        status = _status(path)
        below = [status, *map(_status, path.rglob("*"))]
        files = [file for file in below if file and not stat.S_ISDIR(file.st_mode)]
        # Users of a folder touch it. Its access time does not count, because the scan above updates it.
        used = max([status.st_mtime if status else 0.0, *(max(file.st_mtime, file.st_atime) for file in files)])
        yield _CacheEntry(path=path, files=len(files), bytes=sum(file.st_size for file in files), used=used)


def _status(path: Path) -> os.stat_result | None:
    """Return the status of a file or link itself; None if it was removed in the meantime."""
    try:
        return path.lstat()
    except OSError:
        return None
