"""Archives of others, read within limits: a small download must not fill the memory, nor take all day.

`tarfile` reads the names and headers of members whole, however long they say they are, and `zipfile` the whole table.
So both get a file that refuses what no archive of a package needs.
"""

import bz2
import contextlib
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

FAULTS = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    LookupError,
    RuntimeError,
    OverflowError,
)
"""What the readers of archives raise for damaged, cut, encrypted and bounded ones."""
MOST_MEMBERS = 200_000
_MOST_BYTES = 4 << 30
"""Bytes of a whole archive, unpacked: what is not wanted of it has to be skipped."""
_MOST_AT_ONCE = 16 << 20
"""Bytes of one read, for example of the extended header of a member."""
_MOST_TABLE = 64 << 20
"""Bytes of the table of a zip: some 500,000 files."""
_IN_ZIP64 = 0xFFFFFFFF
_TAIL = (1 << 16) + 22 + 20 + 56
"""Bytes at the end of a zip that hold its end records: the longest comment, and the records themselves."""


class _Bounded(io.RawIOBase):
    """A file with an end, of which nothing large is read at once."""

    def __init__(self, inner: IO[bytes]) -> None:
        self._inner = inner

    def read(self, size: int = -1, /) -> bytes:
        if not 0 <= size <= _MOST_AT_ONCE:
            msg = f"a header in it has more than {_MOST_AT_ONCE >> 20} MB"
            raise ValueError(msg)
        return self._inner.read(size)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        if offset > _MOST_BYTES:
            msg = f"it has more than {_MOST_BYTES >> 30} GB unpacked"
            raise ValueError(msg)
        return self._inner.seek(offset, whence)

    def tell(self) -> int:
        return self._inner.tell()

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True


@contextlib.contextmanager
def tar(stream: IO[bytes]) -> Iterator[tarfile.TarFile]:
    """Open a tar, compressed or not, from a file that can be read at any place."""
    magic = stream.read(6)
    stream.seek(0)
    with _unpacked(stream, magic) as inner, tarfile.open(fileobj=_Bounded(inner), mode="r:") as archive:
        yield archive


def _unpacked(stream: IO[bytes], magic: bytes) -> contextlib.AbstractContextManager[Any]:
    if magic[:2] == b"\x1f\x8b":
        return gzip.GzipFile(fileobj=stream)
    if magic[:3] == b"BZh":
        return bz2.BZ2File(stream)
    return lzma.LZMAFile(stream) if magic == b"\xfd7zXZ\0" else contextlib.nullcontext(stream)


def files(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Yield the regular files of a tar. Raises ValueError for too many members."""
    for count, member in enumerate(archive):
        if count >= MOST_MEMBERS:
            msg = f"it has more than {MOST_MEMBERS:,} members"
            raise ValueError(msg)
        vars(archive)["members"].clear()  # each is wanted once, and there may be many
        if member.isreg():
            yield member


def read(stream: IO[bytes] | gzip.GzipFile | None, most: int, what: str) -> bytes:
    """Return all bytes of a stream. Raises ValueError if there are more than `most`."""
    data = stream.read(most + 1) if stream else b""
    if len(data) > most:
        msg = f"{what} has more than {most >> 20} MB"
        raise ValueError(msg)
    return data


@contextlib.contextmanager
def zipped(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip. Raises ValueError for one with too large a table."""
    with path.open("rb") as stream:
        stream.seek(-min(_TAIL, path.stat().st_size), io.SEEK_END)
        tail = stream.read()
        if (size := _table(tail)) > _MOST_TABLE:
            msg = f"its table has {size:,} bytes"
            raise ValueError(msg)
        stream.seek(0)
        with zipfile.ZipFile(stream) as archive:
            yield archive


def _table(tail: bytes) -> int:
    """Return the largest size of a table that an end record claims (APPNOTE 6.3.10, 4.3.14 and 4.3.16)."""
    sizes = [0]
    for magic, form, at in ((b"PK\5\6", "<I", 12), (b"PK\6\6", "<Q", 40)):
        found = tail.rfind(magic)
        if 0 <= found <= len(tail) - at - struct.calcsize(form):
            sizes.append(struct.unpack_from(form, tail, found + at)[0])
    return max(size for size in sizes if size != _IN_ZIP64)
