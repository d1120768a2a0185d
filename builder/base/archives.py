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

from builder.base import compressed

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
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
"""What packages are zipped with. Others may ask for a dictionary of gigabytes (LZMA), and few programs read them."""
GZIP, BZIP2, XZ, ZSTD = b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd"
LZMA = b"\x5d\0\0"
"""How files of `xz --format=lzma` begin: the usual properties, and a dictionary of 64 KiB or more. Others may, too."""
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


class UnreadableError(ValueError):
    """An archive is damaged, cut, encrypted or beyond a limit. The message is the reason."""


class BeyondLimitError(UnreadableError):
    """An archive may be good, and is not read here: it is too large, or packed in an unusual way."""


@contextlib.contextmanager
def reading() -> Iterator[None]:
    """Raise UnreadableError for whatever readers of archives raise in the block; errors of the system stay."""
    try:
        yield
    except UnreadableError:
        raise
    except FAULTS as error:
        if isinstance(error, OSError) and error.errno is not None:  # those of gzip and bz2 have no number
            raise
        kind = BeyondLimitError if isinstance(error, compressed.LargeWindowError) else UnreadableError
        raise kind(str(error) or "it ends too early") from error


class _Bounded(io.RawIOBase):
    """A file with an end, of which nothing large is read at once."""

    def __init__(self, inner: IO[bytes]) -> None:
        self._inner = inner

    def read(self, size: int = -1, /) -> bytes:
        if not 0 <= size <= _MOST_AT_ONCE:
            msg = f"a header in it has more than {_MOST_AT_ONCE >> 20} MB"
            raise BeyondLimitError(msg)
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


class _Streamed(_Bounded):
    """A file that is read once, from its beginning to its end, such as a pipe."""

    def __init__(self, inner: IO[bytes], most: int) -> None:
        super().__init__(inner)
        self._at, self._most = 0, most

    def read(self, size: int = -1, /) -> bytes:
        data = super().read(size)
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = 0, /) -> int:
        if whence or not self._at <= offset <= self._most:
            msg = f"it has more than {self._most >> 30} GB, or is out of order"
            raise ValueError(msg)
        while self._at < offset and self.read(min(offset - self._at, 1 << 16)):
            pass
        return self._at

    def tell(self) -> int:
        return self._at


@contextlib.contextmanager
def tar(stream: IO[bytes]) -> Iterator[tarfile.TarFile]:
    """Open a tar, compressed or not, from a file that can be read at any place."""
    magic = stream.read(6)
    stream.seek(0)
    with _unpacked(stream, magic) as inner, tarfile.open(fileobj=_Bounded(inner), mode="r:") as archive:
        yield archive


def unpacked(stream: IO[bytes], magic: bytes, *, brotli: bool) -> contextlib.AbstractContextManager[IO[bytes]] | None:
    """Return the content of a compressed file by its first bytes, six or more; None for one that is not compressed.

    Brotli has no magic number, so the caller must know it. What is unpacked at once has limits, the whole has none.
    """
    if magic.startswith(LZMA):
        return io.BufferedReader(compressed.Xz(stream, lzma.FORMAT_ALONE), 1 << 16)
    if brotli:
        return io.BufferedReader(compressed.Brotli(stream), 1 << 16)
    if magic.startswith(ZSTD):
        return io.BufferedReader(compressed.Zstd(stream), 1 << 16)
    found = _unpacked(stream, magic)
    return None if isinstance(found, contextlib.nullcontext) else found


@contextlib.contextmanager
def streamed(stream: IO[bytes], most: int) -> Iterator[tarfile.TarFile]:
    """Open a tar of at most so many bytes, not compressed, whose members are read in order, each before the next."""
    with tarfile.open(fileobj=_Streamed(stream, most), mode="r:") as archive:
        yield archive


def _unpacked(stream: IO[bytes], magic: bytes) -> contextlib.AbstractContextManager[Any]:
    if magic.startswith(GZIP):
        return gzip.GzipFile(fileobj=stream)
    if magic.startswith(BZIP2):
        return bz2.BZ2File(stream)
    return io.BufferedReader(compressed.Xz(stream), 1 << 16) if magic.startswith(XZ) else contextlib.nullcontext(stream)


def files(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Yield the regular files of a tar. Raises ValueError for too many members."""
    return (member for member in members(archive) if member.isreg())


def members(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Yield the members of a tar. Raises ValueError for too many."""
    for count, member in enumerate(archive):
        if count >= MOST_MEMBERS:
            msg = f"it has more than {MOST_MEMBERS:,} members"
            raise BeyondLimitError(msg)
        vars(archive)["members"].clear()  # each is wanted once, and there may be many
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
    """Open a zip. Raises ValueError for one with too large a table, or with files that are packed in an unusual way."""
    with path.open("rb") as stream, zip_of(stream, _MOST_TABLE) as archive:
        yield archive


@contextlib.contextmanager
def zip_of(stream: IO[bytes], most_table: int) -> Iterator[zipfile.ZipFile]:
    """Open a zip in a file whose table has at most so many bytes; `zipfile` reads it whole. Raises as `zipped`."""
    size = stream.seek(0, io.SEEK_END)
    stream.seek(-min(_TAIL, size), io.SEEK_END)
    if (table := _table(stream.read())) > most_table:
        msg = f"its table has {table:,} bytes"
        raise BeyondLimitError(msg)
    stream.seek(0)
    with zipfile.ZipFile(stream) as archive:
        _refuse_methods(archive)
        yield archive


def _refuse_methods(archive: zipfile.ZipFile) -> None:
    """Raise ValueError for a file that is packed otherwise than zips of packages are."""
    for info in archive.infolist():
        if info.compress_type not in _METHODS:
            msg = f"{info.filename} is packed by method {info.compress_type}"
            raise BeyondLimitError(msg)


def _table(tail: bytes) -> int:
    """Return the largest size of a table that an end record claims (APPNOTE 6.3.10, 4.3.14 and 4.3.16)."""
    sizes = [0]
    for magic, form, at in ((b"PK\5\6", "<I", 12), (b"PK\6\6", "<Q", 40)):
        found = tail.rfind(magic)
        if 0 <= found <= len(tail) - at - struct.calcsize(form):
            sizes.append(struct.unpack_from(form, tail, found + at)[0])
    return max(size for size in sizes if size != _IN_ZIP64)
