"""The end of a zip: its record, and the table that this names (APPNOTE 6.3.10, 4.3.12 to 4.3.16)."""

import contextlib
import struct
import zipfile
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from builder.base.frozen import dataclass
from builder.layer.elf import ReadAt

if TYPE_CHECKING:
    from typing_extensions import Self

UTF8 = 0x0800
"""The flag of names that are UTF-8 (4.4.4)."""
MAX16, MAX32 = 0xFFFF, 0xFFFFFFFF
_RECORD, _ROW, _RECORD64 = struct.Struct("<4s4H2IH"), struct.Struct("<4s6H3I5H2I"), struct.Struct("<4sQ2H2I4Q")
_MAGIC, _LOCATOR_MAGIC, _MAGIC64 = b"PK\5\6", b"PK\6\7", b"PK\6\6"
_LOCATOR = struct.Struct("<4sIQI")


@dataclass(frozen=True, kw_only=True, slots=True)
class _End:
    """What the record at the end of a zip says, with its 64-bit form where it needs one."""

    at: int
    """The offset after the table: of this record, or of its 64-bit form."""
    disks: tuple[int, int]
    counts: tuple[int, int]
    """Files in this part of the zip, and in all."""
    size: int
    offset: int
    """Size in bytes and offset of the table."""

    @classmethod
    def read(cls, at: int, read_at: ReadAt) -> "Self":
        _, *disks, on_disk, entries, size, offset, _ = _RECORD.unpack(read_at(at, _RECORD.size))
        before = at - _LOCATOR.size - _RECORD64.size
        if {on_disk, entries, size, offset} & {MAX16, MAX32} and before >= 0:
            long = read_at(before, _RECORD64.size + _LOCATOR.size)
            # The record precedes its locator; data of its own, which nobody writes, would be between them.
            if long[:4] == _MAGIC64 and long[_RECORD64.size :][:4] == _LOCATOR_MAGIC:
                *_, disk, start, on_disk, entries, size, offset = _RECORD64.unpack_from(long)
                return cls(at=before, disks=(disk, start), counts=(on_disk, entries), size=size, offset=offset)
        return cls(at=at, disks=(disks[0], disks[1]), counts=(on_disk, entries), size=size, offset=offset)


def problems(infos: Sequence[zipfile.ZipInfo], table: int, read_at: ReadAt, total: int) -> Iterator[str]:
    """Yield what is wrong with the end of a zip of `total` bytes whose table, as zipfile found it, is at `table`."""
    begin = max(0, total - MAX16 - _RECORD.size)
    tail = read_at(begin, total - begin)
    found = [begin + at for at in _occurrences(tail, _MAGIC)]
    fitting = [at for at in found if _comment_end(at, read_at) == total]
    if fitting and len(found) > found.index(fitting[0]) + 1:
        yield "it has two ends, one in the comment of the other, so readers see different files"
    last = (fitting or found or [0])[0 if fitting else -1]
    if not found or _comment_end(last, read_at) > total:
        yield "its end is cut off"
        return
    end = _End.read(last, read_at)
    if set(end.counts) != {len(infos)}:
        counts = " and ".join(map(str, sorted(set(end.counts))))
        yield f"its end counts {counts} files, and its table has {len(infos)}"
    if any(end.disks):
        yield "it is one part of a zip that was split"
    if (end.offset, end.offset + end.size) != (table, end.at):
        yield f"its end says that its table is at {end.offset:,}, and it is at {table:,}"
    elif infos and not _is_whole(infos[-1], end.at, read_at):
        yield "the last row of its table is cut off"


def _occurrences(data: bytes, magic: bytes) -> Iterator[int]:
    at = data.find(magic)
    while at >= 0:
        yield at
        at = data.find(magic, at + 1)


def _comment_end(at: int, read_at: ReadAt) -> int:
    """Return where the comment of a record ends; after everything if the record is cut off."""
    record = read_at(at, _RECORD.size)
    return at + _RECORD.size + int(_RECORD.unpack(record)[7]) if len(record) == _RECORD.size else 1 << 63


def _is_whole(info: zipfile.ZipInfo, table_end: int, read_at: ReadAt) -> bool:
    """Tell whether the last row ends with the table: zipfile takes what there is of its name, fields and comment."""
    lengths = len(encoded(info)), len(info.extra), len(info.comment)
    row = read_at(max(0, table_end - sum(lengths) - _ROW.size), _ROW.size)
    return len(row) == _ROW.size and row[:4] == b"PK\1\2" and _ROW.unpack(row)[10:13] == lengths


def encoded(info: zipfile.ZipInfo) -> bytes:
    """Return the bytes of a name, which zipfile decodes by the flag."""
    name = info.orig_filename
    if name.isascii():
        return name.encode("ascii")
    return name.encode("utf-8" if info.flag_bits & UTF8 else "cp437")


def read_name(info: zipfile.ZipInfo) -> None:
    """Read a name without the flag as UTF-8 if it is that.

    Info-ZIP writes such names; all readers but zipfile, which takes them for those of DOS, read them as UTF-8.
    """
    if not info.flag_bits & UTF8 and not info.filename.isascii():
        with contextlib.suppress(UnicodeDecodeError):
            info.filename = info.filename.encode("cp437").decode("utf-8")
