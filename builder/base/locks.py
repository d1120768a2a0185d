"""Locks on files: one process at a time writes an output, whichever process was started first."""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from builder.base.cache_paths import folder
from builder.base.files import remove, sha256_of

if TYPE_CHECKING:
    from filelock import BaseFileLock

_LOOK_SECONDS = 0.2
"""Time after which a thread that waits notices an interrupt of the main thread."""


@contextlib.contextmanager
def exclusive(path: Path, waiting: Callable[[], None], beside: Sequence[str] = (), purpose: str = "") -> Iterator[None]:
    """Hold the exclusive lock of a file and its siblings, the same name with the suffixes in `beside`.

    `waiting` is called once if another process holds the lock; an interrupt ends the wait. Locks of a file for
    different purposes are independent of each other. Files that a killed process left half-written are removed before
    the block runs, unless there is a purpose: they may then be those of the holder of another lock.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(_lock_file(path, purpose))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        waiting()
        _wait(lock)
    try:
        if not purpose:
            sweep(path, beside)
        yield
    finally:
        lock.release()


def _wait(lock: "BaseFileLock") -> None:
    """Acquire a lock. Raises BuildError after an interrupt, of which only the main thread is told."""
    from filelock import Timeout

    from builder.base import processes

    while True:
        processes.refuse_if_stopped()
        with contextlib.suppress(Timeout):
            lock.acquire(timeout=_LOOK_SECONDS)
            return


def sweep(path: Path, beside: Sequence[str] = (), part: str = ".part") -> None:
    """Remove half-written files with the suffix `part` that a killed process left. The caller must hold their lock."""
    begun = tuple(f".{own.name}." for own in (path, *(path.with_suffix(suffix) for suffix in beside)))
    try:
        names = os.listdir(path.parent)  # noqa: PTH208  a pattern for each file would read the folder as often
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return
    for name in names:
        if name.startswith(begun) and name.endswith(part):
            remove(path.parent / name)


@contextlib.contextmanager
def claimed(path: Path) -> Iterator[bool]:
    """Try to lock a file without waiting. Yields whether the lock is held; a killed process releases its locks."""
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


def _lock_file(path: Path, purpose: str = "") -> Path:
    locks = folder("locks")
    locks.mkdir(parents=True, exist_ok=True)
    name = f"{os.fspath(path.resolve())}\0{purpose}" if purpose else os.fspath(path.resolve())
    return locks / f"{sha256_of(name.encode())[:32]}.lock"
