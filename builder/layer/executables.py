"""Files that a loader would refuse: programs and libraries of other systems, told by their headers, and text."""

import re
import struct

from builder.base.frozen import dataclass
from builder.layer.tree import Content

WINDOWS, MACOS = "Windows", "macOS"
_MACH_O = {b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xfe\xed\xfa\xcf", b"\xfe\xed\xfa\xce"}
_FAT = b"\xca\xfe\xba\xbe"
"""Of a Mach-O file for several processors, and of a Java class."""
_BEGINNINGS = {b"MZ", _FAT[:2], *(magic[:2] for magic in _MACH_O)}
_OLDEST_JAVA = 45
"""Major version of the first class files, where a fat Mach-O file has the number of its processors."""
HEAD = 1024
"""Bytes of a file that tell what it is."""
_PE_OFFSET = 0x3C
_FARTHEST = 4096
"""Offset of the signature that is believed when it lies behind what is read."""
_OPTIONAL = 24
"""Bytes of a PE file between its signature and its optional header (PE format, COFF file header)."""
_MANAGED = {0x10B: 96 + 14 * 8, 0x20B: 112 + 14 * 8}
"""Offset of the directory of the common language runtime in the optional header, by its magic."""
LIBRARY = re.compile(r"\.so(?:\.[\d.]+)?$")
"""Names of libraries of Linux."""
_NATIVE = re.compile(r"\.(?:so(?:\.[\d.]+)?|node|dylib|dll|pyd)$", re.IGNORECASE)
_POINTED = re.compile(rb"[\w.+@~/-]*\.so(?:\.[\w.]+)?\n?")
_LINKER_SCRIPT = re.compile(rb"(?:/\*.*?\*/\s*)?(?:OUTPUT_FORMAT|INPUT|GROUP)\b|/\* GNU ld script", re.DOTALL)


@dataclass(frozen=True, kw_only=True, slots=True)
class OddFile:
    """A file that looks like a program or library to people, and that Linux cannot load."""

    system: str | None = None
    """The system that it is for."""
    pointed: str | None = None
    """The name that it holds instead of a library, as a symbolic link becomes that was packed as a file."""


def odd(name: str, magic: bytes, content: Content) -> OddFile | None:
    """Return what is odd about a file that is not ELF; None if nothing is. `magic` has its first four bytes."""
    if magic[:2] not in _BEGINNINGS and not LIBRARY.search(name):
        return None
    native = _NATIVE.search(name) is not None
    if magic in _MACH_O:
        return OddFile(system=MACOS)
    if magic == _FAT:
        number = content.head(8)[4:]
        return OddFile(system=MACOS) if native or _processors(number) else _text(name, content)
    if magic[:2] == b"MZ":
        head = content.head(HEAD)
        if native or _windows(head):
            return None if _managed(head) else OddFile(system=WINDOWS)
    return _text(name, content)


def _processors(number: bytes) -> bool:
    return 0 < int.from_bytes(number, "big") < _OLDEST_JAVA


def _windows(head: bytes) -> bool:
    """Tell a Windows program from text that begins with MZ. The signature may lie behind what is read."""
    if len(head) < _PE_OFFSET + 4:
        return False
    (at,) = struct.unpack_from("<I", head, _PE_OFFSET)
    return bool(at < _FARTHEST and ((len(head) == HEAD and at + 4 > HEAD) or head[at : at + 4] == b"PE\0\0"))


def _managed(head: bytes) -> bool:
    """Return whether a Windows file is for .NET, which runs it on Linux, too."""
    if len(head) < _PE_OFFSET + 4:
        return False
    (at,) = struct.unpack_from("<I", head, _PE_OFFSET)
    start = at + _OPTIONAL
    if start + 2 > len(head):
        return False
    offset = _MANAGED.get(struct.unpack_from("<H", head, start)[0])
    if offset is None or start + offset + 4 > len(head):
        return False
    return any(head[start + offset : start + offset + 4])


def _text(name: str, content: Content) -> OddFile | None:
    if not LIBRARY.search(name):
        return None
    head = content.head(HEAD)
    if _LINKER_SCRIPT.match(head):
        return None  # for linkers: the library itself lies beside it
    return OddFile(pointed=head.decode().strip() if _POINTED.fullmatch(head) else "")
