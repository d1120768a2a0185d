"""Compile source files to canonical bytecode. Runs in the interpreter of the layer's runtime, 3.8 or newer.

layerwright does not import it: `bytecode.py` passes its text to that interpreter, on the host or in a container. A
record on stdin is two big-endian 32-bit lengths, a name and a source; a record on stdout is one length and the
bytecode, which is empty for a source that does not compile (a template, Python 2).

Canonical means that the bytes depend on source, name and interpreter only. marshal flags objects with more
than one reference, and whether an interned string is shared depends on the history of the process. So each code
object is loaded from its own dump, which leaves only the references within it, and all its strings get one more
reference, which always flags them.
"""

import marshal
import struct
import sys
import types
from importlib.util import MAGIC_NUMBER, source_hash

UNCHECKED_HASH = 1  # PEP 552: bit 0 marks a hash, bit 1 (not set) would demand a check of the source


def strings(value: object, collected: "list[str]") -> None:
    """Collect every string that a constant holds."""
    if isinstance(value, str):
        collected.append(value)
    elif isinstance(value, (tuple, frozenset)):
        for item in value:
            strings(item, collected)
    elif isinstance(value, slice):
        strings((value.start, value.stop, value.step), collected)
    elif isinstance(value, types.CodeType):
        strings((value.co_consts, value.co_names, value.co_varnames, value.co_cellvars, value.co_freevars), collected)
        strings((value.co_filename, value.co_name, getattr(value, "co_qualname", None)), collected)


def compiled(source: bytes, name: str) -> bytes:
    code = marshal.loads(marshal.dumps(compile(source, name, "exec", dont_inherit=True, optimize=0)))  # noqa: S302
    held: list[str] = []
    strings(code, held)
    header = MAGIC_NUMBER + UNCHECKED_HASH.to_bytes(4, "little") + source_hash(source)
    return header + marshal.dumps(code)


def settle_singletons() -> None:
    """Intern the empty string and all strings of one character.

    CPython has one object for each of them, and marshal writes it with another type once it is interned.
    """
    for string in ["", *map(chr, range(256))]:
        sys.intern(string)


def main() -> None:
    settle_singletons()
    sys.setrecursionlimit(max(sys.getrecursionlimit(), 5000))
    given = sys.stdin.buffer.read()
    at = 0
    while at < len(given):
        name_length, length = struct.unpack_from(">II", given, at)
        name = given[at + 8 : at + 8 + name_length].decode("utf-8")
        at += 8 + name_length
        try:
            made = compiled(given[at : at + length], name)
        except (SyntaxError, ValueError, RecursionError, UnicodeDecodeError, MemoryError):
            made = b""
        at += length
        sys.stdout.buffer.write(struct.pack(">I", len(made)) + made)


main()
