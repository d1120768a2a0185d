"""What Go writes into every program: the version of Go, and the modules that it was compiled of.

The layout is that of Go's `debug/buildinfo`: a blob that begins with a magic number, in the first writable data of the
file. Since Go 1.18 the texts follow it; before, it points to them. Nothing is executed, and no length is believed.
"""

import re
import struct
from collections.abc import Iterator

from builder.base.frozen import dataclass
from builder.model.go_module import is_import_path

_MAGIC = b"\xff Go buildinf:"
_HEAD = 32
"""Bytes of the blob before its texts; it begins at a multiple of 16."""
_ALIGN = 16
_INLINE, _BIG = 2, 1
_ELF64_LITTLE = b"\x7fELF\x02\x01"
_LOAD, _WRITABLE = 1, 2
_MOST_SEGMENTS = 512
_MOST_VERSION, _MOST_MODULES = 256, 4 << 20
"""Bytes. A program of 1,500 modules has 200 KB of them."""
_MOST_ROWS = 20_000
_SENTINEL = 16
"""Bytes before and after the list of modules."""
_VERSION = re.compile(r"v\d[0-9A-Za-z.+-]{0,200}", re.ASCII)
_GO = re.compile(r"go(?P<version>\d+(?:\.\d+)*(?:rc\d+|beta\d+)?)", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class Module:
    path: str
    version: str
    """As Go writes it, for example `v1.2.3`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildInfo:
    """What a program says of itself."""

    go: str
    """The version of Go, for example `1.24.4`; empty for one that was not released."""
    modules: tuple[Module, ...]
    """Those of other people: a main module has no version when it was compiled in its own folder."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _LoadedSegment:
    address: int
    data: memoryview
    writable: bool


def read(data: bytes) -> BuildInfo | None:
    """Return what a program in Go says of itself; None for other files and damaged ones."""
    try:
        segments = list(_segments(data))
        for segment in segments:
            if segment.writable and (at := _found(segment)) is not None:
                return _info(segments, segment, at)
    except (struct.error, IndexError, ValueError, OverflowError):
        pass
    return None


def _segments(data: bytes) -> Iterator[_LoadedSegment]:
    """Yield what is loaded of an ELF file, as far as it is there."""
    if data[:6] != _ELF64_LITTLE:
        return
    (table,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    whole = memoryview(data)
    for number in range(min(count, _MOST_SEGMENTS)):
        kind, flags, offset, address, _, length = struct.unpack_from("<IIQQQQ", data, table + number * size)
        if kind == _LOAD:
            part = whole[offset : offset + length]
            yield _LoadedSegment(address=address, data=part, writable=bool(flags & _WRITABLE))


def _found(segment: _LoadedSegment) -> int | None:
    """Return where in a segment the blob begins."""
    for match in re.finditer(re.escape(_MAGIC), segment.data):
        if (segment.address + match.start()) % _ALIGN == 0:
            return match.start()
    return None


def _info(segments: list[_LoadedSegment], segment: _LoadedSegment, at: int) -> BuildInfo | None:
    width, flags = segment.data[at + 14], segment.data[at + 15]
    if flags & _INLINE:
        version, after = _inline(segment.data, at + _HEAD, _MOST_VERSION)
        modules, _ = _inline(segment.data, after, _MOST_MODULES)
    elif width == 8 and not flags & _BIG:  # noqa: PLR2004  bytes of a pointer of Lambda's processors
        first, second = struct.unpack_from("<QQ", segment.data, at + 16)
        version = _pointed(segments, first, _MOST_VERSION)
        modules = _pointed(segments, second, _MOST_MODULES)
    else:
        return None
    match = _GO.match(version.decode(errors="replace"))
    return BuildInfo(go=match["version"] if match else "", modules=tuple(_modules(modules)))


def _inline(data: memoryview, at: int, most: int) -> tuple[bytes, int]:
    """Return a text that its length stands before, as a varint, and where it ends."""
    size = shift = 0
    while True:
        byte = data[at]
        at += 1
        size |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:  # noqa: PLR2004  the last byte of a varint
            break
        if shift > 28:  # noqa: PLR2004  more than 256 MB
            raise ValueError
    if size > most or at + size > len(data):
        raise ValueError
    return bytes(data[at : at + size]), at + size


def _pointed(segments: list[_LoadedSegment], address: int, most: int) -> bytes:
    """Return the text of a string's header, which is its address and its length."""
    place, size = struct.unpack("<QQ", _at(segments, address, 16))
    if size > most:
        raise ValueError
    return _at(segments, place, size) if size else b""


def _at(segments: list[_LoadedSegment], address: int, size: int) -> bytes:
    for segment in segments:
        start = address - segment.address
        if start >= 0 and start + size <= len(segment.data):
            return bytes(segment.data[start : start + size])
    raise ValueError


def _modules(blob: bytes) -> Iterator[Module]:
    """Yield the modules of `mod`, `dep` and `=>` rows; a row that stands for another one replaces it."""
    text = blob[_SENTINEL:-_SENTINEL].decode(errors="replace")
    row: list[str] = []
    for line in text.split("\n", _MOST_ROWS)[:_MOST_ROWS]:
        words = line.split("\t")
        if words[0] == "=>":
            row = words
        elif words[0] in {"mod", "dep"}:
            yield from _module(row)
            row = words
    yield from _module(row)


def _module(row: list[str]) -> Iterator[Module]:
    """Yield the module of a row, if it has a version and a name that can be one."""
    if len(row) >= 3 and is_import_path(row[1]) and _VERSION.fullmatch(row[2]):  # noqa: PLR2004  kind, path, version
        yield Module(path=row[1], version=row[2])
