"""What Java code opens by name at run time: libraries by System.loadLibrary, System.load and JNA.

The class file is parsed and never run (JVM specification, chapter 4). Left out are names that are computed, and calls
whose UnsatisfiedLinkError is caught.
"""

import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

_CLUES = (b"loadLibrary", b"com/sun/jna/Native", b"java/lang/System")
_CALLS = {
    ("java/lang/System", "loadLibrary"),
    ("java/lang/System", "load"),
    ("java/lang/Runtime", "loadLibrary"),
    ("java/lang/Runtime", "load"),
    ("com/sun/jna/Native", "load"),
    ("com/sun/jna/Native", "loadLibrary"),
    ("com/sun/jna/Native", "register"),
    ("com/sun/jna/NativeLibrary", "getInstance"),
}
_HANDLED = {"java/lang/Throwable", "java/lang/Error", "java/lang/LinkageError", "java/lang/UnsatisfiedLinkError"}
_OF_THE_JDK = frozenset(
    {
        *("attach", "awt", "dt_socket", "extnet", "fontmanager", "instrument", "j2pkcs11", "jaas", "java", "javajpeg"),
        *("jawt", "jdwp", "jli", "jsound", "lcms", "management", "mlib_image", "net", "nio", "prefs", "rmi", "sctp"),
        *("verify", "zip"),
    }
)
_OWN = ("com/sun/jna/", "java/", "jdk/", "sun/")
"""Classes of JNA itself, of which most are for other systems, and of the JDK."""
_UTF8, _CLASS, _STRING, _NAMED = 1, 7, 8, 12
_SIZES = {3: 4, 4: 4, 5: 8, 6: 8, 7: 2, 8: 2, 9: 4, 10: 4, 11: 4, 12: 4, 15: 3, 16: 2, 17: 4, 18: 4, 19: 2, 20: 2}
_WIDE = {5, 6}
"""Constants that take two places."""
_METHODS = {10, 11}


def opened(data: bytes) -> tuple[str, ...]:
    """Return the names of libraries that a class opens, and absolute paths. Data that is no class opens nothing."""
    if not any(clue in data for clue in _CLUES[:2]) and not (_CLUES[2] in data and b"\0\4load" in data):
        return ()
    try:
        return tuple(dict.fromkeys(_ClassFile(data=data).opened()))
    except (struct.error, IndexError, KeyError, ValueError):
        return ()


@dataclass(kw_only=True, slots=True)
class _ClassFile:
    data: bytes
    at: int = 8
    constants: dict[int, tuple[int, bytes]] = field(default_factory=dict)

    def opened(self) -> Iterator[str]:
        self._read_constants()
        calls = dict(self._calls())
        own = self._named(self._number(self.at + 2))
        if not calls or own.startswith(_OWN):
            return
        self.at += 6
        self.at += 2 + 2 * self._number(self.at)
        for _ in range(self._take()):  # fields
            self._attributes()
        for _ in range(self._take()):
            for code in self._attributes():
                yield from self._of_code(code, calls)

    def _number(self, at: int) -> int:
        return int(struct.unpack_from(">H", self.data, at)[0])

    def _take(self) -> int:
        self.at += 2
        return self._number(self.at - 2)

    def _read_constants(self) -> None:
        count, index = self._take(), 1
        while index < count:
            tag = self.data[self.at]
            size = 2 + self._number(self.at + 1) if tag == _UTF8 else _SIZES[tag]
            self.constants[index] = (tag, self.data[self.at + 1 : self.at + 1 + size])
            self.at += 1 + size
            index += 2 if tag in _WIDE else 1

    def _text(self, index: int) -> str:
        return self.constants[index][1][2:].decode("utf-8", errors="replace")

    def _named(self, index: int) -> str:
        """Return the name that a class, or a string, has."""
        return self._text(struct.unpack(">H", self.constants[index][1])[0])

    def _calls(self) -> Iterator[tuple[int, str]]:
        for index, (tag, value) in self.constants.items():
            if tag in _METHODS:
                owner, described = struct.unpack(">HH", value)
                name = self._text(struct.unpack(">HH", self.constants[described][1])[0])
                if (self._named(owner), name) in _CALLS:
                    yield index, name

    def _attributes(self) -> list[bytes]:
        """Return the code of a method or a field, and go on behind it."""
        self.at += 6
        found = []
        for _ in range(self._take()):
            name, size = struct.unpack_from(">HI", self.data, self.at)
            self.at += 6
            if self._text(name) == "Code":
                found.append(self.data[self.at : self.at + size])
            self.at += size
        return found

    def _of_code(self, attribute: bytes, calls: Mapping[int, str]) -> Iterator[str]:
        (size,) = struct.unpack_from(">I", attribute, 4)
        code, table = attribute[8 : 8 + size], attribute[8 + size :]
        (count,) = struct.unpack_from(">H", table)
        caught = [struct.unpack_from(">HHHH", table, 2 + 8 * number) for number in range(count)]
        handled = [(start, end) for start, end, _, kind in caught if kind and self._named(kind) in _HANDLED]
        for index in calls:
            for match in _before(index).finditer(code):
                place = match.end() - 3
                constant = match[1][0] if match[1] is not None else int.from_bytes(match[2], "big")
                is_text = self.constants.get(constant, (0, b""))[0] == _STRING
                if is_text and not any(start <= place < end for start, end in handled):
                    name = self._named(constant)
                    if name and name not in _OF_THE_JDK:
                        yield name


def _before(index: int) -> re.Pattern[bytes]:
    """Return the pattern of a call whose first argument is a constant: with a class, a table or nothing behind it."""
    call = re.escape(index.to_bytes(2, "big"))
    return re.compile(
        rb"(?:\x12(.)|\x13(..))(?:(?:\x12.|\x13..)(?:[\x2a-\x2d]|\x19.|\xb2..|\xb8..)?)?[\xb6\xb8]" + call, re.DOTALL
    )
