"""Modules of Python that are pruned although a remaining module imports them at its top."""

import re
from collections.abc import Collection, Iterator

from builder.layer import import_graph
from builder.layer.names import SITE_PACKAGES
from builder.layer.tree import Tree

_IMPORT = re.compile(rb"(?:^|\n)(?:from|import) ([\w.]+)")


def find(tree: Tree, pruned: Collection[str]) -> Iterator[tuple[str, str, str]]:
    """Yield the path of an importing module, the dotted name of the pruned one, and the path that had that name."""
    gone = {import_graph.dotted(path): path for path in pruned if path.endswith(".py") and SITE_PACKAGES.match(path)}
    if not gone:
        return
    here = {import_graph.dotted(entry.path) for entry in tree if entry.path.endswith(".py")}
    clues = {_first_missing(name, here).encode() for name in gone}
    for entry in tree:
        if entry.link is not None or not entry.path.endswith(".py") or not SITE_PACKAGES.match(entry.path):
            continue
        source = entry.content.read()
        if not any(clue in source for clue in clues):
            continue
        for imported in _imports(source, entry.path):
            if imported in gone and imported not in here:
                yield entry.path, imported, gone[imported]


def needed(tree: Tree, pruned: Collection[str]) -> frozenset[str]:
    """Return the pruned files that remaining modules need at their import: modules, and `__init__.py` above them."""
    imported = {file for _, _, file in find(tree, pruned)}
    folders = {file[: match.start()] for file in imported for match in re.finditer("/", file)}
    return frozenset(imported | {path for folder in folders if (path := f"{folder}/__init__.py") in pruned})


def _first_missing(name: str, here: set[str]) -> str:
    """Return the first part of a pruned name that no remaining module has: `tests` of `pandas.tests.common`."""
    parts = name.split(".")
    remaining = next((count for count in range(len(parts) - 1, 0, -1) if ".".join(parts[:count]) in here), 0)
    return parts[remaining]


def _imports(source: bytes, path: str) -> Iterator[str]:
    """Yield the modules that a module imports unconditionally: in statements at the beginning of a line."""
    for name in {match.decode("ascii", errors="replace") for match in _IMPORT.findall(source)}:
        if (imported := import_graph.absolute(name, path)) is not None:
            yield imported
