"""Paths of the cache, temporary directories in it, and what running processes hold of it."""

import contextlib
import math
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from builder.base import environment, windows
from builder.base.errors import BuildError

_REMOVERS = 8
"""Threads that remove folders. They wait for the file system, not for processors."""
_DEEP = 3
"""Levels of folders from which on several threads are worth while."""

Kind = Literal[
    "derived",
    "parts",
    "sources",
    "resolved",
    "local",
    "tools",
    "npm",
    "tested",
    "published",
    "confirmed",
    "logs",
    "work",
    "locks",
]
"""A folder of the cache. There are no others; `base/caches.py` describes them."""
_ABANDONED = 24 * 3600
"""Seconds after which a workspace belongs to a build that was killed."""
_LEASE = "lease-"
_YOUNG = 10.0
"""Seconds in which a process may not have locked its new lease yet."""


def cache() -> Path:
    """Return the folder of everything that can be made again. LAYERWRIGHT_CACHE moves it."""
    if given := environment.value("LAYERWRIGHT_CACHE"):
        return Path(given)
    import platformdirs

    return Path(platformdirs.user_cache_dir("layerwright", appauthor=False))


def folder(kind: Kind) -> Path:
    """Return the folder of a kind of files, which may not exist yet."""
    return cache() / kind


def touch(path: Path) -> None:
    """Note the use of a file for eviction. Its time of modification stays: BuildKit transfers what has another one."""
    with contextlib.suppress(OSError):
        os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns))


@contextlib.contextmanager
def workspace() -> Iterator[Path]:
    """Yield a temporary directory that is removed on exit. What the block uses of the cache is not evicted.

    It lies in the cache, which usually shares a file system with uv's: uv can then link instead of copying.
    """
    root = folder("work")
    root.mkdir(parents=True, exist_ok=True)
    for left in root.glob("build-*"):
        with contextlib.suppress(OSError):
            if left.stat().st_mtime < time.time() - _ABANDONED:
                shutil.rmtree(windows.long(left))
    with in_use(), tempfile.TemporaryDirectory(prefix="build-", dir=root, ignore_cleanup_errors=True) as name:
        try:
            yield Path(name)
        finally:
            _thin_out(windows.long(Path(name)))


def _thin_out(folder: Path) -> None:
    """Remove the subfolders of a deep folder by several threads: file systems can take milliseconds for each.

    What may not be removed so, as read-only folders, is left.
    """
    levels = [_subfolders(folder)]
    while below := [path for each in levels[-1] for path in _subfolders(each)]:
        levels.append(below)
    if len(levels) < _DEEP:
        return
    from concurrent.futures import ThreadPoolExecutor  # small workspaces need none

    with ThreadPoolExecutor(_REMOVERS) as pool:
        for level in reversed(levels):
            list(pool.map(lambda path: shutil.rmtree(path, ignore_errors=True), level))


def _subfolders(folder: Path) -> list[Path]:
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        return [Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False)]
    return []


# ---- leases --------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def in_use() -> Iterator[None]:
    """Keep what is used of the cache while the block runs: nothing of it is evicted, by no process.

    A lease is a locked file whose name tells when it began, so that of a killed process is void.
    """
    from filelock import FileLock

    path = folder("work") / f"{_LEASE}{time.time():.3f}-{uuid.uuid4().hex[:12]}"
    lock = FileLock(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError as error:
        msg = f"cannot write to the cache in {cache()}"
        raise BuildError(msg, why=[str(error)], hint="LAYERWRIGHT_CACHE moves it") from error
    try:
        yield
    finally:
        lock.release()
        _forget(path)


def used_since() -> float:
    """Return the time, in seconds since the epoch, since which running processes use the cache; infinity if none does.

    Leases of killed processes are removed.
    """
    return min((began for path in folder("work").glob(f"{_LEASE}*") if (began := _held(path))), default=math.inf)


def _held(path: Path) -> float | None:
    """Return when a lease began; None if its process is gone."""
    from filelock import FileLock, Timeout

    began = float(path.name.removeprefix(_LEASE).partition("-")[0])
    if 0 <= time.time() - began < _YOUNG:
        return began
    try:
        with FileLock(path, timeout=0):
            pass
    except Timeout:
        return began
    _forget(path)
    return None


def _forget(path: Path) -> None:
    """Remove a lease that nobody holds: not before, because Windows removes no open file."""
    with contextlib.suppress(OSError):  # another process looks at it, and removes it
        windows.patiently(lambda: path.unlink(missing_ok=True))
