"""The programs that Python code starts by name, and those that it looks for in PATH and cannot do without.

A module that looks for a program with `which` and does not raise where it is absent does without it: none of its starts
of that program counts, as it may be behind that answer. Only where each `which` for it leads to a `raise` is it needed.
"""

import ast
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TypeGuard

from builder.layer.python_scopes import NameScope
from builder.layer.python_values import Texts, TextValues, either

_RUNNING = frozenset({"run", "Popen", "call", "check_call", "check_output"})
_LINES = frozenset(
    {
        *("os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput"),
        *("asyncio.create_subprocess_shell", "subprocess.create_subprocess_shell"),
    }
)
"""Functions whose first argument is a line for the shell."""
_POSITIONS = {
    **dict.fromkeys(("os.execlp", "os.execlpe", "os.execvp", "os.execvpe", "os.posix_spawnp"), 0),
    **dict.fromkeys(("os.spawnlp", "os.spawnlpe", "os.spawnvp", "os.spawnvpe"), 1),
    **dict.fromkeys(("asyncio.create_subprocess_exec", "subprocess.create_subprocess_exec"), 0),
}
"""Functions that look for a program in PATH, by the position of its name."""
_LOOKING = frozenset({"which", "find_executable"})


class ProgramCalls:
    """The programs of one module."""

    def __init__(self, values: TextValues, tree: ast.Module) -> None:
        self._values = values
        self._tree = tree
        self._needed: set[int] = set()
        """Calls of `which` that lead to a `raise`."""

    @cached_property
    def _asked(self) -> frozenset[int]:
        """Calls on whose result something else than a `raise` depends: the shell tells so that a program is absent."""
        return frozenset(_asked(self._tree))

    def started(self, call: ast.Call, scope: NameScope) -> Texts:
        """Return the program that a call starts, with its alternatives."""
        function = ".".join(scope.dotted(call.func).split(".")[-2:])
        owner, _, name = function.rpartition(".")
        if name in _RUNNING and (owner in {"subprocess", "sp"} or (name == "Popen" and not owner)):
            return self._run(call, scope)
        if function in _LINES:
            return self._of_line(call, _argument(call, 0, "command", "cmd"), scope)
        if function in _POSITIONS:
            return self._values.texts(_argument(call, _POSITIONS[function], "file", "program", "path"), scope)
        return ()

    def _run(self, call: ast.Call, scope: NameScope) -> Texts:
        command = _argument(call, 0, "args")
        by_name = {keyword.arg: keyword.value for keyword in call.keywords}
        if "executable" in by_name:
            return self._values.texts(by_name["executable"], scope)
        shell = by_name.get("shell", ast.Constant(value=False))
        if not isinstance(shell, ast.Constant):
            return ()
        if shell.value:
            return self._of_line(call, command, scope)
        return self._values.first_items(command, scope) or self._one(command, scope)

    def _of_line(self, call: ast.Call, line: ast.expr | None, scope: NameScope) -> Texts:
        return () if id(call) in self._asked else self._values.first_words(line, scope)

    def _one(self, command: ast.expr | None, scope: NameScope) -> Texts:
        """Return the program of a command that is a text, and no list."""
        is_list = isinstance(command, (ast.List, ast.Tuple))
        return () if is_list else self._values.texts(command, scope)

    def demanded(self, condition: ast.If, following: Sequence[ast.AST], scope: NameScope) -> Iterator[Texts]:
        """Yield the programs without which a condition, or what follows it, raises."""
        if fails(condition.body):
            groups = _absent(condition.test, scope)
        elif fails(condition.orelse) or (not condition.orelse and _leaves(condition.body) and fails(following[:1])):
            groups = _present(condition.test, scope)
        else:
            return
        for calls in groups:
            self._needed.update(id(call) for call, _ in calls)
            yield either([self._looked_for(call, where) for call, where in calls])

    def _looked_for(self, call: ast.Call, scope: NameScope) -> Texts:
        return self._values.texts(_argument(call, 0, "cmd", "executable"), scope)

    def done_without(self, scope: NameScope) -> frozenset[str]:
        """Return the programs that the module looks for and does without. Called after `demanded` of all conditions."""
        found = [
            self._looked_for(node, where)
            for node, where in _scoped(self._tree, scope)
            if isinstance(node, ast.Call) and _is_which(node, where) and id(node) not in self._needed
        ]
        return frozenset(name for names in found for name in names)


_Calls = list[tuple[ast.Call, NameScope]]
"""Calls of `which` of which one has to find something."""


def _absent(test: ast.expr, scope: NameScope) -> list[_Calls]:
    """Return the calls of `which` that have found nothing if a condition is true, or one group of them."""
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            return _present(inner, scope)
        case ast.Compare(left=inner, ops=[ast.Is() | ast.Eq()], comparators=[ast.Constant(value=None)]):
            return _present(inner, scope)
        case ast.BoolOp(op=ast.Or(), values=parts):
            groups = [_absent(part, scope) for part in parts]
            return [calls for group in groups for calls in group] if all(groups) else []
        case ast.BoolOp(values=parts):
            return _one_of([_absent(part, scope) for part in parts])
    return []


def _present(value: ast.AST, scope: NameScope, *, by_name: bool = True) -> list[_Calls]:
    """Return the calls of `which` of which one has found something if a value is true, as one group."""
    match value:
        case ast.Call(args=[_], keywords=[]) if _is_which(value, scope):
            return [[(value, scope)]]
        case ast.NamedExpr(value=inner):
            return _present(inner, scope, by_name=by_name)
        case ast.Compare(left=inner, ops=[ast.IsNot() | ast.NotEq()], comparators=[ast.Constant(value=None)]):
            return _present(inner, scope, by_name=by_name)
        case ast.BoolOp(op=ast.Or(), values=parts):
            return _one_of([_present(part, scope, by_name=by_name) for part in parts])
        case ast.Name() if by_name and (bound := scope.bound(value)) and not bound.extended:
            return _one_of([_present(each, bound.scope, by_name=False) for each in bound.values])
    return []


def _one_of(groups: Sequence[list[_Calls]]) -> list[_Calls]:
    return [[call for group in groups for call in group[0]]] if all(len(group) == 1 for group in groups) else []


def _asked(tree: ast.Module) -> Iterator[int]:
    """Yield the calls of which the result is asked for by a condition that does not lead to a `raise`."""
    tests = [node.test for node in ast.walk(tree) if _branches(node)]
    names = {name.id for test in tests for name in ast.walk(test) if isinstance(name, ast.Name)}
    insisting = {id(node.test) for node in ast.walk(tree) if isinstance(node, ast.If) and fails(node.body)}
    for node in ast.walk(tree):
        parts: Sequence[ast.AST] = ()
        if _branches(node):
            parts = [node.test]
        elif isinstance(node, (ast.Compare, ast.UnaryOp, ast.BoolOp)) and id(node) not in insisting:
            parts = list(ast.iter_child_nodes(node))
        elif isinstance(node, ast.Assign) and any(getattr(target, "id", None) in names for target in node.targets):
            parts = [node.value]
        yield from (id(part) for part in parts if isinstance(part, ast.Call))


def _branches(node: ast.AST) -> TypeGuard[ast.If | ast.IfExp | ast.While]:
    """Tell whether a node has a condition that does not lead to a `raise`."""
    return isinstance(node, (ast.If, ast.IfExp, ast.While)) and not (isinstance(node, ast.If) and fails(node.body))


def fails(statements: Sequence[ast.AST]) -> bool:
    """Tell whether a block ends in a `raise`."""
    last = statements[-1] if statements else None
    if isinstance(last, ast.If):
        return fails(last.body) and fails(last.orelse)
    return isinstance(last, ast.Raise)


def _leaves(statements: Sequence[ast.AST]) -> bool:
    return isinstance(statements[-1], (ast.Return, ast.Continue, ast.Break))


def _is_which(call: ast.Call, scope: NameScope) -> bool:
    return scope.dotted(call.func).rpartition(".")[2] in _LOOKING


def _scoped(node: ast.AST, scope: NameScope) -> Iterator[tuple[ast.AST, NameScope]]:
    waiting = [(node, scope)]
    while waiting:
        each, where = waiting.pop()
        yield each, where
        waiting.extend((child, where.inner(child)) for child in ast.iter_child_nodes(each))


def _argument(call: ast.Call, position: int, *names: str) -> ast.expr | None:
    if position < len(call.args):
        return call.args[position]
    return next((keyword.value for keyword in call.keywords if keyword.arg in names), None)
