"""The texts that expressions of a Python module stand for, as its own assignments tell: code is never run.

A text has alternatives if a name is assigned in several branches, or by a loop. What may also have a value that is not
in the module has no texts at all. Nor has what calls return, but for functions that return one of their own parameters.
"""

import ast
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import product, takewhile

from builder.layer import python_systems
from builder.layer.python_scopes import BoundName, NameScope, parameters

Texts = tuple[str, ...]
_MOST = 16
"""Alternatives of a text."""
_LONGEST = 1000
"""Characters of a text that is joined from others."""
_WORD = re.compile(r"\s*(?:\w+=\S*\s+)*(?P<program>[\w.+-]+)(?P<end>\s|$|[;&|<>])")
_TOLERANT = re.compile(r"\|\||^\s*(?:\w+=\S*\s+)*\S+\s+--?(?:version|help|[hvV])\s*(?:$|[12]?[;&|<>])")
"""A line of a shell that goes on without its program, or only asks whether it is there."""


class TextValues:
    """What the expressions of one module stand for, each found once."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], Texts] = {}
        self._kept: list[ast.AST] = []
        """So that no other node has the number of one that is known."""

    def texts(self, value: ast.AST | None, scope: NameScope) -> Texts:
        """Return the alternatives of a text, or those in a tuple or list of them."""
        return self._once("text", value, lambda: self._texts(value, scope))

    def first_items(self, value: ast.AST | None, scope: NameScope) -> Texts:
        """Return the alternatives of the first item of a list of texts, as that of a command."""
        return self._once("list", value, lambda: self._first_items(value, scope))

    def first_words(self, line: ast.AST | None, scope: NameScope) -> Texts:
        """Return the alternatives of the program in a line of a shell, of which the rest may be computed."""
        words = tuple(_first_word(start) for start in self._starts(line, scope))
        return tuple(dict.fromkeys(words)) if all(words) else ()

    def _once(self, kind: str, value: ast.AST | None, find: Callable[[], Texts]) -> Texts:
        if value is None:
            return ()
        key = kind, id(value)
        if key not in self._known:
            self._kept.append(value)
            self._known[key] = ()  # for a name that is assigned to itself
            found = find()
            self._known[key] = found if len(found) <= _MOST else ()
        return self._known[key]

    def _texts(self, value: ast.AST | None, scope: NameScope) -> Texts:
        found: Texts = ()
        match value:
            case ast.Constant(value=str(text)):
                found = (text,) if text else ()
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                found = either([self.texts(part, scope) for part in parts])
            case ast.Starred(value=inner):
                found = self.texts(inner, scope)
            case ast.JoinedStr(values=parts):
                found = _joined([self.texts(_plain(part), scope) for part in parts])
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                found = _joined([self.texts(left, scope), self.texts(right, scope)])
            case ast.IfExp():
                found = self.texts(_of_linux(value), scope)
            case ast.Subscript() | ast.Call():
                found = self._chosen(value, scope)
            case ast.Name() | ast.Attribute() if (bound := scope.bound(value)) and not bound.extended:
                found = self._of_bound(bound, self.texts)
        return found

    def _chosen(self, value: ast.Subscript | ast.Call, scope: NameScope) -> Texts:
        """Return the texts of an entry of a dict by systems, or of a call of a function of the module."""
        match value:
            case ast.Subscript(value=table, slice=key):
                pass
            case ast.Call(func=ast.Attribute(value=table, attr="get"), args=[key, *_]):
                pass
            case ast.Call():
                return self.texts(_passed_on(value, scope), scope)
        if not python_systems.is_system(key):
            return ()
        bound = scope.bound(table)
        found, where = (bound.values[0], bound.scope) if bound and len(bound.values) == 1 else (table, scope)
        return self.texts(python_systems.entry(found), where) if isinstance(found, ast.Dict) else ()

    def _first_items(self, value: ast.AST | None, scope: NameScope) -> Texts:
        found: Texts = ()
        match value:
            case ast.List(elts=[ast.Starred(value=first), *_]) | ast.Tuple(elts=[ast.Starred(value=first), *_]):
                found = self.first_items(first, scope)
            case ast.List(elts=[first, *_]) | ast.Tuple(elts=[first, *_]):
                found = self.texts(first, scope)
            case ast.BinOp(left=left, op=ast.Add()):
                found = self.first_items(left, scope)
            case ast.IfExp():
                found = self.first_items(_of_linux(value), scope)
            case ast.Call(func=ast.Name(id="list" | "tuple"), args=[inner]):
                found = self.first_items(inner, scope)
            case ast.Call(func=ast.Attribute(attr="split", value=owner), args=arguments):
                line = arguments[0] if scope.dotted(value.func) == "shlex.split" and arguments else owner
                found = self.first_words(line, scope)
            case ast.Name() | ast.Attribute() if bound := scope.bound(value):
                found = self._of_bound(bound, self.first_items)
        return found

    def _starts(self, line: ast.AST | None, scope: NameScope) -> Texts:
        """Return the alternatives of what a text begins with, and a mark where the rest is computed."""
        return self._once("start", line, lambda: self._found_starts(line, scope))

    def _found_starts(self, line: ast.AST | None, scope: NameScope) -> Texts:
        if whole := self.texts(line, scope):
            return whole
        found: Texts = ()
        match line:
            case ast.JoinedStr(values=parts):
                known = takewhile(bool, (self.texts(_plain(part), scope) for part in parts))
                found = _unfinished(_joined(list(known)))
            case ast.BinOp(left=left, op=ast.Add()):
                found = _unfinished(self._starts(left, scope))
            case ast.BinOp(left=left, op=ast.Mod()):
                found = self._starts(left, scope)
            case ast.Call(func=ast.Attribute(value=template, attr="format")):
                found = self._starts(template, scope)
            case ast.Name() | ast.Attribute() if bound := scope.bound(line):
                found = self._of_bound(bound, self._starts)
        return found

    @staticmethod
    def _of_bound(bound: BoundName, find: Callable[[ast.AST | None, NameScope], Texts]) -> Texts:
        return either([find(value, bound.scope) for value in bound.values])


_COMPUTED = "\0"
"""At the end of the beginning of a text: the rest is computed, and may be of the same word."""


def _unfinished(starts: Texts) -> Texts:
    return tuple(f"{start}{_COMPUTED}" for start in starts)


def _first_word(start: str) -> str:
    match = _WORD.match(start)
    return match["program"] if match and not _TOLERANT.search(start) else ""


def _plain(part: ast.expr) -> ast.expr | None:
    """Return a part of an f-string, unless it is formatted in a way of its own."""
    if not isinstance(part, ast.FormattedValue):
        return part
    return part.value if part.conversion == -1 and part.format_spec is None else None


def _of_linux(choice: ast.IfExp) -> ast.AST | None:
    """Return the value of an expression that depends on the system alone, on Linux."""
    reached = python_systems.branch(choice)
    return reached[0] if reached else None


def either(found: Sequence[Texts]) -> Texts:
    """Return the alternatives of all, or nothing if those of one are unknown."""
    return tuple(dict.fromkeys(text for each in found for text in each)) if all(found) else ()


def _joined(parts: Sequence[Texts]) -> Texts:
    many = [part for part in parts if len(part) > 1]
    if not all(parts) or len(many) > 1 or sum(len(text) for part in parts for text in part) > _LONGEST:
        return ()
    return tuple("".join(combined) for combined in product(*parts))


def _passed_on(call: ast.Call, scope: NameScope) -> ast.expr | None:
    """Return the argument that a function of the module returns, in some cases with something at its ends."""
    bound = scope.bound(call.func)
    if bound is None or len(bound.values) != 1 or not isinstance(bound.values[0], ast.FunctionDef):
        return None
    function = bound.values[0]
    name = _returned(function)
    names = [each for each, _ in parameters(function.args)]
    names = names[1:] if isinstance(call.func, ast.Attribute) and names[:1] in (["self"], ["cls"]) else names
    if name not in names:
        return None
    by_name = {keyword.arg: keyword.value for keyword in call.keywords}
    position = names.index(name)
    return by_name.get(name, call.args[position] if position < len(call.args) else None)


@lru_cache(maxsize=64)
def _returned(function: ast.FunctionDef) -> str | None:
    """Return the name that all `return` statements of a function have, if it is changed in some cases at most."""
    returns = [node.value for node in ast.walk(function) if isinstance(node, ast.Return)]
    names = {value.id if isinstance(value, ast.Name) else None for value in returns}
    always = [node for each in function.body if not isinstance(each, ast.If) for node in ast.walk(each)]
    changed = {node.id for node in always if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    name = names.pop() if len(names) == 1 else None
    return None if name in changed else name
