"""A content-addressed cache of derived bytes in one file; losing it costs time and nothing else."""

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

_SCHEMA = "CREATE TABLE IF NOT EXISTS derived (key BLOB PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID"
_LARGEST = 1 << 30
"""Bytes of the file; beyond that it starts anew."""


class Store:
    """Bytes by key. Every fault of the file is a miss: it is removed and made again."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        found: dict[bytes, bytes] = {}
        with self._open() as database:
            if database:
                for key in keys:
                    row = database.execute("SELECT data FROM derived WHERE key = ?", (key,)).fetchone()
                    if row:
                        found[key] = row[0]
        return found

    def put(self, derived: Mapping[bytes, bytes]) -> None:
        with self._open() as database:
            if database:
                database.executemany("INSERT OR REPLACE INTO derived VALUES (?, ?)", derived.items())
                database.commit()

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection | None]:
        database = self._connect()
        if database is None:
            yield None
            return
        with contextlib.closing(database), contextlib.suppress(sqlite3.Error):
            yield database  # a fault from here on, for example a full disk, is a miss as well

    def _connect(self) -> sqlite3.Connection | None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if self._path.exists() and self._path.stat().st_size > _LARGEST:
                self._path.unlink()
            database = sqlite3.connect(self._path, timeout=10)
        except (OSError, sqlite3.Error):
            return None
        try:
            database.execute(_SCHEMA)
            database.execute("SELECT count(*) FROM derived WHERE key = ?", (b"",))
        except sqlite3.OperationalError:
            database.close()  # locked for too long, or the disk is full
            return None
        except sqlite3.DatabaseError:
            database.close()
            with contextlib.suppress(OSError):
                self._path.unlink()
            return None
        return database
