"""Read a zip of any origin as a tree. All names and sizes are checked before a byte is unpacked; nothing is written."""

import contextlib
import struct
import threading
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import deflate
from typing_extensions import Self

from builder.base.errors import CheckFailedError, UsageError
from builder.layer.elf import ReadAt
from builder.layer.tree import LINK, Entry, InMemory, Tree, of, parents

MOST_ENTRIES = 200_000
MOST_BYTES = 1 << 30
"""Four times Lambda's limit: a layer that is merely too big is still explained, a decompression bomb is refused."""
_SMALL = 12 << 20
IN_MEMORY = 72 << 20
"""Bytes, compressed and uncompressed together, that one file may take in memory.

At most one file above _SMALL is in memory at a time. Of a file above this limit only the parts that matter are kept,
and it is unpacked more than once.
"""
_LONGEST_LINK = 4096
_CHUNK = 1 << 20
_TYPE, _LINK, _FILE, _DIRECTORY = 0o170000, 0o120000, 0o100000, 0o040000
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_FAULTS = (
    deflate.DeflateError,
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    NotImplementedError,
    OverflowError,
)
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
        with self._faults():
            return self._at_once()

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
        head = self.source.at(info.header_offset, 30)
        magic, flags, name_length, extra_length = (
            *struct.unpack_from("<4s2xH", head),
            *struct.unpack_from("<HH", head, 26),
        )
        name = self.source.at(info.header_offset + 30, name_length)
        if magic != b"PK\3\4" or name.decode("utf-8" if flags & 0x800 else "cp437") != info.orig_filename:
            msg = "its local header differs from the central directory"
            raise zipfile.BadZipFile(msg)
        data = self.source.at(info.header_offset + 30 + name_length + extra_length, info.compress_size)
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
            msg = f"{self.info.filename} cannot be unpacked: {error}"
            raise BadArchiveError(msg, hint="the file is damaged; download or build it again") from error


class _SharedFile:
    """The file of a zip, read by several threads."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._lock = threading.Lock()
        self.large = threading.Lock()

    def at(self, offset: int, size: int) -> bytes:
        with self._lock:
            self._file.seek(offset)
            return self._file.read(size)

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

    def __enter__(self) -> Self:
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
        problems = list(_problems(infos, self.bytes))
        if problems:
            more = [f"and {len(problems) - _SHOWN} more"] if len(problems) > _SHOWN else []
            msg = f"{self.path.name} cannot be unpacked safely"
            raise BadArchiveError(
                msg, why=[*problems[:_SHOWN], *more], hint="create it again; Lambda refuses or mangles such a zip"
            )
        self.directories: Mapping[str, int] = {
            _clean(info.filename): _mode(info) for info in infos if _is_directory(info)
        }
        self.tree: Tree = of(self._entry(info) for info in infos if not _is_directory(info))

    def _entry(self, info: zipfile.ZipInfo) -> Entry:
        content = InZip(archive=self._archive, info=info, source=self._source)
        if info.external_attr >> 16 & _TYPE != _LINK:
            return Entry(path=_clean(info.filename), mode=_mode(info), content=content)
        pointed = content.read()
        return Entry(
            path=_clean(info.filename),
            mode=LINK,
            content=InMemory(data=pointed),
            link=pointed.decode("utf-8", errors="replace"),
        )


def _mode(info: zipfile.ZipInfo) -> int:
    """Return the permission bits; 0 if the zip has none, as those made on Windows."""
    return info.external_attr >> 16 & 0o7777


def _is_directory(info: zipfile.ZipInfo) -> bool:
    """Tell whether an entry is a directory. ZipInfo.is_dir() fails on an empty name."""
    return info.filename.endswith("/")


def _clean(name: str) -> str:
    return "/".join(part for part in name.split("/") if part not in {"", "."})


def _problems(infos: list[zipfile.ZipInfo], total: int) -> Iterator[str]:
    if len(infos) > MOST_ENTRIES:
        yield f"it has {len(infos)} entries"
        return
    claimed = sum(info.file_size for info in infos)
    if claimed > MOST_BYTES:
        yield f"it claims to unpack to {claimed:,} bytes, four times Lambda's limit: a decompression bomb?"
    for info in infos:
        yield from (f"`{_printable(info.filename)}` {problem}" for problem in _entry_problems(info))
    yield from _duplicates(infos)
    yield from _overlaps(infos, total)


def _entry_problems(info: zipfile.ZipInfo) -> Iterator[str]:
    name = info.filename
    if name.startswith("/") or name[1:3] in {":/", ":\\"}:
        yield "is an absolute path"
    if ".." in name.split("/"):
        yield "leaves the layer through `..`"
    if "\\" in name or any(ord(letter) < 32 for letter in name):  # noqa: PLR2004
        yield "has a backslash or control character in its name; zips use / on every system"
    if not _clean(name) and not _is_directory(info):
        yield "has no name"
    if info.flag_bits & 0x1:
        yield "is encrypted"
    if info.compress_type not in _METHODS:
        yield f"is compressed by method {info.compress_type}; Lambda unpacks deflate"
    kind = info.external_attr >> 16 & _TYPE
    if kind not in {0, _LINK, _FILE, _DIRECTORY}:
        yield "is a device, socket or pipe"
    if kind == _LINK and info.file_size > _LONGEST_LINK:
        yield f"is a symbolic link of {info.file_size:,} bytes"


def _duplicates(infos: list[zipfile.ZipInfo]) -> Iterator[str]:
    counts = Counter(_clean(info.filename) for info in infos if not _is_directory(info))
    yield from (f"`{_printable(name)}` is in it {count} times" for name, count in counts.items() if count > 1)
    folders = {parent for name in counts for parent in parents(name)}
    yield from (f"`{_printable(name)}` is a file and a directory" for name in counts if name in folders)


def _overlaps(infos: list[zipfile.ZipInfo], total: int) -> Iterator[str]:
    """Yield entries that share compressed bytes, which is how a small zip becomes a huge tree."""
    end = 0
    for info in sorted(infos, key=lambda info: info.header_offset):
        if info.header_offset < end:
            yield f"`{_printable(info.filename)}` shares its bytes with another entry"
        end = info.header_offset + 30 + len(info.orig_filename) + info.compress_size
    if end > total:
        yield "it is truncated: its last entry ends after it"


def _printable(name: str) -> str:
    return name.encode("unicode_escape").decode("ascii")[:120]
