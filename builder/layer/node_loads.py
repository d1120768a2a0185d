"""What JavaScript opens by name at run time: libraries by ffi-napi, koffi and dlopen, programs by child_process.

The code is searched and never run. Left out are names that are computed, and what is in a `try` or in a branch for
another system.
"""

import re
from collections.abc import Iterator

from builder.layer import node_programs
from builder.layer.python_loads import LARGEST, OpenedName, is_of_linux

SUFFIXES = (".js", ".cjs", ".mjs")
_FFI = re.compile(rb"""['"](?:@[\w-]+/)?(?:ffi-napi|ffi-rs|node-ffi(?:-napi)?|ffi|koffi|fastcall|sbffi|ref-napi)['"]""")
_CALL = re.compile(
    rb"""(?:\bLibrary|\bkoffi\.load|\blibrary\s*:|\bDynamicLibrary|\bdlopen)\s*\(?\s*(?P<more>[\w.{}]+\s*,\s*)?"""
    rb"""(?P<quote>['"])(?P<name>[\w.+/-]+)(?P=quote)"""
)
_OTHER_SYSTEM = re.compile(rb"win32|darwin|freebsd|windows|macos", re.IGNORECASE)
_TRY = re.compile(rb"\btry\s*$")
_BACK = 4000
"""Bytes before a call in which the block that it stands in may begin."""
_CONDITION = 120


def may_open(data: bytes) -> bool:
    """Tell whether a module may open something by a name that stands in it."""
    return len(data) <= LARGEST and (_may_load(data) or node_programs.may_start(data))


def _may_load(data: bytes) -> bool:
    return b"process.dlopen" in data or (b"ffi" in data and _FFI.search(data) is not None)


def opened(data: bytes) -> tuple[OpenedName, ...]:
    """Return what a module opens by name."""
    if len(data) > LARGEST:
        return ()
    libraries = _of(data) if _may_load(data) else ()
    programs = node_programs.started(data) if node_programs.may_start(data) else ()
    started = ((name, at) for name, at in programs if not _is_excused(data, at))
    return (*libraries, *(OpenedName(names=(name,), line=_line(data, at), program=True) for name, at in started))


def _line(data: bytes, at: int) -> int:
    return data.count(b"\n", 0, at) + 1


def _of(data: bytes) -> Iterator[OpenedName]:
    for match in _CALL.finditer(data):
        name = match["name"].decode("ascii")
        is_call = b"process.dlopen" in data if match["more"] else _FFI.search(data) is not None
        if is_call and is_of_linux(name) and not name.endswith(".node") and not _is_excused(data, match.start()):
            yield OpenedName(names=(name,), line=_line(data, match.start()))


def _is_excused(data: bytes, at: int) -> bool:
    """Tell whether a place is in a `try`, or in a block or an expression for another system."""
    start = max(0, at - _BACK)
    text, depth = data[start:at], 0
    if _OTHER_SYSTEM.search(text[-_CONDITION:].rpartition(b";")[2]):
        return True
    for position in range(len(text) - 1, -1, -1):
        if text[position] == ord("}"):
            depth += 1
        elif text[position] == ord("{"):
            before = text[max(0, position - _CONDITION) : position]
            if depth == 0 and (_TRY.search(before) or _OTHER_SYSTEM.search(before.rpartition(b";")[2])):
                return True
            depth = max(0, depth - 1)
    return False
