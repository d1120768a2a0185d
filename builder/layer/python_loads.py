"""What Python code opens by name at run time: libraries by ctypes and cffi, programs by subprocess.

The code is parsed and never run. Left out are names that are computed, what only another system reaches, and what is in
a `try` whose error is handled, with what follows where that succeeded.
"""

import ast
import re
import threading
import warnings
from collections.abc import Iterator, Sequence

from builder.base.frozen import dataclass
from builder.model.loaded_by_name import known

LARGEST = 1 << 20
"""Bytes of a module that is read."""
_CLUE = re.compile(
    rb"(?:dlopen|LoadLibrary|CDLL|PyDLL|find_library)\s*\(|"
    rb"\b(?:run|Popen|call|check_call|check_output)\s*\(\s*[\[(]\s*['\"]"
)
_WORDS = (b"ctypes", b"dlopen", b"subprocess")
"""One of them is in each module that opens anything. Looking for them takes a tenth of what the expression does."""
_PARSING = threading.Lock()
"""Python 3.11 counts the depth of the trees of all threads together, and fails (cpython, issue 106905)."""
_OPENING = {"dlopen", "loadlibrary", "cdll", "pydll", "find_library"}
_STARTING = {"run", "Popen", "call", "check_call", "check_output"}
_WITHOUT = {"allow_fail": True, "optional": True, "required": False}
"""Arguments of functions that open libraries, by which they return without one."""
_OTHER_SYSTEM = re.compile(
    r"win32|darwin|cygwin|msys|Windows|Darwin|'nt'|\"nt\"|java|emscripten|wasi|freebsd|macos", re.IGNORECASE
)
_OF_OTHERS = re.compile(r"\.(?:dll|dylib|ocx|framework)\b|^[A-Za-z]:|%|\{", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenedName:
    """One place in a module at which a library is opened, or a program started."""

    names: tuple[str, ...]
    """Names of the library, of which the first that is there is taken; the one name of a program."""
    line: int = 0
    """From 1; 0 in what has no lines."""
    program: bool = False


def may_open(data: bytes) -> bool:
    """Tell, without parsing it, whether a module may open something by a name that stands in it."""
    return len(data) <= LARGEST and any(word in data for word in _WORDS) and _CLUE.search(data) is not None


def opened(data: bytes) -> tuple[OpenedName, ...]:
    """Return what a module opens or starts by name. Code that is none of Python opens nothing."""
    try:
        return tuple(_of(parsed(data).body))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()


def parsed(data: bytes) -> ast.Module:
    """Return the tree of a module. Raises what `ast.parse` raises."""
    with _PARSING, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the escapes in strings of others
        return ast.parse(data)


def _of(nodes: Sequence[ast.AST]) -> Iterator[OpenedName]:
    for node in nodes:
        yield from _of(list(_reached(node)))
        if isinstance(node, ast.Call) and (found := _of_call(node)):
            yield found


def _reached(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the parts of a node that count."""
    if isinstance(node, (ast.If, ast.IfExp)) and _OTHER_SYSTEM.search(ast.unparse(node.test)):
        reached = node.body if _excludes(node.test) else node.orelse
        yield from reached if isinstance(reached, list) else [reached]
    elif isinstance(node, ast.Try) and any(_handles(handler) for handler in node.handlers):
        yield from node.finalbody
    else:
        yield from ast.iter_child_nodes(node)


def _excludes(test: ast.expr) -> bool:
    """Tell whether a condition is true where the system is not the one that it names."""
    negated = isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)
    return negated or (isinstance(test, ast.Compare) and isinstance(test.ops[0], (ast.NotEq, ast.NotIn)))


def _handles(handler: ast.ExceptHandler) -> bool:
    """Tell whether an error ends in a handler, rather than in another one that it raises."""
    return not isinstance(handler.body[-1], ast.Raise)


def _of_call(call: ast.Call) -> OpenedName | None:
    name, owner = _called(call.func)
    if name.lstrip("_").lower() in _OPENING and owner not in {"windll", "oledll"} and not _may_fail(call):
        names = tuple(text for text in _texts(call.args) if is_of_linux(text))
        return OpenedName(names=names, line=call.lineno) if names else None
    if name in _STARTING and (owner in {"subprocess", "sp"} or (not owner and name[0].isupper())) and call.args:
        first = call.args[0]
        parts = first.elts if isinstance(first, (ast.List, ast.Tuple)) else []
        started = _texts(parts[:1])
        return OpenedName(names=started, line=call.lineno, program=True) if started else None
    return None


def _may_fail(call: ast.Call) -> bool:
    return any(
        keyword.arg in _WITHOUT
        and isinstance(keyword.value, ast.Constant)
        and keyword.value.value is _WITHOUT[keyword.arg]
        for keyword in call.keywords
    )


def _called(function: ast.expr) -> tuple[str, str]:
    """Return the name of what is called, and that of what it belongs to."""
    if isinstance(function, ast.Attribute):
        owner = function.value
        return function.attr, owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
    return getattr(function, "id", ""), ""


def _texts(values: Sequence[ast.expr]) -> tuple[str, ...]:
    """Return the texts among values, and in tuples and lists of them."""
    found: list[str] = []
    for value in values:
        if isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value:
            found.append(value.value)
        elif isinstance(value, (ast.Tuple, ast.List)):
            found.extend(_texts(value.elts))
    return tuple(found)


def is_of_linux(name: str) -> bool:
    """Tell whether the name of a library may be one of Linux, rather than a path or of another system."""
    return not _OF_OTHERS.search(name) and "/" not in name and name.lower() not in known().other_systems
