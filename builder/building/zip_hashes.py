"""The SHA-256 of a zip that lies where a build left it, which is read again only if it may have changed.

A file is taken for the same if nothing has changed that every write to it changes: its number in the file system, its
size, and both of its times, of which no program can set the one of the last change. Git and make trust less.
"""

import time
from pathlib import Path

from builder.base import files, windows
from builder.layer.store import Store

_SETTLED_NS = 3_000_000_000
"""Age of a file that is remembered: a second change within one tick of a file system's clock has the same times.

Ticks are 10 ms at most where Linux keeps the time, a second on HFS+, two on FAT.
"""


def sha256(path: Path, store: Store) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits. Raises OSError."""
    state = _state(path)
    with store:
        if state and (known := store.get(state)):
            return known.hex()
        now = time.time_ns()
        found = files.sha256(path)
        if state and state == _state(path) and _is_settled(path, now):
            store.put({state: bytes.fromhex(found)})
        return found


def _state(path: Path) -> bytes | None:
    """Return a key of the store that every change of a file alters; None on Windows, which tells no time of changes."""
    if windows.IS_HOST:
        return None
    found = path.stat()
    numbers = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    return bytes.fromhex(files.sha256_of(f"zip {path.absolute()} {numbers}".encode()))


def _is_settled(path: Path, now: int) -> bool:
    """Return whether a file is older than a tick. One of the future is not: the clock was set back since."""
    found = path.stat()
    return max(found.st_mtime_ns, found.st_ctime_ns) < now - _SETTLED_NS
