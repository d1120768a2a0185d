"""The names of a Python module, its classes and functions, and the values that statements assign to them."""

import ast
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property

from builder.base.frozen import dataclass
from builder.layer import python_systems

Inner = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef
"""What has names of its own."""
_INNER = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_MOST = 8
"""Assignments to one name that are told apart."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BoundName:
    """What a name may stand for."""

    values: tuple[ast.AST, ...]
    """Expressions, or the definition of a function or class."""
    extended: bool
    """Whether something is added at the end of a value, as to a list of arguments."""
    scope: "NameScope"
    """Where the values are written."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _ModuleBindings:
    """What a module does anywhere in it."""

    modules: Mapping[str, str]
    """What the names that imports bind stand for, with dots."""
    rebound: Collection[str]
    """Names that functions assign outside of themselves."""
    attributes: Collection[str]
    """Last names of the attributes that are assigned."""


class NameScope:
    """A module, class or function."""

    def __init__(self, node: ast.Module | Inner, everywhere: _ModuleBindings, outer: "NameScope | None" = None) -> None:
        self.node = node
        self.outer = outer
        self._everywhere = everywhere
        self._scopes: dict[int, NameScope] = {}
        self._bound: dict[str, BoundName | None] = {}

    @cached_property
    def assigned(self) -> Mapping[str, Sequence[ast.AST | None]]:
        """Values by name; None stands for one that is not in the text."""
        return _assigned(self.node)

    def inner(self, node: ast.AST) -> "NameScope":
        """Return the scope of a node in this one: its own, if it has one."""
        if not isinstance(node, _INNER):
            return self
        if id(node) not in self._scopes:
            self._scopes[id(node)] = NameScope(node, self._everywhere, self)
        return self._scopes[id(node)]

    def bound(self, name: ast.AST | None) -> BoundName | None:
        """Return what a name or an attribute of a class may stand for; None if that may be another value, too."""
        if isinstance(name, ast.Name):
            return self._by_name(name.id)
        if (
            isinstance(name, ast.Attribute)
            and isinstance(name.value, ast.Name)
            and name.attr not in self._everywhere.attributes
        ):
            owner = self._class(name.value.id)
            return owner.own(name.attr) if owner else None
        return None

    def own(self, name: str) -> BoundName | None:
        """Return what a name of this scope may stand for."""
        if name not in self._bound:
            self._bound[name] = self._read(name)
        return self._bound[name]

    def _read(self, name: str) -> BoundName | None:
        values = self.assigned.get(name, [])
        longer = [value for value in values if _begins_with(value, name)]
        # A program that is put before its arguments: what the name had before are the arguments alone.
        shorter = [value for value in values if not _begins_with(value, name)]
        kept = [value for value in shorter if _ends_with(value, name)] or shorter
        known = tuple(value for value in kept if value is not None)
        if not known or len(known) < len(kept) or len(known) > _MOST:
            return None
        return BoundName(values=known, extended=bool(longer), scope=self)

    def dotted(self, function: ast.expr) -> str:
        """Return the name of a function or module, with the name by which it was imported where it was."""
        if isinstance(function, ast.Attribute):
            return f"{self.dotted(function.value)}.{function.attr}"
        name = getattr(function, "id", "")
        return self._everywhere.modules.get(name, name)

    def _by_name(self, name: str) -> BoundName | None:
        scope: NameScope | None = self
        while scope is not None:
            if name in scope.assigned and (scope is self or not isinstance(scope.node, ast.ClassDef)):
                return None if name in self._everywhere.rebound else scope.own(name)
            scope = scope.outer
        return None

    def _class(self, name: str) -> "NameScope | None":
        if name not in {"self", "cls"}:
            bound = self._by_name(name)
            is_one = bound and len(bound.values) == 1 and isinstance(bound.values[0], ast.ClassDef)
            return bound.scope.inner(bound.values[0]) if bound and is_one else None
        scope: NameScope | None = self
        while scope is not None and not isinstance(scope.node, ast.ClassDef):
            scope = scope.outer
        return scope


def of_module(tree: ast.Module) -> NameScope:
    """Return the scope of a module."""
    modules: dict[str, str] = {}
    rebound: set[str] = set()
    attributes: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules.update((alias.asname, alias.name) for alias in node.names if alias.asname)
        elif isinstance(node, ast.ImportFrom):
            modules.update((alias.asname or alias.name, f"{node.module or ''}.{alias.name}") for alias in node.names)
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            rebound.update(node.names)
        elif isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
            attributes.add(node.attr)
    return NameScope(tree, _ModuleBindings(modules=modules, rebound=rebound, attributes=attributes))


def parameters(given: ast.arguments) -> Iterator[tuple[str, ast.expr | None]]:
    """Yield the parameters of a function that have names, with their defaults; first those with positions."""
    positional = [*given.posonlyargs, *given.args]
    defaults = [*[None] * (len(positional) - len(given.defaults)), *given.defaults]
    yield from ((each.arg, default) for each, default in zip(positional, defaults, strict=True))
    yield from ((each.arg, default) for each, default in zip(given.kwonlyargs, given.kw_defaults, strict=True))


def _assigned(node: ast.Module | Inner) -> dict[str, list[ast.AST | None]]:
    found: dict[str, list[ast.AST | None]] = defaultdict(list)
    if not isinstance(node, (ast.Module, ast.ClassDef)):
        for name, default in parameters(node.args):
            found[name].append(default)
        for rest in filter(None, (node.args.vararg, node.args.kwarg)):
            found[rest.arg].append(None)
    waiting: list[ast.AST] = [*reversed(node.body)] if isinstance(node.body, list) else [node.body]
    while waiting:
        here, inside = _assignments(waiting.pop())
        for name, value in here:
            found[name].append(value)
        waiting.extend(reversed(inside))
    return dict(found)


def _assignments(node: ast.AST) -> tuple[Sequence[tuple[str, ast.AST | None]], Sequence[ast.AST]]:
    """Return what a node assigns itself, and the nodes in it that may assign more."""
    here: list[tuple[str, ast.AST | None]] = []
    inside: Sequence[ast.AST] = []
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            here = [(name, node)]
        case ast.Lambda():
            pass
        case ast.If() | ast.IfExp() if (reached := python_systems.branch(node)) is not None:
            inside = reached
        case ast.Assign(targets=targets, value=value):
            here = [(each.id, value) for each in targets if isinstance(each, ast.Name)]
            inside = [*(each for each in targets if not isinstance(each, ast.Name)), value]
        case ast.AnnAssign(target=ast.Name(id=name), value=value):
            here, inside = ([(name, value)], [value]) if value else ([], [])
        case ast.NamedExpr(target=ast.Name(id=name), value=value):
            here, inside = [(name, value)], [value]
        case ast.AugAssign(target=ast.Name(id=name), op=operator, value=value):
            longer = ast.BinOp(left=ast.Name(id=name, ctx=ast.Load()), op=operator, right=value)
            here, inside = [(name, longer)], [value]
        case ast.For(target=ast.Name(id=name), iter=values):
            here = [(name, ast.Starred(value=values, ctx=ast.Load()))]
            inside = [values, *node.body, *node.orelse]
        case _:
            here, inside = [(name, None) for name in _unread(node)], list(ast.iter_child_nodes(node))
    return here, inside


def _unread(node: ast.AST) -> Iterator[str]:
    """Yield the names to which a node gives values that are not in the text."""
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            yield name
        case ast.Subscript(value=ast.Name(id=name), ctx=ast.Store() | ast.Del()):
            yield name
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="insert")):
            yield name
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in aliases)
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            yield name


def _begins_with(value: ast.AST | None, name: str) -> bool:
    """Tell whether a value is what a name had before, and more after it."""
    while isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):
        value = value.left
        if isinstance(value, ast.Name):
            return value.id == name
    match value:
        case ast.List(elts=[ast.Starred(value=ast.Name(id=first)), *_]):
            return first == name
    return False


def _ends_with(value: ast.AST | None, name: str) -> bool:
    """Tell whether a value has, after other things, what a name had before."""
    match value:
        case ast.BinOp(op=ast.Add(), right=ast.Name(id=last)):
            return last == name
        case ast.List(elts=[_, *_, ast.Starred(value=ast.Name(id=last))]):
            return last == name
    return False
