"""Where layerwright keeps things on this host, and who may write where at one moment."""

import contextlib
import errno
import glob
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from builder.errors import BuildError, UsageError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}
_ABANDONED = 24 * 3600
"""Seconds after which a workspace belongs to a build that was killed."""


def cache() -> Path:
    """Return the folder of everything that can be made again; LAYERWRIGHT_CACHE moves it."""
    if given := os.environ.get("LAYERWRIGHT_CACHE"):
        return Path(given)
    import platformdirs

    return Path(platformdirs.user_cache_dir("layerwright", appauthor=False))


@contextlib.contextmanager
def workspace() -> Iterator[Path]:
    """Give a folder that is gone afterwards; beside uv's cache usually, so that uv can link instead of copying."""
    root = cache() / "work"
    root.mkdir(parents=True, exist_ok=True)
    for left in root.glob("build-*"):
        with contextlib.suppress(OSError):
            if left.stat().st_mtime < time.time() - _ABANDONED:
                shutil.rmtree(left)
    with tempfile.TemporaryDirectory(prefix="build-", dir=root, ignore_cleanup_errors=True) as name:
        yield Path(name)


@contextlib.contextmanager
def exclusive(path: Path, waiting: Callable[[], None], beside: Sequence[str] = ()) -> Iterator[None]:
    """Be the only one who makes that file, and those of other suffixes beside it; a second process waits."""
    from filelock import FileLock, Timeout

    lock = FileLock(_lock_file(path))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        waiting()
        lock.acquire()
    try:
        sweep(path, beside)
        yield
    finally:
        lock.release()


def sweep(path: Path, beside: Sequence[str] = ()) -> None:
    """Remove what somebody left who was killed while writing a file; for those who hold its name."""
    for own in (path, *(path.with_suffix(suffix) for suffix in beside)):
        for left in path.parent.glob(f".{glob.escape(own.name)}.*.part"):
            left.unlink(missing_ok=True)


@contextlib.contextmanager
def claimed(path: Path) -> Iterator[bool]:
    """Tell whether nobody else holds that name, and hold it if so. A process that is killed holds nothing."""
    from filelock import FileLock, Timeout

    lock = FileLock(_lock_file(path))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def _lock_file(path: Path) -> Path:
    locks = cache() / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    return locks / f"{sha256_of(os.fspath(path.resolve()).encode())[:32]}.lock"


def sha256(path: Path) -> str:
    """Return a file's SHA-256 in hexadecimal, in little memory."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file below a folder, by its relative path with slashes, sorted."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {path.relative_to(folder).as_posix(): sha256(path) for path in paths}


@contextlib.contextmanager
def enough_disk() -> Iterator[None]:
    """Tell a disk that is full, or over its quota, from a bug: whatever was to be written, by a library or by us."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        msg = "there is no room left to write to"
        where = f"{error.filename}: " if error.filename else ""
        hint = "`layerwright cache prune --max-gb 5` frees some; LAYERWRIGHT_CACHE moves the cache, --output the zips"
        raise BuildError(msg, why=[f"{where}{error.strerror}", f"the cache is {cache()}"], hint=hint) from error


def sha256_of(data: bytes) -> str:
    """Return the SHA-256 of bytes in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def writable(folder: Path) -> None:
    """Make the folder and prove that files can be made in it, before any work is done for nothing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        msg = f"cannot write to {folder}"
        raise UsageError(msg, why=[str(error)], hint="choose another folder with --output") from error


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path`, which becomes `path` at the end: the whole file or the old one."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    os.close(handle)
    part = Path(name)
    try:
        yield part
        part.chmod(0o666 & ~_umask())
        part.replace(path)
    except OSError as error:
        msg = f"cannot write {path}"
        raise BuildError(
            msg, why=[str(error)], hint="is the disk full or read-only? --output chooses another"
        ) from error
    finally:
        part.unlink(missing_ok=True)


def _umask() -> int:
    """There is no way to read it without setting it."""
    current = os.umask(0o022)
    os.umask(current)
    return current
