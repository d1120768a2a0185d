"""What the headers of a zip say: the table at its end, the local headers, and whether all readers see the same files.

Readers follow either the table (Python, Info-ZIP, Go) or the local headers (streams, Java's among them). A zip in which
the two differ, or that readers understand in different ways, is refused: nobody knows which of them Lambda is. Facts
are those of PKWARE's APPNOTE 6.3.10.
"""

import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence

from builder.layer import names
from builder.layer.names import clean, printable

FAULTS = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    NotImplementedError,
    OverflowError,
)
"""What `zipfile` raises for a damaged file, besides the errors of other decompressors."""
MOST_ENTRIES = 200_000
MOST_BYTES = 1 << 30
"""Four times Lambda's limit: a layer that is merely too big is still explained, a decompression bomb is refused."""
TYPE, LINK, _FILE, _DIRECTORY = 0o170000, 0o120000, 0o100000, 0o040000
_LONGEST_LINK = 4096
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_UNIX = {3, 19}
"""Values of "version made by" whose attributes are a Unix mode: UNIX and OS X (4.4.2)."""
_ENCRYPTED, _DESCRIPTOR, _UTF8 = 0x0001, 0x0008, 0x0800
_DECISIVE = _ENCRYPTED | _DESCRIPTOR | _UTF8 | 0x0020 | 0x0040 | 0x2000
"""The flags that decide how a file is read (4.4.4); the others are remarks of the compressor."""
_LOCAL = struct.Struct("<4s5H3I2H")
_END = struct.Struct("<4s4H2IH")
_END_MAGIC, _LOCATOR_MAGIC, _DESCRIPTOR_MAGIC = b"PK\5\6", b"PK\6\7", b"PK\7\x08"
_LOCATOR = struct.Struct("<4sIQI")
_MAX16, _MAX32 = 0xFFFF, 0xFFFFFFFF
_ZIP64, _UNICODE_PATH = 0x0001, 0x7075
_AHEAD = 1024
"""Bytes that are read of a local header at once: enough for nearly every name."""

ReadAt = Callable[[int, int], bytes]


def problems(infos: Sequence[zipfile.ZipInfo], read_at: ReadAt, total: int) -> Iterator[str]:
    """Yield what is wrong with a zip of `total` bytes, as far as its headers tell. Unpacks nothing."""
    if len(infos) > MOST_ENTRIES:
        yield f"it has {len(infos)} entries"
        return
    if not infos:
        yield "it has no files"
    claimed = sum(info.file_size for info in infos)
    if claimed > MOST_BYTES:
        yield f"it claims to unpack to {claimed:,} bytes, four times Lambda's limit: a decompression bomb?"
    for info in infos:
        yield from (f"`{printable(info.orig_filename)}` {problem}" for problem in _of_entry(info))
    files, folders = [[clean(info.filename) for info in infos if is_directory(info) is kind] for kind in (False, True)]
    yield from names.clashes(files, folders)
    yield from _overlaps(infos, total)
    yield from _of_end(len(infos), read_at, total)
    for info in infos:
        yield from (f"`{printable(info.orig_filename)}` {problem}" for problem in _of_local(info, read_at, total))


def is_directory(info: zipfile.ZipInfo) -> bool:
    """Tell whether an entry is a directory. ZipInfo.is_dir() fails on an empty name."""
    return info.filename.endswith("/")


def start(info: zipfile.ZipInfo, read_at: ReadAt) -> int:
    """Return the offset of the compressed bytes of a file. Raises struct.error if its local header is cut off."""
    head = _LOCAL.unpack(read_at(info.header_offset, _LOCAL.size))
    return info.header_offset + _LOCAL.size + int(head[9]) + int(head[10])


# ---- the table -----------------------------------------------------------------------------------------------------


def _of_entry(info: zipfile.ZipInfo) -> Iterator[str]:
    yield from names.problems(info.orig_filename)  # zipfile cuts `filename` at a NUL
    if not clean(info.filename) and not is_directory(info):
        yield "has no name"
    if info.flag_bits & _ENCRYPTED:
        yield "is encrypted"
    if info.compress_type not in _METHODS:
        yield f"is compressed by method {info.compress_type}; Lambda unpacks deflate"
    if (renamed := _renamed(info)) is not None:
        yield f"has another name for some readers, `{printable(renamed)}`"
    yield from _of_kind(info, info.external_attr >> 16 & TYPE)


def _of_kind(info: zipfile.ZipInfo, kind: int) -> Iterator[str]:
    if is_directory(info):
        if kind == LINK:
            yield "is a symbolic link for some readers and a directory for others"
    elif kind not in {0, LINK, _FILE, _DIRECTORY}:  # old versions of Maven give directories any kind
        yield "is a device, socket or pipe"
    if kind == LINK and info.create_system not in _UNIX:
        yield "is a symbolic link for some readers and a file for others: its maker is no Unix"
    if kind == LINK and info.file_size > _LONGEST_LINK:
        yield f"is a symbolic link of {info.file_size:,} bytes"


def _renamed(info: zipfile.ZipInfo) -> str | None:
    """Return the name in the Unicode path field (4.6.9), if there is one and its bytes are not those of the name."""
    for field, data in _fields(info.extra):
        if field == _UNICODE_PATH and data[5:] != _encoded(info):
            return data[5:].decode("utf-8", errors="replace")
    return None


def _encoded(info: zipfile.ZipInfo) -> bytes:
    """Return the bytes of a name, which zipfile decodes by the flag."""
    return info.orig_filename.encode("utf-8" if info.flag_bits & _UTF8 else "cp437")


def _fields(extra: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the extra fields of a header, up to the first that is cut off."""
    while len(extra) >= 4:  # noqa: PLR2004  a field's own header
        field, size = struct.unpack_from("<2H", extra)
        if 4 + size > len(extra):
            return
        yield field, extra[4 : 4 + size]
        extra = extra[4 + size :]


def _overlaps(infos: Sequence[zipfile.ZipInfo], total: int) -> Iterator[str]:
    """Yield entries that share compressed bytes, which is how a small zip becomes a huge tree."""
    end = 0
    for info in sorted(infos, key=lambda info: info.header_offset):
        if info.header_offset < end:
            yield f"`{printable(info.filename)}` shares its bytes with another entry"
        end = info.header_offset + _LOCAL.size + len(info.orig_filename) + info.compress_size
    if end > total:
        yield "it is truncated: its last entry ends after it"


# ---- the end -------------------------------------------------------------------------------------------------------


def _of_end(count: int, read_at: ReadAt, total: int) -> Iterator[str]:
    """Yield what is wrong with the record at the end (4.3.16): two of them, or another number of files."""
    begin = max(0, total - _MAX16 - _END.size)
    tail = read_at(begin, total - begin)
    ends = [at for at in _occurrences(tail, _END_MAGIC) if _fits(tail, at)]
    if not ends:
        return  # bytes after the zip; zipfile found its end nevertheless
    if len(ends) > 1 or tail.find(_END_MAGIC, ends[0] + 1) >= 0:
        yield "it has two ends, one in the comment of the other, so readers see different files"
    _, _, _, on_disk, entries, *_ = _END.unpack_from(tail, ends[0])
    counts = {on_disk, entries}
    if counts == {_MAX16} and (more := _count64(tail, ends[0], read_at, begin)) is not None:
        counts = more
    if counts != {count}:
        yield f"its end counts {' and '.join(map(str, sorted(counts)))} files, and its table has {count}"


def _occurrences(data: bytes, magic: bytes) -> Iterator[int]:
    at = data.find(magic)
    while at >= 0:
        yield at
        at = data.find(magic, at + 1)


def _fits(tail: bytes, at: int) -> bool:
    """Tell whether the comment of an end record reaches exactly to the end of the file."""
    return len(tail) - at >= _END.size and at + _END.size + int(_END.unpack_from(tail, at)[7]) == len(tail)


def _count64(tail: bytes, end: int, read_at: ReadAt, begin: int) -> set[int] | None:
    """Return the numbers of files of the zip64 record (4.3.14), if there is one."""
    if end < _LOCATOR.size or tail[end - _LOCATOR.size :][:4] != _LOCATOR_MAGIC:
        return None
    # The record precedes its locator; prepended bytes make the offset in the locator wrong.
    record = read_at(begin + end - _LOCATOR.size - 56, 56)
    return set(struct.unpack_from("<2Q", record, 24)) if record[:4] == b"PK\6\6" else None


# ---- local headers -------------------------------------------------------------------------------------------------


def _of_local(info: zipfile.ZipInfo, read_at: ReadAt, total: int) -> Iterator[str]:
    """Yield in what the local header of a file differs from its row in the table."""
    data = read_at(info.header_offset, _AHEAD) if 0 <= info.header_offset < total else b""
    if len(data) < _LOCAL.size or data[:4] != b"PK\3\4":
        yield "has no local header where the table says"
        return
    _, _, flags, method, _, _, crc, packed, raw, name, extra = _LOCAL.unpack_from(data)
    bytes_at = _LOCAL.size + name + extra
    if bytes_at > len(data):
        data = read_at(info.header_offset, bytes_at)
    if data[_LOCAL.size : _LOCAL.size + name] != _encoded(info):
        yield "has another name in its local header"
    if (flags ^ info.flag_bits) & _DECISIVE or method != info.compress_type:
        yield "has other flags or another method in its local header"
    fields = dict(_fields(data[_LOCAL.size + name : bytes_at])) if extra else {}
    if fields.get(_UNICODE_PATH, b"")[5:] not in {b"", _encoded(info)}:
        yield "has another name for some readers in its local header"
    facts, table = (crc, *_sizes(packed, raw, fields.get(_ZIP64, b""))), (info.CRC, info.compress_size, info.file_size)
    if facts != table and not (flags & _DESCRIPTOR and not any(facts)):
        yield "has another size or checksum in its local header"
    if flags & _DESCRIPTOR and not _described(read_at(info.header_offset + bytes_at + table[1], 24), table):
        yield "has another size or checksum after its bytes"


def _sizes(packed: int, raw: int, zip64: bytes) -> tuple[int, int]:
    """Return the compressed and the raw size of a local header; large ones are in its zip64 field (4.5.3)."""
    if _MAX32 not in {packed, raw} or len(zip64) < 16:  # noqa: PLR2004  both sizes
        return packed, raw
    long_raw, long_packed = struct.unpack_from("<2Q", zip64)
    return int(long_packed) if packed == _MAX32 else packed, int(long_raw) if raw == _MAX32 else raw


def _described(after: bytes, table: tuple[int, int, int]) -> bool:
    """Tell whether the data descriptor (4.3.9) agrees: with or without its signature, in 32 or 64 bits."""
    plain = struct.pack("<3I", *(value & _MAX32 for value in table))
    long = struct.pack("<I2Q", *table)
    return any(after.startswith((form, _DESCRIPTOR_MAGIC + form)) for form in (plain, long))
