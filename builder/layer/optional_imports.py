"""Compiled modules of Python without which their package works: it handles the error of each import of theirs."""

import ast
from collections.abc import Iterable, Iterator

from builder.layer import import_graph, module_imports
from builder.layer.names import SITE_PACKAGES, TEST_DATA
from builder.layer.python_loads import parsed
from builder.layer.tree import Entry, Tree

_HANDLED = {"ImportError", "ModuleNotFoundError", "OSError", "Exception", "BaseException"}


def is_optional(path: str, tree: Tree) -> bool:
    """Tell whether the modules of a package import a compiled one, and each of them goes on without it."""
    folder, _, file = path.rpartition("/")
    name = file.partition(".")[0]
    package = f"{SITE_PACKAGES.sub('', folder + '/').partition('/')[0]}/"
    if package == "/" or not SITE_PACKAGES.match(path):
        return False
    dotted = import_graph.dotted(f"{folder}/{name}.py")
    handled = [
        each
        for entry in tree
        if entry.path.endswith(".py") and entry.link is None and SITE_PACKAGES.sub("", entry.path).startswith(package)
        if not TEST_DATA.search(entry.path)
        for each in _imports(entry, name, dotted)
    ]
    return bool(handled) and all(handled)


def _imports(entry: Entry, name: str, dotted: str) -> Iterator[bool]:
    """Yield for each import of a module whether its error is handled."""
    source = entry.content.read()
    if name.encode() not in source:
        return
    try:
        found = list(_found(parsed(source).body, entry.path, handled=False))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    yield from (handled for each, handled in found if each == dotted)


def _found(nodes: Iterable[ast.AST], path: str, *, handled: bool) -> Iterator[tuple[str, bool]]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from ((alias.name, handled) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = module_imports.absolute(f"{'.' * node.level}{node.module or ''}", path) or ""
            yield base, handled
            yield from ((f"{base}.{alias.name}", handled) for alias in node.names)
        elif isinstance(node, ast.Try):
            inner = handled or any(_goes_on(handler) for handler in node.handlers)
            yield from _found(node.body, path, handled=inner)
            yield from _found([*node.handlers, *node.orelse, *node.finalbody], path, handled=handled)
        else:
            yield from _found(ast.iter_child_nodes(node), path, handled=handled)


def _goes_on(handler: ast.ExceptHandler) -> bool:
    """Tell whether a handler is for failed imports and raises nothing itself."""
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    named = {each.id for each in caught if isinstance(each, ast.Name)}
    is_for_imports = handler.type is None or bool(named & _HANDLED)
    return is_for_imports and not any(isinstance(node, ast.Raise) for node in ast.walk(handler))
