"""Read the parts of an ELF file that a loader reads, found the way a loader finds them. Nothing is executed.

The layout is that of the System V ABI (gABI, chapters 4 and 5) and of symbol versioning in the LSB. Only 64-bit
little-endian files are read in full: Lambda runs no others.
"""

import dataclasses
import struct
from collections.abc import Callable, Iterator
from dataclasses import field

from builder.base.frozen import dataclass

MAGIC = b"\x7fELF"
_CLASS64, _LITTLE = 2, 1
_SHORTEST = 52
"""Bytes of the header of a 32-bit file."""
_MACHINES = {3: "386", 8: "MIPS", 20: "PPC", 21: "PPC64", 22: "S390", 40: "ARM", 62: "X86_64", 183: "AARCH64"}
_MACHINES |= {243: "RISCV", 247: "BPF", 258: "LOONGARCH"}
_KINDS = {1: "ET_REL", 2: "ET_EXEC", 3: "ET_DYN", 4: "ET_CORE"}
_LOAD, _DYNAMIC, _INTERP, _PROPERTY = 1, 2, 3, 0x6474E553
_NEEDED, _STRTAB, _SYMTAB, _STRSZ, _SONAME, _RPATH, _RUNPATH = 1, 5, 6, 10, 14, 15, 29
_FLAGS_1, _VERSYM, _VERDEF, _VERDEFNUM, _VERNEED, _VERNEEDNUM = (
    *(0x6FFFFFFB, 0x6FFFFFF0, 0x6FFFFFFC, 0x6FFFFFFD, 0x6FFFFFFE, 0x6FFFFFFF),
)
_GNU_HASH, _HASH = 0x6FFFFEF5, 4
_TABLES = (_STRTAB, _VERSYM, _VERDEF, _VERNEED, _GNU_HASH, _HASH)
_PIE = 0x08000000
_WEAK, _BASE = 0x2, 0x1
_X86_ISA_NEEDED = 0xC0008002
"""GNU_PROPERTY_X86_ISA_1_NEEDED of the x86-64 psABI: bit 0 is the baseline, bits 1 to 3 are v2 to v4."""
_MOST = 4096
"""Rows that are read of any table. A hostile file may claim billions; the largest real ones have some hundreds."""
_MOST_TEXT = 64 << 20
_LONGEST_NAME = 4096
"""Bytes; PATH_MAX, which the loader takes no more than."""
_LONGEST_LIST = 64 << 10
"""Bytes of the folders of DT_RPATH together. The longest real ones, those of Nix, have a few thousand."""
_MOST_NAMES = 1 << 20
"""Bytes of all names of a file together: one long string can be named thousands of times."""

ReadAt = Callable[[int, int], bytes]
"""Takes offset and size in bytes; the result is shorter where the file ends."""


def machine_name(number: int) -> str:
    """Return the name of `e_machine`, for example `EM_AARCH64`."""
    return f"EM_{_MACHINES.get(number, number)}"


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionNeed:
    library: str
    """Soname of the library that must define it, for example `libc.so.6`."""
    version: str
    """The symbol version, for example `GLIBC_2.28`."""
    weak: bool
    """The loader only warns when such a version is missing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Elf:
    machine: str
    """The name of `e_machine`, for example `EM_AARCH64`."""
    kind: str
    """`ET_DYN`, `ET_EXEC`, `ET_REL`, ..."""
    interpreter: str | None = None
    soname: str | None = None
    needed: tuple[str, ...] = ()
    rpath: tuple[str, ...] = ()
    """Directories of DT_RPATH, which is searched before LD_LIBRARY_PATH, also for libraries of libraries."""
    runpath: tuple[str, ...] = ()
    """Directories of DT_RUNPATH, which is searched after LD_LIBRARY_PATH, for the file's own libraries."""
    versions: tuple[VersionNeed, ...] = ()
    defined: tuple[str, ...] = ()
    """Symbol versions that the file defines."""
    python_module: bool = False
    """Whether the name of a PyInit_ function is among its strings."""
    level: int = 0
    """The x86-64 level (2 to 4) that the file declares to need; 0 if it declares none."""
    dynamic: bool = False
    """Whether it has a dynamic section; a program without one is linked statically."""
    program: bool = False
    """Whether it can be started: it has an interpreter or a fixed address."""


class UnreadableElfError(ValueError):
    """The file begins like an ELF file and is malformed."""

    excessive = False
    """Whether it claims what no linker writes, so that only somebody who means harm can have made it."""


class ExcessiveElfError(UnreadableElfError):
    """The names of an ELF file are far too long or too many."""

    excessive = True


def parse(data: bytes) -> Elf:
    """Read the headers of an ELF file in memory. Raises UnreadableElfError for a malformed one."""
    return parse_at(lambda offset, size: data[offset : offset + size])


def parse_at(read: ReadAt) -> Elf:
    """Read the headers of an ELF file through `read`. Raises UnreadableElfError for a malformed one."""
    try:
        return _File(read).elf()
    except (struct.error, IndexError, OverflowError, MemoryError, UnicodeDecodeError) as error:
        msg = "damaged ELF file: a table in it is cut off or leads elsewhere"
        raise UnreadableElfError(msg) from error


def symbols(data: bytes, version: str) -> tuple[str, ...]:
    """Return the symbols that a file needs in a symbol version, for example `arc4random` in `GLIBC_2.36`."""
    try:
        return tuple(_File(lambda offset, size: data[offset : offset + size]).versioned_symbols(version))
    except (struct.error, IndexError, OverflowError, MemoryError, UnreadableElfError):
        return ()


@dataclasses.dataclass(frozen=True, slots=True)
class _Segment:
    kind: int
    offset: int
    address: int
    size: int


@dataclasses.dataclass(slots=True)
class _File:
    read: ReadAt
    segments: list[_Segment] = field(default_factory=list)
    tags: dict[int, int] = field(default_factory=dict)
    needed: list[int] = field(default_factory=list)
    text: bytes = b""
    """The dynamic string table."""
    named: int = 0
    """Bytes of the names that were taken from it so far."""

    def elf(self) -> Elf:
        head = self.read(0, 64)
        if head[:4] != MAGIC or len(head) < _SHORTEST or head[4] not in {1, 2} or head[5] not in {1, 2}:
            msg = "damaged ELF file: its header is malformed"
            raise UnreadableElfError(msg)
        little = head[5] == _LITTLE
        kind, machine = struct.unpack_from("<HH" if little else ">HH", head, 16)
        name, sort = machine_name(machine), _KINDS.get(kind, f"ET_{kind}")
        if head[4] != _CLASS64 or not little:
            if machine in {62, 183}:
                msg = "damaged ELF file: a 32-bit or big-endian header for a 64-bit little-endian processor"
                raise UnreadableElfError(msg)
            return Elf(machine=name, kind=sort)
        self._load(head)
        interpreter = self._interpreter()
        return Elf(
            machine=name,
            kind=sort,
            interpreter=interpreter,
            soname=self._string(self.tags[_SONAME]) if _SONAME in self.tags else None,
            needed=tuple(map(self._string, self.needed)),
            rpath=self._folders(_RPATH),
            runpath=self._folders(_RUNPATH),
            versions=tuple(VersionNeed(library=a, version=b, weak=c) for a, b, c, _ in self._needs()),
            defined=tuple(self._definitions()),
            python_module=b"\0PyInit_" in self.text,
            level=self._level(),
            dynamic=bool(self.tags),
            program=interpreter is not None or kind == 2 or bool(self.tags.get(_FLAGS_1, 0) & _PIE),  # noqa: PLR2004
        )

    def _load(self, head: bytes) -> None:
        (table,) = struct.unpack_from("<Q", head, 32)
        size, count = struct.unpack_from("<HH", head, 54)
        rows = self.read(table, size * count)
        for number in range(count):
            kind, _, offset, address, _, length = struct.unpack_from("<IIQQQQ", rows, number * size)
            self.segments.append(_Segment(kind, offset, address, length))
        end = max((segment.offset + segment.size for segment in self.segments if segment.kind == _LOAD), default=0)
        if end and not self.read(end - 1, 1):
            msg = f"damaged ELF file: it ends before its {end:,} bytes do"
            raise UnreadableElfError(msg)
        dynamic = self._segment(_DYNAMIC)
        if dynamic is None:
            return
        data = self.read(dynamic.offset, min(dynamic.size, _MOST * 16))
        for at in range(0, len(data) - 15, 16):
            tag, value = struct.unpack_from("<QQ", data, at)
            if tag == 0:
                break
            if tag == _NEEDED:
                self.needed.append(value)
            else:
                self.tags.setdefault(tag, value)
        if _STRTAB in self.tags:
            self.text = self._at(self.tags[_STRTAB], min(self.tags.get(_STRSZ, 0), _MOST_TEXT))
        elif self.needed:
            msg = "damaged ELF file: it needs libraries and has no string table"
            raise UnreadableElfError(msg)

    def _segment(self, kind: int) -> _Segment | None:
        """Return the first segment of a kind, if there is one."""
        return next((segment for segment in self.segments if segment.kind == kind), None)

    def _at(self, address: int, size: int) -> bytes:
        """Return the bytes that a loader maps at an address."""
        for segment in self.segments:
            if segment.kind == _LOAD and segment.address <= address < segment.address + segment.size:
                return self.read(address - segment.address + segment.offset, size)
        msg = f"damaged ELF file: nothing is loaded at {address:#x}"
        raise UnreadableElfError(msg)

    def _string(self, at: int, longest: int = _LONGEST_NAME) -> str:
        end = self.text.find(b"\0", at, at + longest + 1)
        if at > len(self.text) or (end < 0 and at + longest >= len(self.text)):
            msg = "damaged ELF file: a name lies outside of the string table"
            raise UnreadableElfError(msg)
        self.named += end - at
        if end < 0 or self.named > _MOST_NAMES:
            msg = f"damaged ELF file: a name of more than {longest:,} bytes, or {_MOST_NAMES:,} bytes of names"
            raise ExcessiveElfError(msg)
        return self.text[at:end].decode("utf-8", errors="replace")

    def _interpreter(self) -> str | None:
        segment = self._segment(_INTERP)
        if segment is None:
            return None
        return self.read(segment.offset, min(segment.size, _MOST)).rstrip(b"\0").decode(errors="replace")

    def _folders(self, tag: int) -> tuple[str, ...]:
        return tuple(self._string(self.tags[tag], _LONGEST_LIST).split(":")) if tag in self.tags else ()

    def _needs(self) -> Iterator[tuple[str, str, bool, int]]:
        """Yield library, version, weakness and version number of each row of .gnu.version_r."""
        if _VERNEED not in self.tags:
            return
        base, rows = self.tags[_VERNEED], 0
        for _ in range(min(self.tags.get(_VERNEEDNUM, 0), _MOST)):
            _, count, name, first, following = struct.unpack("<HHIII", self._at(base, 16))
            library, at = self._string(name), base + first
            for _ in range(count):
                rows += 1
                if rows > _MOST:
                    return
                _, flags, number, version, next_row = struct.unpack("<IHHII", self._at(at, 16))
                yield library, self._string(version), bool(flags & _WEAK), number
                if not next_row:
                    break
                at += next_row
            if not following:
                return
            base += following

    def _definitions(self) -> Iterator[str]:
        """Yield the versions of .gnu.version_d, except the one that repeats the name of the file."""
        if _VERDEF not in self.tags:
            return
        base = self.tags[_VERDEF]
        for _ in range(min(self.tags.get(_VERDEFNUM, 0), _MOST)):
            _, flags, _, _, _, first, following = struct.unpack("<HHHHIII", self._at(base, 20))
            (name,) = struct.unpack("<I", self._at(base + first, 4))
            if not flags & _BASE:
                yield self._string(name)
            if not following:
                return
            base += following

    def _level(self) -> int:
        """Return the x86-64 level of .note.gnu.property."""
        segment = self._segment(_PROPERTY)
        note = self.read(segment.offset, min(segment.size, _MOST)) if segment else b""
        at = 16  # sizes, kind, and the name GNU
        while at + 8 <= len(note):
            kind, size = struct.unpack_from("<II", note, at)
            if kind == _X86_ISA_NEEDED and size >= 4 and at + 12 <= len(note):  # noqa: PLR2004
                (bits,) = struct.unpack_from("<I", note, at + 8)
                return int(max((level for level in (2, 3, 4) if bits >> (level - 1) & 1), default=0))
            at += 8 + (size + 7) // 8 * 8
        return 0

    def versioned_symbols(self, wanted_version: str) -> Iterator[str]:
        self._load(self.read(0, 64))
        numbers = {number for _, version, _, number in self._needs() if version == wanted_version}
        if not numbers or _SYMTAB not in self.tags or _VERSYM not in self.tags:
            return
        table, versions = self.tags[_SYMTAB], self.tags[_VERSYM]
        # No tag has the length of .dynsym; another table follows it directly, in whatever order the linker chose.
        following = [self.tags[tag] for tag in _TABLES if self.tags.get(tag, 0) > table]
        count = (min(following, default=table) - table) // 24
        rows, marks = self._at(table, count * 24), self._at(versions, count * 2)
        for number in range(min(len(rows) // 24, len(marks) // 2)):
            (mark,) = struct.unpack_from("<H", marks, number * 2)
            if mark & 0x7FFF in numbers:
                yield self._string(struct.unpack_from("<I", rows, number * 24)[0])
