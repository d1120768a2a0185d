"""Removing symbols and debugging data from ELF files, without a toolchain and without moving a byte.

GNU strip must know the architecture, differs from version to version in the bytes it writes, and breaks files whose
segments patchelf moved. This one never moves anything that a loader maps: it drops what only debuggers and linkers
read, cuts the file where the last mapped byte ends, and puts zeros where a dropped section lies in between. The
result is the same on every host.
"""

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

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
class _Image:
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
        """False for a damaged file, and for one with something appended that a program reads from itself."""
        ends = [end for _, end in (*self.mapped, self.table, self.fixed)] + [one.end for one in self.sections]
        rest = self.data[max(ends) :]
        return max(ends) <= len(self.data) and len(rest) <= _PADDING and not rest.strip(b"\0")


@dataclass(frozen=True, kw_only=True, slots=True)
class Stripped:
    data: bytes
    dropped: int
    """Bytes that were cut off or became zeros, which deflate to nothing."""


def strip(data: bytes) -> Stripped | None:
    """Return the file without what only tools read, or None when there is no such thing or the file is unusual."""
    try:
        return _strip(data)
    except (struct.error, IndexError, OverflowError):
        return None


def _strip(data: bytes) -> Stripped | None:
    image = _image(data)
    if image is None or not image.whole:
        return None
    dropped = _droppable(image.sections, image.names.index)
    if not dropped:
        return None
    kept = [(one.offset, one.end) for one in image.sections if one.index not in dropped and one is not image.names]
    holes = [(image.sections[i].offset, image.sections[i].end) for i in dropped]
    body = _body(data, [image.fixed, *image.mapped, *kept, (0, _EHDR.size)], [*holes, image.table])
    stripped = _with_headers(body, image, dropped)
    rewritten = [(0, _EHDR.size), image.table, (image.names.offset, image.names.end)]
    if not _same(data, stripped, _subtract(image.mapped, rewritten)):
        return None
    return Stripped(data=stripped, dropped=sum(end - start for start, end in holes))


def _image(data: bytes) -> _Image | None:
    """Read the tables of a 64-bit little-endian program or shared library."""
    if data[:6] != _ELF64_LSB:
        return None
    header = _EHDR.unpack_from(data)
    kind, phoff, shoff, phentsize, phnum, shentsize, shnum, shstrndx = (header[i] for i in (1, 5, 6, 9, 10, 11, 12, 13))
    if kind not in _LOADABLE or not shnum or shentsize != _SHDR.size or phentsize != _PHDR.size or shstrndx >= shnum:
        return None
    segments = [_PHDR.unpack_from(data, phoff + i * _PHDR.size) for i in range(phnum)]
    sections = _sections(data, shoff, shnum, shstrndx)
    return _Image(
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
    known = section.name in _NAMES or section.name.startswith(_PREFIXES)
    return known or section.kind in {_SYMTAB, _SYMTAB_SHNDX}


def _body(data: bytes, needed: Sequence[tuple[int, int]], holes: Sequence[tuple[int, int]]) -> bytearray:
    """Return the file up to its last needed byte, with zeros where something was dropped."""
    body = bytearray(memoryview(data)[: max(end for _, end in needed)])
    for start, end in _subtract(holes, needed):
        stop = min(end, len(body))
        if start < stop:
            body[start:stop] = bytes(stop - start)
    return body


def _subtract(ranges: Sequence[tuple[int, int]], taken: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the parts of the ranges that nothing taken covers."""
    for one in ranges:
        rest = [one]
        for start, end in taken:
            rest = [part for a, b in rest for part in ((a, min(b, start)), (max(a, end), b)) if part[0] < part[1]]
        yield from rest


def _with_headers(body: bytearray, image: _Image, dropped: set[int]) -> bytes:
    """Write names and headers. Indexes stay as they are (symbols refer to them): a dropped one becomes SHT_NULL."""
    names = image.names
    names_at = _place(body, names.offset, image.data[names.offset : names.end])
    last = max(section.index for section in image.sections if section.index not in dropped)
    table = b""
    for section in image.sections[: last + 1]:
        header = list(section.header)
        if section.index in dropped:
            header = [0] * len(header)
        elif section is names:
            header[4] = names_at
        table += _SHDR.pack(*header)
    fields = list(image.header)
    fields[6], fields[12] = _place(body, image.header[6], table), last + 1
    _EHDR.pack_into(body, 0, *fields)
    return bytes(body)


def _place(body: bytearray, offset: int, data: bytes) -> int:
    """Put data back where it was if the file still reaches so far, else at its end; return where it is."""
    if offset + len(data) <= len(body):
        body[offset : offset + len(data)] = data
        return offset
    body += bytes(-len(body) % 8)
    offset = len(body)
    body += data
    return offset


def _same(before: bytes, after: bytes, ranges: Iterable[tuple[int, int]]) -> bool:
    """Compare what is mapped; patchelf puts the section headers into a segment, where nothing reads them."""
    old, new = memoryview(before), memoryview(after)
    return all(old[start:end] == new[start:end] for start, end in ranges)
