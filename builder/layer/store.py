"""A content-addressed cache of derived bytes. Losing it costs time only.

It has two generations. An entry that is used moves to the young generation; when that is full, it replaces the old
one. So the cache keeps the entries used last, is never larger than two generations, and needs no bookkeeping.
"""

import contextlib
import sqlite3
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import deflate

from builder.base import cache_paths, caches, files

if TYPE_CHECKING:
    from typing_extensions import Self

_SCHEMA = "CREATE TABLE IF NOT EXISTS derived (key BLOB PRIMARY KEY, crc INTEGER NOT NULL, data BLOB NOT NULL)"
_GENERATION = 1 << 30
"""Size of the file of a generation, in bytes, at most."""
_SHARE = 10
"""The part of the cache's limit that a generation may have."""
_PENDING = 4 << 20
"""Bytes that are kept in memory and written together."""
_PENDING_ROWS = 4096
_PAGE = 16 << 10
"""Bytes of a page of a new file: of most entries one or two are read, rather than a chain of small ones."""
_ASKED = 500
"""Keys of one query; SQLite takes 999 since ever."""


class Store:
    """Bytes by key; a context manager, safe for threads. Errors of its files and damaged bytes are cache misses."""

    def __init__(self, folder: Path) -> None:
        self._young_path = folder / "young.sqlite"
        self._old_path = folder / "old.sqlite"
        self._lock = threading.Lock()
        self._pending: dict[bytes, bytes] = {}
        self._waiting = 0
        self._young: sqlite3.Connection | None = None
        self._old: sqlite3.Connection | None = None

    def __enter__(self) -> "Self":
        with contextlib.suppress(OSError):
            self._young_path.parent.mkdir(parents=True, exist_ok=True)
            if self._young_path.exists():
                if self._young_path.stat().st_size > min(_GENERATION, caches.limit() // _SHARE):
                    files.move(self._young_path, self._old_path)
                else:
                    cache_paths.touch(self._young_path)
        self._young = _connect(self._young_path)
        self._old = _connect(self._old_path) if self._old_path.exists() else None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._lock:
            self._flush()
            for database in filter(None, (self._young, self._old)):
                database.close()
            self._young = self._old = None

    def get(self, key: bytes) -> bytes | None:
        return self.get_all([key]).get(key)

    def get_all(self, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        """Return what is there of many keys, which takes a tenth of the time of one by one."""
        with self._lock:
            missing = set(keys)
            found = {key: self._pending[key] for key in missing & self._pending.keys()}
            found.update(_read(self._young, missing - found.keys()))
            used = dict(_read(self._old, missing - found.keys()))
            if used:
                self._put(used)
            return found | used

    def present(self, keys: Iterable[bytes]) -> set[bytes]:
        """Return those of the keys that are there, without reading what they stand for."""
        with self._lock:
            missing = set(keys)
            found = missing & self._pending.keys()
            for database in (self._young, self._old):
                rows = _rows(database, "SELECT key FROM derived WHERE key IN", missing - found)
                found.update(bytes(key) for (key,) in rows)
            return found

    def put(self, derived: Mapping[bytes, bytes]) -> None:
        with self._lock:
            self._put(derived)

    def _put(self, derived: Mapping[bytes, bytes]) -> None:
        self._pending.update(derived)
        self._waiting += sum(map(len, derived.values()))
        if self._waiting > _PENDING or len(self._pending) > _PENDING_ROWS:
            self._flush()

    def _flush(self) -> None:
        if self._young and self._pending:
            rows = [(key, deflate.crc32(data), data) for key, data in self._pending.items()]
            with contextlib.suppress(sqlite3.Error):  # locked for too long, or the disk is full
                self._young.executemany("INSERT OR REPLACE INTO derived VALUES (?, ?, ?)", rows)
                self._young.commit()
        self._pending.clear()
        self._waiting = 0


def _read(database: sqlite3.Connection | None, keys: Collection[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Yield keys with their undamaged data."""
    for key, crc, data in _rows(database, "SELECT key, crc, data FROM derived WHERE key IN", keys):
        if deflate.crc32(data) == crc:
            yield key, data


def _rows(database: sqlite3.Connection | None, query: str, keys: Collection[bytes]) -> Iterator[tuple[Any, ...]]:
    waiting = iter(keys)
    while database and (some := list(islice(waiting, _ASKED))):
        with contextlib.suppress(sqlite3.Error):
            yield from database.execute(f"{query} ({','.join('?' * len(some))})", some).fetchall()


def _connect(path: Path) -> sqlite3.Connection | None:
    try:
        database = sqlite3.connect(path, timeout=10, check_same_thread=False)
    except sqlite3.Error:
        return None
    try:
        database.execute("PRAGMA synchronous = OFF")  # a lost cache costs time only
        database.execute(f"PRAGMA page_size = {_PAGE}")
        database.execute(f"PRAGMA mmap_size = {_GENERATION}")
        database.execute(_SCHEMA)
        database.execute("SELECT count(*) FROM derived WHERE key = ?", (b"",)).fetchone()
    except sqlite3.OperationalError:
        database.close()
        return None
    except sqlite3.DatabaseError:
        database.close()
        with contextlib.suppress(OSError):
            files.remove(path)  # damaged: the next process creates it again
        return None
    return database
