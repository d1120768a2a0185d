"""A content-addressed cache of derived bytes. Losing it costs time only.

It has two generations. An entry that is used moves to the young generation; when that is full, it replaces the old
one. So the cache keeps the entries used last, is never larger than two generations, and needs no bookkeeping.
"""

import contextlib
import sqlite3
import threading
import zlib
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

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


class Store:
    """Bytes by key; a context manager, safe for threads. Errors of its files and damaged bytes are cache misses."""

    def __init__(self, folder: Path) -> None:
        self._young_path = folder / "young.sqlite"
        self._old_path = folder / "old.sqlite"
        self._lock = threading.Lock()
        self._pending: dict[bytes, bytes] = {}
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
        with self._lock:
            if key in self._pending:
                return self._pending[key]
            data = _read(self._young, key)
            if data is None and self._old:
                data = _read(self._old, key)
                if data is not None:
                    self._put({key: data})
            return data

    def put(self, derived: Mapping[bytes, bytes]) -> None:
        with self._lock:
            self._put(derived)

    def _put(self, derived: Mapping[bytes, bytes]) -> None:
        self._pending.update(derived)
        if sum(map(len, self._pending.values())) > _PENDING:
            self._flush()

    def _flush(self) -> None:
        if self._young and self._pending:
            rows = [(key, zlib.crc32(data), data) for key, data in self._pending.items()]
            with contextlib.suppress(sqlite3.Error):  # locked for too long, or the disk is full
                self._young.executemany("INSERT OR REPLACE INTO derived VALUES (?, ?, ?)", rows)
                self._young.commit()
        self._pending.clear()


def _read(database: sqlite3.Connection | None, key: bytes) -> bytes | None:
    if database is None:
        return None
    with contextlib.suppress(sqlite3.Error):
        row = database.execute("SELECT crc, data FROM derived WHERE key = ?", (key,)).fetchone()
        if row and zlib.crc32(row[1]) == row[0]:
            return bytes(row[1])
    return None


def _connect(path: Path) -> sqlite3.Connection | None:
    try:
        database = sqlite3.connect(path, timeout=10, check_same_thread=False)
    except sqlite3.Error:
        return None
    try:
        database.execute("PRAGMA synchronous = OFF")  # a lost cache costs time only
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
