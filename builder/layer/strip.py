"""Remove symbols and debugging data from ELF files, without a toolchain and without moving a byte.

GNU strip is built for one architecture, writes different bytes from version to version, and breaks files whose
segments patchelf moved. This module never moves a byte that a loader maps: it drops the sections that only debuggers
and linkers read, truncates the file after the last mapped byte, and fills dropped sections before it with zeros. The
result is the same on every host.
"""

import struct
from collections.abc import Iterable, Iterator, Sequence

from builder.base.frozen import dataclass

_EHDR = struct.Struct("<16sHHIQQQIHHHHHH")
_PHDR = struct.Struct("<IIQQQQQQ")
_SHDR = struct.Struct("<IIQQQQIIQQ")
_ELF64_LSB = b"\x7fELF\x02\x01"
_LOADABLE = {2, 3}  # ET_EXEC, ET_DYN
_ALLOC = 0x2
_SYMTAB, _STRTAB, _RELA, _NOBITS, _REL, _SYMTAB_SHNDX = 2, 3, 4, 8, 9, 18
_NAMES = {
    b".comment",
    b".gdb_index",
    b".GCC.command.line",
    b".gnu_debugaltlink",
    b".gnu_debugdata",
    b".gnu_debuglink",
    b".llvm_addrsig",
    b".note.gnu.gold-version",
}
_PREFIXES = (b".debug_", b".zdebug_", b".gnu.debuglto_", b".gnu.lto_", b".gnu.build.attributes", b".stab")
_PADDING = 4096


@dataclass(frozen=True, kw_only=True, slots=True)
class _Section:
    index: int
    name: bytes
    kind: int
    flags: int
    offset: int
    size: int
    link: int
    info: int
    header: tuple[int, ...]

    @property
    def file_size(self) -> int:
        return 0 if self.kind == _NOBITS else self.size

    @property
    def end(self) -> int:
        return self.offset + self.file_size


@dataclass(frozen=True, kw_only=True, slots=True)
class _ElfTables:
    data: bytes
    header: tuple[int, ...]
    sections: list[_Section]
    names: _Section
    """The section that holds the sections' names."""
    mapped: list[tuple[int, int]]
    """Start and end of the segments in the file."""
    table: tuple[int, int]
    """Start and end of the section headers."""
    fixed: tuple[int, int]
    """Start and end of the program headers."""

    @property
    def whole(self) -> bool:
        """False for a damaged file, and for a program that reads data appended to its own file."""
        ends = [end for _, end in (*self.mapped, self.table, self.fixed)] + [section.end for section in self.sections]
        rest = self.data[max(ends) :]
        return max(ends) <= len(self.data) and len(rest) <= _PADDING and not rest.strip(b"\0")


@dataclass(frozen=True, kw_only=True, slots=True)
class Stripped:
    data: bytes
    dropped: int
    """Bytes that were truncated or zeroed; zeros compress to almost nothing."""


def strip(data: bytes) -> Stripped | None:
    """Return the file without the sections that only tools read; None if it has none or is not a plain ELF file."""
    try:
        return _strip(data)
    except (struct.error, IndexError, OverflowError):
        return None


def _strip(data: bytes) -> Stripped | None:
    tables = _tables(data)
    if tables is None or not tables.whole:
        return None
    dropped = _droppable(tables.sections, tables.names.index)
    if not dropped:
        return None
    kept = [
        (section.offset, section.end)
        for section in tables.sections
        if section.index not in dropped and section is not tables.names
    ]
    holes = [(tables.sections[i].offset, tables.sections[i].end) for i in dropped]
    body = _body(data, [tables.fixed, *tables.mapped, *kept, (0, _EHDR.size)], [*holes, tables.table])
    stripped = _with_headers(body, tables, dropped)
    rewritten = [(0, _EHDR.size), tables.table, (tables.names.offset, tables.names.end)]
    if not _same(data, stripped, _subtract(tables.mapped, rewritten)):
        return None
    return Stripped(data=stripped, dropped=sum(end - start for start, end in holes))


def _tables(data: bytes) -> _ElfTables | None:
    """Read the tables of a 64-bit little-endian program or shared library."""
    if data[:6] != _ELF64_LSB:
        return None
    header = _EHDR.unpack_from(data)
    kind, phoff, shoff, phentsize, phnum, shentsize, shnum, shstrndx = (header[i] for i in (1, 5, 6, 9, 10, 11, 12, 13))
    if kind not in _LOADABLE or not shnum or shentsize != _SHDR.size or phentsize != _PHDR.size or shstrndx >= shnum:
        return None
    segments = [_PHDR.unpack_from(data, phoff + i * _PHDR.size) for i in range(phnum)]
    sections = _sections(data, shoff, shnum, shstrndx)
    return _ElfTables(
        data=data,
        header=header,
        sections=sections,
        names=sections[shstrndx],
        mapped=[(segment[2], segment[2] + segment[5]) for segment in segments if segment[5]],
        table=(shoff, shoff + shnum * _SHDR.size),
        fixed=(phoff, phoff + phnum * _PHDR.size),
    )


def _sections(data: bytes, shoff: int, shnum: int, shstrndx: int) -> list[_Section]:
    headers = [_SHDR.unpack_from(data, shoff + i * _SHDR.size) for i in range(shnum)]
    names = data[headers[shstrndx][4] : headers[shstrndx][4] + headers[shstrndx][5]]
    return [
        _Section(
            index=index,
            name=names[header[0] : names.find(b"\0", header[0])],
            kind=header[1],
            flags=header[2],
            offset=header[4],
            size=header[5],
            link=header[6],
            info=header[7],
            header=header,
        )
        for index, header in enumerate(headers)
    ]


def _droppable(sections: Sequence[_Section], shstrndx: int) -> set[int]:
    dropped = {section.index for section in sections if _only_for_tools(section)}
    for section in sections:
        if section.flags & _ALLOC or section.index == shstrndx:
            continue
        users = {other.index for other in sections if other.link == section.index and other.index != section.index}
        of_dropped = section.kind in {_RELA, _REL} and (section.info in dropped or section.link in dropped)
        orphan = section.kind == _STRTAB and users and users <= dropped
        if of_dropped or orphan:
            dropped.add(section.index)
    return dropped


def _only_for_tools(section: _Section) -> bool:
    if section.flags & _ALLOC:
        return False
    named = section.name in _NAMES or section.name.startswith(_PREFIXES)
    return named or section.kind in {_SYMTAB, _SYMTAB_SHNDX}


def _body(data: bytes, needed: Sequence[tuple[int, int]], holes: Sequence[tuple[int, int]]) -> bytearray:
    """Return the file up to its last needed byte, with zeros in place of dropped sections."""
    body = bytearray(memoryview(data)[: max(end for _, end in needed)])
    for start, end in _subtract(holes, needed):
        stop = min(end, len(body))
        if start < stop:
            body[start:stop] = bytes(stop - start)
    return body


def _subtract(ranges: Sequence[tuple[int, int]], taken: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the parts of `ranges` that no range of `taken` covers."""
    for whole in ranges:
        rest = [whole]
        for start, end in taken:
            rest = [part for a, b in rest for part in ((a, min(b, start)), (max(a, end), b)) if part[0] < part[1]]
        yield from rest


def _with_headers(body: bytearray, tables: _ElfTables, dropped: set[int]) -> bytes:
    """Write names and headers. Symbols refer to sections by index, so a dropped section stays as SHT_NULL."""
    names = tables.names
    names_at = _place(body, names.offset, tables.data[names.offset : names.end])
    last = max(section.index for section in tables.sections if section.index not in dropped)
    table = b""
    for section in tables.sections[: last + 1]:
        header = list(section.header)
        if section.index in dropped:
            header = [0] * len(header)
        elif section is names:
            header[4] = names_at
        table += _SHDR.pack(*header)
    fields = list(tables.header)
    fields[6], fields[12] = _place(body, tables.header[6], table), last + 1
    _EHDR.pack_into(body, 0, *fields)
    return bytes(body)


def _place(body: bytearray, offset: int, data: bytes) -> int:
    """Write data at its old offset if the file is still that long, otherwise at the end; return the offset."""
    if offset + len(data) <= len(body):
        body[offset : offset + len(data)] = data
        return offset
    body += bytes(-len(body) % 8)
    offset = len(body)
    body += data
    return offset


def _same(before: bytes, after: bytes, ranges: Iterable[tuple[int, int]]) -> bool:
    """Tell whether the mapped bytes are equal in all of `ranges`.

    The caller leaves out the section headers: patchelf puts them into a segment, where nothing reads them.
    """
    old, new = memoryview(before), memoryview(after)
    return all(old[start:end] == new[start:end] for start, end in ranges)
