"""Code inside of archives, which packages unpack when they are first used: browsers, engines, wheels in wheels.

Only headers are looked at, within limits: of an archive so many unpacked bytes and members, of those in it one level.
"""

import io
import re
import struct
import zipfile
from collections.abc import Collection, Iterator
from typing import IO

from builder.base import archives
from builder.base.frozen import dataclass
from builder.layer.elf import MAGIC, ReadAt, machine_name

NAMES = re.compile(r"\.(?:gz|tgz|xz|txz|bz2|tbz2?|zst|tzst|br|tar|zip|whl|jar|egg)$", re.IGNORECASE)
_JARS = re.compile(r"java/lib/[^/]+\.jar$")
"""Those that the runtime reads have a check of their own."""
_NO_CODE = re.compile(
    r"\.(?:class|pyc?|pyi|js|mjs|ts|map|css|html?|txt|md|rst|json|xml|ya?ml|properties|png|svg|woff2?|h|c|java|kt)$"
)
MOST_UNPACKED = 96 << 20
"""Bytes of one archive. Programs stand at the beginning of most; a browser has 170 MB."""
_MOST_MEMBERS = 20_000
_MOST_INNER = 24 << 20
"""Bytes of an archive in an archive."""
_MOST_TABLE = 16 << 20
_HEADER = 20
"""Bytes of an ELF file up to its machine."""
_RUNNABLE = {2, 3}
"""ET_EXEC and ET_DYN."""
_TAR_MAGIC, _BLOCK = 257, 512
_SHORTEST = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class PackedCode:
    """Programs and libraries in an archive."""

    machines: dict[str, str]
    """The first file for each processor, by `e_machine`."""


def may_hold(path: str, size: int) -> bool:
    """Tell from its name whether a file is an archive that is looked into."""
    return size >= _SHORTEST and NAMES.search(path) is not None and not _JARS.match(path)


def look(name: str, data: IO[bytes], enough: Collection[str]) -> PackedCode | None:
    """Return the code in an archive; None if there is none, or it cannot be read. Ends at code for `enough`."""
    found: dict[str, str] = {}
    try:
        with archives.reading():
            for member, machine in _code(name, data, nested=False):
                found.setdefault(machine, member)
                if machine in enough:
                    break
    except (archives.UnreadableError, MemoryError):
        pass  # what is damaged, encrypted or beyond the limits is unpacked by nobody here
    return PackedCode(machines=found) if found else None


class Random(io.RawIOBase):
    """A file that is read at any place by a function."""

    def __init__(self, read_at: ReadAt, size: int) -> None:
        self._read_at, self._size, self._at = read_at, size, 0

    def read(self, size: int = -1, /) -> bytes:
        left = self._size - self._at
        data = self._read_at(self._at, left if size < 0 else min(size, left))
        self._at += len(data)
        return data

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


def _code(name: str, data: IO[bytes], *, nested: bool) -> Iterator[tuple[str, str]]:
    """Yield file and machine of the code in an archive, or in what one file was compressed to."""
    magic = data.read(6)
    data.seek(0)
    if magic[:4] == b"PK\3\4":
        yield from _in_zip(data, nested=nested)
        return
    brotli = name.lower().endswith(".br")
    opened = archives.unpacked(data, magic, brotli=brotli)
    if opened is None:
        yield from _in_tar(data, nested=nested)
        return
    with opened as stream:
        head = stream.read(_BLOCK)
    if machine := _machine(head):
        yield name.rpartition("/")[2], machine
    elif head[_TAR_MAGIC : _TAR_MAGIC + 5] == b"ustar":
        data.seek(0)
        again = archives.unpacked(data, magic, brotli=brotli)
        if again is not None:
            with again as stream:
                yield from _in_tar(stream, nested=nested)


def _in_zip(data: IO[bytes], *, nested: bool) -> Iterator[tuple[str, str]]:
    with archives.zip_of(data, _MOST_TABLE) as archive:
        for info in archive.infolist()[:_MOST_MEMBERS]:
            if info.is_dir() or info.flag_bits & 1 or _NO_CODE.search(info.filename):
                continue
            with archive.open(info) as member:
                yield from _member(info.filename, info.file_size, member, nested=nested)


def _in_tar(data: IO[bytes], *, nested: bool) -> Iterator[tuple[str, str]]:
    with archives.streamed(data, MOST_UNPACKED) as archive:
        for count, info in enumerate(archives.files(archive)):
            if count >= _MOST_MEMBERS:
                return
            member = archive.extractfile(info)
            if member and not _NO_CODE.search(info.name):
                yield from _member(info.name, info.size, member, nested=nested)


def _member(
    name: str, size: int, member: "IO[bytes] | zipfile.ZipExtFile", *, nested: bool
) -> Iterator[tuple[str, str]]:
    """Yield the machine of a file in an archive, or those in it if it is an archive itself."""
    if nested or not NAMES.search(name) or size > _MOST_INNER:
        if machine := _machine(member.read(_HEADER)):
            yield name, machine
        return
    inner = io.BytesIO(member.read(_MOST_INNER))
    yield from ((f"{name}/{path}", machine) for path, machine in _code(name, inner, nested=True))


def _machine(head: bytes) -> str | None:
    """Return the processor of a program or library by the first bytes of a file."""
    if head[:4] != MAGIC or len(head) < _HEADER:
        return None
    kind, machine = struct.unpack_from("<HH" if head[5] == 1 else ">HH", head, 16)
    return machine_name(machine) if kind in _RUNNABLE else None
