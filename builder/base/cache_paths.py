"""Paths of the cache, and temporary directories in it."""

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

_ABANDONED = 24 * 3600
"""Seconds after which a workspace belongs to a build that was killed."""


def cache() -> Path:
    """Return the folder of everything that can be made again. LAYERWRIGHT_CACHE moves it."""
    if given := os.environ.get("LAYERWRIGHT_CACHE"):
        return Path(given)
    import platformdirs

    return Path(platformdirs.user_cache_dir("layerwright", appauthor=False))


@contextlib.contextmanager
def workspace() -> Iterator[Path]:
    """Yield a temporary directory that is removed on exit.

    It lies in the cache, which usually shares a file system with uv's: uv can then link instead of copying.
    """
    root = cache() / "work"
    root.mkdir(parents=True, exist_ok=True)
    for left in root.glob("build-*"):
        with contextlib.suppress(OSError):
            if left.stat().st_mtime < time.time() - _ABANDONED:
                shutil.rmtree(left)
    with tempfile.TemporaryDirectory(prefix="build-", dir=root, ignore_cleanup_errors=True) as name:
        yield Path(name)
