"""What Python code opens by name at run time: libraries by ctypes and cffi, programs by subprocess, os and asyncio.

The code is parsed and never run. Left out are names that are computed, what only another system reaches, and what is in
a `try` whose error is handled, with what follows where that succeeded; but a loop over names that is followed by a
`raise` needs one of them. Blocks for `__main__` are no part of a layer's work.
"""

import ast
import re
import threading
import warnings
from collections.abc import Iterator, Sequence
from functools import cache, cached_property

from builder.base.frozen import dataclass
from builder.layer import python_scopes, python_systems
from builder.layer.python_programs import ProgramCalls, fails
from builder.layer.python_scopes import NameScope
from builder.layer.python_values import TextValues
from builder.model.loaded_by_name import known

LARGEST = 1 << 20
"""Bytes of a module that is read."""
_LOADS = re.compile(rb"(?:dlopen|LoadLibrary|CDLL|PyDLL|find_library)\s*\(")
_LOADING = (b"ctypes", b"dlopen")
"""One of them is in each module that opens a library. Looking for them takes a tenth of what the expression does."""
_STARTING = (
    *(b"subprocess", b"which(", b"system(", b"popen("),
    *(b"execlp", b"execvp", b"spawn"),
)
"""One of them is in each module that starts a program."""
_PARSING = threading.Lock()
"""Python 3.11 counts the depth of the trees of all threads together, and fails (cpython, issue 106905)."""
_OPENING = {"dlopen", "loadlibrary", "cdll", "pydll", "find_library"}
_WITHOUT = {"allow_fail": True, "optional": True, "required": False}
"""Arguments of functions that open libraries, by which they return without one."""
_OF_OTHERS = re.compile(r"\.(?:dll|dylib|ocx|framework)\b|^[A-Za-z]:|%|\{", re.IGNORECASE)
_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_LEAVES = (ast.Name, ast.Constant, ast.expr_context, ast.operator, ast.alias)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_APART = (*_LOOPS, *_FUNCTIONS, ast.ClassDef, ast.Lambda)


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenedName:
    """One place in a module at which a library is opened, or a program started."""

    names: tuple[str, ...]
    """Names of the library or program, of which the first that is there is taken."""
    line: int = 0
    """From 1; 0 in what has no lines."""
    program: bool = False


def may_open(data: bytes) -> bool:
    """Tell, without parsing it, whether a module may open or start something by a name that stands in it."""
    if len(data) > LARGEST:
        return False
    loads = any(word in data for word in _LOADING) and _LOADS.search(data) is not None
    return loads or (any(word in data for word in _STARTING) and _programs().search(data) is not None)


@cache
def _programs() -> re.Pattern[bytes]:
    names = "|".join(sorted(map(re.escape, known().programs)))
    return re.compile(rf"""['"](?:\w{{1,99}}=\S{{0,99}}\s{{1,9}})*(?:{names})(?=['"\s])""".encode())


def of_table(path: str) -> tuple[OpenedName, ...] | None:
    """Return what the module at a path below site-packages is known to open; None if its code tells."""
    entry = known().modules.get(path)
    if entry is None:
        return None
    found = (OpenedName(names=entry.libraries), OpenedName(names=entry.programs, program=True))
    return tuple(each for each in found if each.names)


def opened(data: bytes) -> tuple[OpenedName, ...]:
    """Return what a module opens or starts by name. Code that is none of Python opens nothing."""
    try:
        return _LoadingModule(parsed(data)).opened()
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()


def parsed(data: bytes) -> ast.Module:
    """Return the tree of a module. Raises what `ast.parse` raises."""
    with _PARSING, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the escapes in strings of others
        return ast.parse(data)


class _LoadingModule:
    """A module that is read for what it opens."""

    def __init__(self, tree: ast.Module) -> None:
        self._tree = tree
        self._values = TextValues()
        self._programs = ProgramCalls(self._values, tree)

    @cached_property
    def _only_tried(self) -> frozenset[str]:
        """Names that stand in each of their places in a `try` whose error is handled: functions that may fail."""
        mentioned = set(_mentioned(self._tree, handled=False))
        return frozenset(name for name, handled in mentioned if handled and (name, False) not in mentioned)

    def opened(self) -> tuple[OpenedName, ...]:
        scope = python_scopes.of_module(self._tree)
        found = list(self._of(self._tree.body, scope, insists=False))
        spared = self._programs.done_without(scope) if any(each.program for each in found) else frozenset()
        return tuple(each for each in found if not (each.program and spared.intersection(each.names)))

    def _of(self, nodes: Sequence[ast.AST], scope: NameScope, *, insists: bool) -> Iterator[OpenedName]:
        """Yield what the nodes of one block open. One that insists fails if nothing in it succeeds."""
        for position, node in enumerate(nodes):
            if isinstance(node, _LEAVES):
                continue
            following = nodes[position + 1 : position + 3]
            inner = scope.inner(node)
            deeper = _insists(node, following) if isinstance(node, _APART) else insists
            inside = [self._of(block, inner, insists=deeper) for block in _reached(node, insists=insists)]
            found = [each for block in inside for each in block]
            if not (found and isinstance(node, _FUNCTIONS) and node.name in self._only_tried):
                yield from found
            if isinstance(node, ast.Call):
                yield from self._of_call(node, scope, insists=insists)
            elif isinstance(node, ast.If):
                groups = self._programs.demanded(node, following, scope)
                yield from (_program(names, node.test.lineno) for names in groups if _are_known(names))

    def _of_call(self, call: ast.Call, scope: NameScope, *, insists: bool) -> Iterator[OpenedName]:
        name, owner = _called(call.func)
        if name.lstrip("_").lower() in _OPENING and owner not in {"windll", "oledll"} and not _may_fail(call):
            values = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg == "name")]
            texts = [self._values.texts(value, scope) for value in values]
            names = tuple(dict.fromkeys(text for each in texts for text in each if is_of_linux(text)))
            looks_around = name == "find_library" and len(names) > 1 and not insists
            if names and not looks_around:
                yield OpenedName(names=names, line=call.lineno)
        elif _are_known(names := self._programs.started(call, scope)):
            yield _program(names, call.lineno)


def _mentioned(node: ast.AST, *, handled: bool) -> Iterator[tuple[str, bool]]:
    """Yield the last parts of the names that are read, and whether an error there is handled."""
    if isinstance(node, (ast.Name, ast.Attribute)):
        yield (node.id if isinstance(node, ast.Name) else node.attr), handled
    is_handled = isinstance(node, ast.Try) and any(map(_handles, node.handlers))
    for name, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _mentioned(child, handled=handled or (is_handled and name == "body"))


def _program(names: tuple[str, ...], line: int) -> OpenedName:
    return OpenedName(names=names, line=line, program=True)


def _are_known(names: tuple[str, ...]) -> bool:
    """Tell whether there are programs, all known. Of others, most are those of a developer's machine."""
    return bool(names) and all(name in known().programs for name in names)


def _reached(node: ast.AST, *, insists: bool) -> Iterator[Sequence[ast.AST]]:
    """Yield the blocks of a node that count."""
    if isinstance(node, (ast.If, ast.IfExp)) and (branch := python_systems.branch(node)) is not None:
        yield branch
    elif isinstance(node, ast.If) and _MAIN.match(ast.unparse(node.test)):
        yield node.orelse
    elif isinstance(node, ast.Try) and not insists and any(_handles(handler) for handler in node.handlers):
        yield node.finalbody
    elif isinstance(node, ast.expr):
        yield list(ast.iter_child_nodes(node))
    else:
        for _, value in ast.iter_fields(node):
            parts = value if isinstance(value, list) else [value]
            yield [part for part in parts if isinstance(part, ast.AST)]


_MAIN = re.compile(r"__name__ == '__main__'$")


def _handles(handler: ast.ExceptHandler) -> bool:
    """Tell whether an error ends in a handler, rather than in another one that it raises."""
    return not fails(handler.body)


def _insists(node: ast.AST, following: Sequence[ast.AST]) -> bool:
    """Tell whether a loop that tries one thing after another is followed by a `raise`, as none has succeeded."""
    if not isinstance(node, _LOOPS):
        return False
    after = following[1:] if following and isinstance(following[0], ast.Assign) else following
    checked = after[0] if after else None
    if isinstance(checked, ast.If):
        is_absent = isinstance(checked.test, ast.UnaryOp) or (
            isinstance(checked.test, ast.Compare) and isinstance(checked.test.ops[0], (ast.Is, ast.Eq))
        )
        return is_absent and fails(checked.body)
    return fails(node.orelse) or isinstance(checked, ast.Raise)


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


def is_of_linux(name: str) -> bool:
    """Tell whether the name of a library may be one of Linux, rather than a path or of another system."""
    return not _OF_OTHERS.search(name) and "/" not in name and name.lower() not in known().other_systems
