"""What the local cache holds, and making it smaller. All of it can be made again."""

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
    "logs": "logs of builds in containers",
    "work": "what running builds work on",
    "locks": "who writes what",
}
_UNTOUCHED = {"locks", "work"}
"""Running builds hold them."""
_DAY = 86_400.0
VARIABLE = "LAYERWRIGHT_CACHE_GB"
_GB = 20.0
"""What a nightly leaves when the variable does not say otherwise."""
_MOST = 1e6


@dataclass(frozen=True, kw_only=True, slots=True)
class CacheUsage:
    """One kind of things in the cache."""

    kind: str
    what: str
    files: int
    bytes: int
    newest: float | None
    """Seconds since the newest was used; None when there is nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _CacheEntry:
    """What is kept or removed as a whole: a file, or a folder such as an installed set of Node.js packages."""

    path: Path
    files: int
    bytes: int
    used: float


def usage() -> list[CacheUsage]:
    """Return what the cache holds, by kind."""
    root, now = cache_paths.cache(), time.time()
    kinds = {path.name for path in root.iterdir() if path.is_dir()} if root.is_dir() else set()
    found = []
    for kind in [*KINDS, *sorted(kinds - set(KINDS))]:
        units = list(_units(root / kind))
        newest = max((one.used for one in units), default=None)
        found.append(
            CacheUsage(
                kind=kind,
                what=KINDS.get(kind, ""),
                files=sum(one.files for one in units),
                bytes=sum(one.bytes for one in units),
                newest=None if newest is None else max(0.0, now - newest),
            )
        )
    return found


def limit() -> int:
    """Return the bytes that the cache may keep after a night; UsageError when the variable is no number."""
    given = os.environ.get(VARIABLE, "")
    try:
        gigabytes = float(given) if given else _GB
    except ValueError:
        gigabytes = -1.0
    if not 0 <= gigabytes < _MOST:
        msg = f"{VARIABLE}={given} is no number of gigabytes"
        raise UsageError(msg, hint=f"{VARIABLE}=50, or nothing for {_GB:.0f}")
    return int(gigabytes * 1e9)


def prune(*, limit: int | None = None, days: float | None = None, everything: bool = False) -> tuple[int, int]:
    """Remove what was not used for longest until `limit` bytes are left, and all that is older; return files, bytes."""
    root, now = cache_paths.cache(), time.time()
    kinds = [path for path in root.iterdir() if path.is_dir() and path.name not in _UNTOUCHED] if root.is_dir() else []
    units = sorted((one for kind in kinds for one in _units(kind)), key=lambda one: one.used, reverse=True)
    kept = removed = freed = 0
    with cache_paths.workspace() as work:
        for number, one in enumerate(units):
            too_old = days is not None and now - one.used > days * _DAY
            if not (everything or too_old or (limit is not None and kept + one.bytes > limit)):
                kept += one.bytes
                continue
            with contextlib.suppress(OSError):  # somebody else cleans as well
                # Moved away at once: half a folder would be taken for a whole one.
                one.path.replace(work / str(number))
                removed, freed = removed + one.files, freed + one.bytes
    return removed, freed


def _units(folder: Path) -> Iterator[_CacheEntry]:
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        own = _seen(path)
        seen = [own, *map(_seen, path.rglob("*"))]
        files = [one for one in seen if one and not stat.S_ISDIR(one.st_mode)]
        # A folder's own time is set by those who use it; the time of its last reading is ours.
        used = max([own.st_mtime if own else 0.0, *(max(one.st_mtime, one.st_atime) for one in files)])
        yield _CacheEntry(path=path, files=len(files), bytes=sum(one.st_size for one in files), used=used)


def _seen(path: Path) -> os.stat_result | None:
    """Look at a file or link itself; None when somebody has just removed it."""
    try:
        return path.lstat()
    except OSError:
        return None
