"""Code inside of archives, which packages unpack when they are first used: browsers, engines, wheels in wheels.

Archives are known by their first bytes, whatever their names, and those in archives are looked into, too. Only the
beginnings of files are looked at, and all that is unpacked for it has bounds. That one ended the search is told.
"""

import io
import re
import struct
from collections.abc import Collection, Iterator
from typing import IO

from builder.base import archives
from builder.base.frozen import dataclass
from builder.layer.elf import MAGIC, machine_name
from builder.layer.packed_streams import HEAD, Allowance, Counted, NextBytes
from builder.model.limits import MB, UNZIPPED_LIMIT

_NO_CODE = re.compile(
    r"\.(?:class|pyc?|pyi|js|mjs|ts|map|css|html?|txt|md|rst|json|xml|ya?ml|properties|png|svg|woff2?|h|c|java|kt)$"
)
MOST_UNPACKED = UNZIPPED_LIMIT
"""Bytes of one archive, with all archives in it: as many as a whole layer may have."""
MOST_IN_LAYER = 4 * UNZIPPED_LIMIT
"""Bytes of all archives of a layer, so that many small bombs end, too."""
DEEPEST = 8
"""Archives in each other. A compressed tar is two."""
_MOST_HELD = 24 << 20
"""Bytes of zips in archives, whose tables are at their ends, that are in memory at once."""
_MOST_TABLE = 16 << 20
_MOST_WINDOWS = 2
"""Programs like xz in each other, each of which may take 128 MB of memory."""
_MEMBER, _ROW = 4096, 512
"""What a member that is opened, and a row of the table of a zip, cost besides their bytes: time."""
_HEADER = 20
"""Bytes of an ELF file up to its machine."""
_RUNNABLE = {2, 3}
"""ET_EXEC and ET_DYN."""
_AR, _AR_ROW = b"!<arch>\n", 60
_ZIP, _DEB, _BROTLI = b"PK\3\4", _AR + b"debian-binary", ".br"
_WINDOWED = (archives.XZ, archives.LZMA, archives.ZSTD)
_LZMA = (
    rb"\x5d\0\0(?:[\x01-\x04\x06\x08\x0c\x10\x18\x20\x30\x40\x60\x80\xc0]\0|\x80\x01|\0[\x01-\x04\x06\x08\x0c\x10])"
    rb"(?:\xff{8}|.{4}[\0-\x3f]\0\0\0)"
)
"""No magic number, but sizes of dictionaries and of the content that there are."""
_COMPRESSED = re.compile(rb"\x1f\x8b\x08|BZh[1-9]|\xfd7zXZ\0|\x28\xb5\x2f\xfd|" + _LZMA, re.DOTALL)
_USTAR = slice(257, 262)
_UNREAD = {b"7z\xbc\xaf\x27\x1c": "7z", b"Rar!\x1a\x07": "RAR", b"\xed\xab\xee\xdb": "RPM"}
_SHORTEST, _SHORTEST_UNREAD = 20, 4096
"""Bytes of an archive, and of one that nothing here reads, in which a program has room."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PackedCode:
    """Programs and libraries in an archive."""

    machines: dict[str, str]
    """The first file for each processor, by `e_machine`."""
    unread: str | None = None
    """Why it may hold more of them: it was not looked into to its end."""


def allowance() -> Allowance:
    """Return what may be unpacked of the archives of a layer."""
    return Allowance(MOST_IN_LAYER, f"the archives of the layer unpack to more than {MOST_IN_LAYER / MB:.0f} MB")


def may_hold(path: str, size: int, head: bytes) -> bool:
    """Tell from its first HEAD bytes, and for Brotli from its name, whether a file is an archive."""
    unread = _unread(head)
    return size >= (_SHORTEST_UNREAD if unread else _SHORTEST) and bool(unread or _is_archive(path, head))


def look(name: str, data: IO[bytes], enough: Collection[str], whole: Allowance | None = None) -> PackedCode | None:
    """Return the code in an archive; None if there is none, or it cannot be read. Ends at code for `enough`.

    `whole` is what may be unpacked of all archives together.
    """
    found: dict[str, str] = {}
    reason = f"it unpacks to more than {MOST_UNPACKED / MB:.0f} MB"
    search = _Search(name.rpartition("/")[2], Allowance(MOST_UNPACKED, reason, whole))
    try:
        with archives.reading():
            for member, machine in search.code(data):
                found.setdefault(machine, member)
                if machine in enough:
                    return PackedCode(machines=found)
    except archives.BeyondLimitError as error:
        search.note(str(error))
    except (archives.UnreadableError, MemoryError):
        pass  # what is damaged or encrypted is unpacked by nobody here
    return PackedCode(machines=found, unread=search.unread) if found or search.unread else None


def _is_archive(name: str, head: bytes) -> bool:
    """Tell whether a file is an archive that is read here."""
    return (
        _COMPRESSED.match(head) is not None
        or head.startswith((_ZIP, _DEB))
        or head[_USTAR] == b"ustar"
        or name.lower().endswith((_BROTLI, ".tar"))
    )


def _unread(head: bytes) -> str | None:
    return next((kind for magic, kind in _UNREAD.items() if head.startswith(magic)), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Nesting:
    """Where in archives something lies."""

    path: tuple[str, ...] = ()
    """The names of members, from the outermost."""
    name: str
    """What tells Brotli."""
    depth: int = 0

    def member(self, name: str) -> "_Nesting":
        return _Nesting(path=(*self.path, name), name=name, depth=self.depth + 1)

    def content(self) -> "_Nesting":
        """Return the place of what a file was compressed to, which has no name of its own."""
        return _Nesting(path=self.path, name="", depth=self.depth + 1)


class _Search:
    """The search of one archive for code. It yields names of files, and their machines."""

    def __init__(self, name: str, allowance: Allowance) -> None:
        self._name, self._allowance = name, allowance
        self._held, self._windows = 0, 0
        self.unread: str | None = None

    def note(self, reason: str) -> None:
        self.unread = self.unread or reason

    def code(self, data: IO[bytes]) -> Iterator[tuple[str, str]]:
        """Search a file that is read at any place."""
        head = data.read(HEAD)
        data.seek(0)
        yield from self._archive(_Nesting(name=self._name), head, data)

    def _inside(self, place: _Nesting, stream: IO[bytes]) -> Iterator[tuple[str, str]]:
        """Search what is in an archive. Damage of it is none of the archive around it."""
        try:
            with archives.reading():
                counted = Counted(stream, self._allowance)
                if machine := _machine(counted.head):
                    yield "/".join(place.path) or self._name, machine
                else:
                    yield from self._archive(place, counted.head, io.BufferedReader(counted, 1 << 16))
        except archives.BeyondLimitError as error:
            if self._allowance.spent:
                raise
            self.note(str(error))
        except archives.UnreadableError:
            pass

    def _archive(self, place: _Nesting, head: bytes, data: IO[bytes]) -> Iterator[tuple[str, str]]:
        if kind := _unread(head):
            what = f"`{'/'.join(place.path)}` in it" if place.path else "it"
            self.note(f"{what} is a {kind} archive, which nothing here unpacks")
        elif not _is_archive(place.name, head):
            return
        elif place.depth >= DEEPEST:
            self.note(f"more than {DEEPEST} archives are packed in each other")
        elif head.startswith(_ZIP):
            yield from self._zip(place, data)
        elif head.startswith(_DEB):
            yield from self._deb(place, data)
        elif _COMPRESSED.match(head):
            yield from self._compressed(place, head, data)
        elif head[_USTAR] == b"ustar" or not place.name.lower().endswith(_BROTLI):
            yield from self._tar(place, data)
        else:
            yield from self._compressed(place, b"", data)

    def _compressed(self, place: _Nesting, magic: bytes, data: IO[bytes]) -> Iterator[tuple[str, str]]:
        windows = int(magic.startswith(_WINDOWED))
        if self._windows + windows > _MOST_WINDOWS:
            self.note(f"it is compressed more than {_MOST_WINDOWS} times with large windows")
            return
        opened = archives.unpacked(data, magic, brotli=not magic)
        if opened is None:
            return
        self._windows += windows
        try:
            with opened as stream:
                yield from self._inside(place.content(), stream)
        finally:
            self._windows -= windows

    def _zip(self, place: _Nesting, data: IO[bytes]) -> Iterator[tuple[str, str]]:
        if not place.depth:
            yield from self._members(place, data)
            return
        held = data.read(_MOST_HELD - self._held + 1)
        if self._held + len(held) > _MOST_HELD:
            self.note(f"a zip in it has more than {_MOST_HELD / MB:.0f} MB")
            return
        self._held += len(held)
        try:
            yield from self._members(place, io.BytesIO(held))
        finally:
            self._held -= len(held)

    def _members(self, place: _Nesting, data: IO[bytes]) -> Iterator[tuple[str, str]]:
        with archives.zip_of(data, _MOST_TABLE) as archive:
            # In the order of their bytes, so that what was read is not unpacked again.
            infos = sorted(archive.infolist(), key=lambda info: info.header_offset)
            self._allowance.take(len(infos) * _ROW)
            for info in infos:
                if info.is_dir() or info.flag_bits & 1 or _NO_CODE.search(info.filename):
                    continue
                self._allowance.take(_MEMBER)
                with archive.open(info) as member:
                    yield from self._inside(place.member(info.filename), member)

    def _tar(self, place: _Nesting, data: IO[bytes]) -> Iterator[tuple[str, str]]:
        with archives.streamed(data, MOST_IN_LAYER) as archive:
            for info in archives.files(archive):
                self._allowance.take(_MEMBER)
                member = archive.extractfile(info)
                if member and not _NO_CODE.search(info.name):
                    yield from self._inside(place.member(info.name), member)

    def _deb(self, place: _Nesting, data: IO[bytes]) -> Iterator[tuple[str, str]]:
        """Search a package of Debian: an `ar` of tars."""
        data.read(len(_AR))
        while len(row := data.read(_AR_ROW)) == _AR_ROW:
            size = int(row[48:58])
            member = NextBytes(data, size + size % 2)
            self._allowance.take(_MEMBER)
            with io.BufferedReader(member, 1 << 16) as stream:
                yield from self._inside(place.member(row[:16].decode("latin-1").rstrip(" /")), stream)
                while stream.read(1 << 16):
                    pass


def _machine(head: bytes) -> str | None:
    """Return the processor of a program or library by the first bytes of a file."""
    if head[:4] != MAGIC or len(head) < _HEADER:
        return None
    kind, machine = struct.unpack_from("<HH" if head[5] == 1 else ">HH", head, 16)
    return machine_name(machine) if kind in _RUNNABLE else None
