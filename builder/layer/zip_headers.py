"""What the headers of a zip say: the table at its end, the local headers, and whether all readers see the same files.

Readers follow either the table (Python, Info-ZIP, Go) or the local headers (streams, Java's and libarchive's among
them). A zip in which the two differ, that readers understand in different ways, or that one of them refuses, is
refused: nobody knows which of them Lambda is. Facts are those of PKWARE's APPNOTE 6.3.10.
"""

import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence

from builder.base.frozen import dataclass
from builder.layer import names, zip_end
from builder.layer.elf import ReadAt
from builder.layer.names import clean, printable
from builder.layer.zip_end import MAX32, UTF8, encoded

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
TYPE, LINK, FILE, DIRECTORY = 0o170000, 0o120000, 0o100000, 0o040000
_LONGEST_LINK = 4096
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
UNIX = {3, 19}
"""Values of "version made by" whose attributes are a Unix mode: UNIX and OS X (4.4.2)."""
_ENCRYPTED, _DESCRIPTOR = 0x0001, 0x0008
_DECISIVE = _ENCRYPTED | _DESCRIPTOR | UTF8 | 0x0020 | 0x0040 | 0x2000
"""The flags that decide how a file is read (4.4.4); the others are remarks of the compressor."""
_LOCAL = struct.Struct("<4s5H3I2H")
_FIELD = struct.Struct("<2H")
_DESCRIPTOR_MAGIC = b"PK\7\x08"
_LONGEST_DESCRIPTOR = 16
_ZIP64, _UNICODE_PATH = 0x0001, 0x7075
_SMALL = 64 << 10
_FIELDS = 64
"""Bytes that are read ahead for the extra fields of a local header."""
_AHEAD = 1024
"""Bytes that are read of a local header at once: enough for nearly every name."""


def problems(infos: Sequence[zipfile.ZipInfo], table: int, read_at: ReadAt, total: int) -> Iterator[str]:
    """Yield what is wrong with a zip of `total` bytes and a table at `table`, as its headers tell. Unpacks nothing."""
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
    yield from zip_end.problems(infos, table, read_at, total)
    yield from _in_a_row(infos, table, read_at)


def is_directory(info: zipfile.ZipInfo) -> bool:
    """Tell whether an entry is a directory. ZipInfo.is_dir() fails on an empty name."""
    return info.filename.endswith("/")


def packed(info: zipfile.ZipInfo, read_at: ReadAt) -> bytes:
    """Return the compressed bytes of a file. Raises struct.error if its local header is cut off."""
    # Of a small file one read has it all: the name is nearly always that of the table, and extra fields are short.
    small = info.compress_size if info.compress_size <= _SMALL else 0
    data = read_at(info.header_offset, _LOCAL.size + len(info.orig_filename) + _FIELDS + small)
    head = _LOCAL.unpack_from(data)
    begin = _LOCAL.size + int(head[9]) + int(head[10])
    if begin + info.compress_size > len(data):
        return read_at(info.header_offset + begin, info.compress_size)
    return data[begin : begin + info.compress_size]


# ---- the table -----------------------------------------------------------------------------------------------------


def _of_entry(info: zipfile.ZipInfo) -> Iterator[str]:
    yield from names.problems(info.orig_filename)  # zipfile cuts `filename` at a NUL
    if not clean(info.filename) and not is_directory(info):
        yield "has no name"
    if info.flag_bits & _ENCRYPTED:
        yield "is encrypted"
    if not info.flag_bits & UTF8 and not _is_utf8(info):
        yield "has a name that is not UTF-8, so each reader sees another one"
    if info.flag_bits & _DESCRIPTOR and info.compress_type == zipfile.ZIP_STORED:
        yield "is stored with its size after its bytes, so that a stream cannot find their end"
    if info.volume:
        yield "is in another part of a zip that was split"
    if info.compress_type not in _METHODS:
        yield f"is compressed by method {info.compress_type}; Lambda unpacks deflate"
    if (renamed := _renamed(info)) is not None:
        yield f"has another name for some readers, `{printable(renamed)}`"
    yield from _of_kind(info, info.external_attr >> 16 & TYPE)


def _of_kind(info: zipfile.ZipInfo, kind: int) -> Iterator[str]:
    if is_directory(info):
        if kind == LINK:
            yield "is a symbolic link for some readers and a directory for others"
        if info.file_size:
            yield f"is a directory with {info.file_size:,} bytes"
    elif kind not in {0, LINK, FILE, DIRECTORY}:  # old versions of Maven give directories any kind
        yield "is a device, socket or pipe"
    if kind == LINK and info.create_system not in UNIX:
        yield "is a symbolic link for some readers and a file for others: its maker is no Unix"
    if kind == LINK and info.file_size > _LONGEST_LINK:
        yield f"is a symbolic link of {info.file_size:,} bytes"


def _is_utf8(info: zipfile.ZipInfo) -> bool:
    if info.orig_filename.isascii():
        return True
    try:
        encoded(info).decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _renamed(info: zipfile.ZipInfo) -> str | None:
    """Return the name in the Unicode path field (4.6.9), if there is one and its bytes are not those of the name."""
    for field, data in _fields(info.extra):
        if field == _UNICODE_PATH and data[5:] != encoded(info):
            return data[5:].decode("utf-8", errors="replace")
    return None


def _fields(extra: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the extra fields of a header, up to the first that is cut off."""
    while len(extra) >= _FIELD.size:
        field, size = _FIELD.unpack_from(extra)
        if _FIELD.size + size > len(extra):
            return
        yield field, extra[_FIELD.size : _FIELD.size + size]
        extra = extra[_FIELD.size + size :]


def _is_whole(extra: bytes) -> bool:
    """Tell whether the extra fields fill their place. libarchive refuses a zip in which they do not."""
    return sum(_FIELD.size + len(data) for _, data in _fields(extra)) == len(extra)


# ---- local headers -------------------------------------------------------------------------------------------------


def _in_a_row(infos: Sequence[zipfile.ZipInfo], table: int, read_at: ReadAt) -> Iterator[str]:
    """Yield what is wrong with the local headers, and bytes that belong to no file, or to two.

    A stream takes one file after the other: it stops at other bytes, or finds files in them that the table has not.
    Files that share bytes are how a small zip becomes a huge tree.
    """
    expected = 0
    for info in sorted(infos, key=lambda info: info.header_offset):
        name = printable(info.orig_filename)
        if info.header_offset < expected:
            yield f"`{name}` shares its bytes with another entry"
        elif info.header_offset > expected:
            yield f"{info.header_offset - expected:,} bytes before `{name}` are of no file, and streams stop there"
        local = _Local.read(info, read_at)
        if local is None:
            yield f"`{name}` has no local header where the table says"
            return
        yield from (f"`{name}` {problem}" for problem in local.problems(info))
        expected = local.end
    if expected > table:
        yield "it is truncated: its last entry ends after its table begins"
    elif expected < table:
        yield f"{table - expected:,} bytes before its table are of no file, and streams stop there"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Local:
    """The local header of a file (4.3.7)."""

    name: bytes
    flags: int
    method: int
    facts: tuple[int, int, int]
    """CRC, compressed and raw size; zeros where they follow the bytes."""
    extra: bytes
    bytes_end: int
    """The offset after the compressed bytes."""
    descriptor: bytes
    """What follows these, where the flags say that the facts do."""
    table: tuple[int, int, int]
    """The facts in the table."""

    @classmethod
    def read(cls, info: zipfile.ZipInfo, read_at: ReadAt) -> "_Local | None":
        """Return the header that a row of the table names; None if there is none."""
        data = read_at(info.header_offset, _AHEAD) if info.header_offset >= 0 else b""
        if len(data) < _LOCAL.size or data[:4] != b"PK\3\4":
            return None
        _, _, flags, method, _, _, crc, packed, raw, name, extra = _LOCAL.unpack_from(data)
        bytes_at = _LOCAL.size + name + extra
        if bytes_at > len(data):
            data = read_at(info.header_offset, bytes_at)
        fields = data[_LOCAL.size + name : bytes_at]
        long = dict(_fields(fields)).get(_ZIP64, b"") if fields else b""
        end = info.header_offset + bytes_at + info.compress_size
        return cls(
            name=data[_LOCAL.size : _LOCAL.size + name],
            flags=flags,
            method=method,
            facts=(crc, *_sizes(packed, raw, long)),
            extra=fields,
            bytes_end=end,
            descriptor=read_at(end, _LONGEST_DESCRIPTOR) if flags & _DESCRIPTOR else b"",
            table=(info.CRC, info.compress_size, info.file_size),
        )

    @property
    def end(self) -> int:
        return self.bytes_end + self._described

    @property
    def _described(self) -> int:
        """Return the size of the data descriptor (4.3.9), with or without its signature.

        0 if it says something else, or in 64 bits: Java before 23 takes those for 32 where they would do.
        """
        if not self.flags & _DESCRIPTOR or any(field == _ZIP64 for field, _ in _fields(self.extra)):
            return 0
        facts = struct.pack("<3I", *(one & MAX32 for one in self.table))
        forms = (form for form in (_DESCRIPTOR_MAGIC + facts, facts) if self.descriptor.startswith(form))
        return len(next(forms, b""))

    def problems(self, info: zipfile.ZipInfo) -> Iterator[str]:
        """Yield in what the header differs from its row in the table."""
        if self.name != (name := encoded(info)):
            yield "has another name in its local header"
        if (self.flags ^ info.flag_bits) & _DECISIVE or self.method != info.compress_type:
            yield "has other flags or another method in its local header"
        if self.extra or info.extra:
            yield from self._of_fields(info.extra, name)
        if self.facts != self.table and not (self.flags & _DESCRIPTOR and not any(self.facts)):
            yield "has another size or checksum in its local header"
        if self.flags & _DESCRIPTOR and not self._described:
            yield "has another size or checksum after its bytes, or in 64 bits"

    def _of_fields(self, in_table: bytes, name: bytes) -> Iterator[str]:
        if not (_is_whole(self.extra) and _is_whole(in_table)):
            yield "has an extra field that is cut off"
        if dict(_fields(self.extra)).get(_UNICODE_PATH, b"")[5:] not in {b"", name}:
            yield "has another name for some readers in its local header"


def _sizes(packed: int, raw: int, zip64: bytes) -> tuple[int, int]:
    """Return the compressed and the raw size of a local header; large ones are in its zip64 field (4.5.3)."""
    if MAX32 not in {packed, raw} or len(zip64) < 16:  # noqa: PLR2004  both sizes
        return packed, raw
    long_raw, long_packed = struct.unpack_from("<2Q", zip64)
    return int(long_packed) if packed == MAX32 else packed, int(long_raw) if raw == MAX32 else raw
