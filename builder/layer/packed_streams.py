"""Streams from which archives in a layer are read: what they unpack to is counted, and has an end."""

import io
import threading
from typing import IO, Any

from builder.base.archives import BeyondLimitError
from builder.layer.elf import ReadAt

HEAD = 512
"""Bytes of a file that tell its kind: the first block of a tar."""
_MOST_PASSES = 4
"""Times that a file may be unpacked again to read its parts: the end of a zip, its table, and its files in order."""
_TAIL = 1 << 20
"""Bytes at the end of a file that are kept, since readers of zips go back and forth there."""


class Allowance:
    """Bytes that may be unpacked of one archive, or of all in a layer. Several threads take from it."""

    def __init__(self, most: int, reason: str, outer: "Allowance | None" = None) -> None:
        self._left, self._reason, self._outer = most, reason, outer
        self._lock = threading.Lock()

    @property
    def spent(self) -> bool:
        return self._left < 0 or (self._outer is not None and self._outer.spent)

    def take(self, count: int) -> None:
        """Raise BeyondLimitError if not so many are left, here or in the whole."""
        with self._lock:
            self._left -= count
        if self._left < 0:
            raise BeyondLimitError(self._reason)
        if self._outer is not None:
            self._outer.take(count)


class Counted(io.RawIOBase):
    """The content of a compressed file or of a member, read once. Its beginning is known before that."""

    def __init__(self, inner: IO[bytes], allowance: Allowance) -> None:
        self._inner, self._allowance = inner, allowance
        self.head = self._next = inner.read(HEAD)
        allowance.take(len(self.head))

    def readinto(self, buffer: Any, /) -> int:  # noqa: ANN401
        data = self._next[: len(buffer)]
        self._next = self._next[len(data) :]
        if not data:
            data = self._inner.read(len(buffer))
            self._allowance.take(len(data))
        buffer[: len(data)] = data
        return len(data)

    def readable(self) -> bool:
        return True


class NextBytes(io.RawIOBase):
    """So many of the next bytes of a stream."""

    def __init__(self, inner: IO[bytes], size: int) -> None:
        self._inner, self._left = inner, size

    def readinto(self, buffer: Any, /) -> int:  # noqa: ANN401
        data = self._inner.read(min(len(buffer), self._left))
        self._left -= len(data)
        buffer[: len(data)] = data
        return len(data)

    def readable(self) -> bool:
        return True


class Random(io.RawIOBase):
    """A file that is read at any place by a function, which begins anew for what lies before the last place."""

    def __init__(self, read_at: ReadAt, size: int) -> None:
        self._read_at, self._size, self._at = read_at, size, 0
        self._reached, self._left = 0, _MOST_PASSES * size
        self._tail: bytes | None = None
        self._tail_at = max(0, size - _TAIL)

    def read(self, size: int = -1, /) -> bytes:
        left = max(0, self._size - self._at)
        size = left if size < 0 else min(size, left)
        data = self._of_tail(size) if size and self._at >= self._tail_at else self._unpacked(self._at, size)
        self._at += len(data)
        return data

    def _of_tail(self, size: int) -> bytes:
        if self._tail is None:
            self._tail = self._unpacked(self._tail_at, self._size - self._tail_at)
        return self._tail[self._at - self._tail_at :][:size]

    def _unpacked(self, offset: int, size: int) -> bytes:
        end = offset + size
        self._left -= end if offset < self._reached else end - self._reached
        self._reached = end
        if self._left < 0:
            msg = "its files are out of order"
            raise BeyondLimitError(msg)
        return self._read_at(offset, size)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        base = (0, self._at, self._size)[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True
