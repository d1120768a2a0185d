"""Read a zip of any origin as a tree. All names and sizes are checked before a byte is unpacked; nothing is written."""

import contextlib
import os
import threading
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import deflate

from builder.base.errors import CheckFailedError, UsageError
from builder.base.frozen import dataclass
from builder.layer import zip_end, zip_headers
from builder.layer.elf import ReadAt
from builder.layer.names import clean
from builder.layer.tree import CLOSED, LINK, Entry, InMemory, Tree, of

if TYPE_CHECKING:
    from typing_extensions import Self

_SMALL = 12 << 20
IN_MEMORY = 72 << 20
"""Bytes, compressed and uncompressed together, that one file may take in memory.

At most one file above _SMALL is in memory at a time. Of a file above this limit only the parts that matter are kept,
and it is unpacked more than once.
"""
_CHUNK = 1 << 20
_NO_TIME = (1980, 1, 1, 0, 0, 0)
"""Instead of the time of each file, which nothing reads. There may be hundreds of thousands, of which equal values are
one value here."""
_ONE_OF_EACH = tuple(range(0o10000))
"""Modes, which would otherwise be a value of their own for each file."""
_FAULTS = (*zip_headers.FAULTS, deflate.DeflateError)
_SHOWN = 10


class BadArchiveError(CheckFailedError):
    """The file is not a zip that Lambda can unpack, or it is malicious."""


@dataclass(frozen=True, kw_only=True, slots=True)
class InZip:
    """A file in a zip; its bytes are unpacked on demand."""

    archive: zipfile.ZipFile
    info: zipfile.ZipInfo
    source: "_SharedFile"

    @property
    def size(self) -> int:
        return self.info.file_size

    def read(self) -> bytes:
        if not self.fits_memory:
            return self._read(-1)
        try:
            return self._at_once()
        except _FAULTS as error:
            raise self._damaged(error) from error

    @property
    def fits_memory(self) -> bool:
        return self.info.file_size + self.info.compress_size <= IN_MEMORY

    @contextlib.contextmanager
    def in_turn(self) -> Iterator[None]:
        """Hold the lock under which at most one large file is in memory."""
        if self.size <= _SMALL:
            yield
            return
        with self.source.large:
            yield

    def _at_once(self) -> bytes:
        """Unpack a file as a whole, with libdeflate: more than twice as fast as zlib's stream."""
        info = self.info
        data = zip_headers.packed(info, self.source.at)
        if info.compress_type == zipfile.ZIP_DEFLATED:
            data = bytes(deflate.deflate_decompress(data, info.file_size)) if info.file_size else b""
        if len(data) != info.file_size or deflate.crc32(data) != info.CRC:
            msg = "its size or checksum is wrong"
            raise zipfile.BadZipFile(msg)
        return data

    def head(self, count: int) -> bytes:
        return self._read(count)

    def verify(self) -> None:
        """Unpack and discard the bytes, which compares size and checksum."""
        with self._faults(), self.archive.open(self.info) as stream:
            while stream.read(_CHUNK):
                pass

    @contextlib.contextmanager
    def seekable(self) -> Iterator[ReadAt]:
        """Yield random access to a large file. Seeking back unpacks it again."""
        with self._faults(), self.archive.open(self.info) as stream:

            def read_at(offset: int, size: int) -> bytes:
                stream.seek(offset)
                return stream.read(size)

            yield read_at

    def _read(self, count: int) -> bytes:
        with self._faults(), self.archive.open(self.info) as stream:
            return stream.read(count)

    @contextlib.contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except _FAULTS as error:
            raise self._damaged(error) from error

    def _damaged(self, error: Exception) -> BadArchiveError:
        msg = f"{self.info.filename} cannot be unpacked: {error}"
        return BadArchiveError(msg, hint="the file is damaged; download or build it again")


class _SharedFile:
    """The file of a zip, read by several threads."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        self._lock = threading.Lock()
        self.large = threading.Lock()

    def at(self, offset: int, size: int) -> bytes:
        """Return bytes; fewer at the end of the file. Raises OSError or ValueError for an offset that cannot be."""
        if hasattr(os, "pread"):
            return self._whole(offset, size)
        with self._lock:  # Windows
            self._file.seek(offset)
            return self._file.read(size)

    def _whole(self, offset: int, size: int) -> bytes:
        data = os.pread(self._file.fileno(), size, offset)
        while len(data) < size and (more := os.pread(self._file.fileno(), size - len(data), offset + len(data))):
            data += more  # Linux reads 2 GB at a time
        return data

    def close(self) -> None:
        self._file.close()


class LayerZip:
    """An open zip of a layer; a context manager."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.is_file():
            msg = f"there is no file {path}"
            raise UsageError(msg)
        try:
            self._archive = zipfile.ZipFile(path)
        except _FAULTS as error:
            msg = f"{path.name} is not a valid zip"
            raise BadArchiveError(
                msg, why=[str(error)], hint="the file is truncated, damaged or of another kind"
            ) from error
        self._source = _SharedFile(path)
        try:
            self._load()
        except BaseException:
            self._close()
            raise

    def __enter__(self) -> "Self":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._close()

    def _close(self) -> None:
        self._archive.close()
        self._source.close()

    @property
    def bytes(self) -> int:
        return self.path.stat().st_size

    def _load(self) -> None:
        infos = self._archive.infolist()
        attributes: dict[int, int] = {}
        for info in infos:
            zip_end.read_name(info)
            info.date_time = _NO_TIME
            info.external_attr = attributes.setdefault(info.external_attr, info.external_attr)
        self._archive.NameToInfo.clear()  # another table of all names, which nothing here asks
        problems = list(zip_headers.problems(infos, self._archive.start_dir, self._source.at, self.bytes))
        if problems:
            more = [f"and {len(problems) - _SHOWN} more"] if len(problems) > _SHOWN else []
            msg = f"{self.path.name} cannot be unpacked safely"
            raise BadArchiveError(
                msg, why=[*problems[:_SHOWN], *more], hint="create it again; Lambda refuses or mangles such a zip"
            )
        self.directories: Mapping[str, int] = {
            clean(info.filename): _mode(info) for info in infos if zip_headers.is_directory(info)
        }
        self.tree: Tree = of(self._entry(info) for info in infos if not zip_headers.is_directory(info))

    def _entry(self, info: zipfile.ZipInfo) -> Entry:
        content = InZip(archive=self._archive, info=info, source=self._source)
        if info.external_attr >> 16 & zip_headers.TYPE != zip_headers.LINK:
            return Entry(path=clean(info.filename), mode=_mode(info), content=content)
        pointed = content.read()
        return Entry(
            path=clean(info.filename),
            mode=LINK,
            content=InMemory(data=pointed),
            link=pointed.decode("utf-8", errors="replace"),
        )


def _mode(info: zipfile.ZipInfo) -> int:
    """Return the permission bits; 0 if the zip has none, as those made on Windows.

    A Unix that says what kind of file it is means its mode, too.
    """
    kind = info.external_attr >> 16
    if kind in {zip_headers.FILE, zip_headers.DIRECTORY} and info.create_system in zip_headers.UNIX:
        return CLOSED
    return _ONE_OF_EACH[info.external_attr >> 16 & 0o7777]
