"""Modules of Node.js that are pruned although a remaining one requires or imports them at its top."""

import posixpath
import re
from collections.abc import Collection, Iterator

from builder.base.frozen import dataclass
from builder.layer.names import parents
from builder.layer.tree import Tree

_STATEMENT = re.compile(
    rb"^(?:(?:import|export)\b[^;'\"()]*?\bfrom\s*|import\s*|(?:(?:const|let|var|exports|module)\b[^\n;'\"]*?)?\brequire\()"
    rb"['\"](?P<name>[^'\"\n]+)['\"]",
    re.MULTILINE,
)
"""An import at the beginning of a line, by a name that stands there."""
_PACKAGE = "/package.json"
_CODE = (".js", ".cjs", ".mjs")
_SUFFIXES = ("", ".js", ".json", ".node", ".cjs", ".mjs", "/index.js", _PACKAGE)
"""What Node.js tries after a name, and what packages leave to their own settings."""
_MODULES = "node_modules"


@dataclass(frozen=True, kw_only=True, slots=True)
class PrunedImport:
    """The import of a pruned module by one that remains."""

    path: str
    """The importing file."""
    name: str
    """The module, as the language names it."""
    file: str
    """The pruned file."""
    lazily: bool = False
    """Whether it is imported at the first use of a name only."""
    whole: bool = False
    """Whether its package is pruned as a whole, with the package.json that says which file is imported."""


def find(tree: Tree, pruned: Collection[str]) -> Iterator[PrunedImport]:
    """Yield the imports of pruned modules and packages."""
    gone = {path for path in pruned if f"/{_MODULES}/" in f"/{path}"}
    if not gone:
        return
    here = tree.paths()
    folders = {folder for path in here for folder in parents(path)}
    for entry in tree:
        if entry.link is not None or not entry.path.endswith(_CODE) or f"/{_MODULES}/" not in f"/{entry.path}":
            continue
        names = {match["name"].decode(errors="replace") for match in _STATEMENT.finditer(entry.content.read())}
        for name in sorted(names):
            tried = list(_tried(name, entry.parent))
            if any(path in here or path in folders for path in tried):
                continue
            if file := next((path for path in tried if path in gone), None):
                whole = not name.startswith(".") and any(path in gone and path.endswith(_PACKAGE) for path in tried)
                yield PrunedImport(path=entry.path, name=name, file=file, whole=whole)


def _tried(name: str, folder: str) -> Iterator[str]:
    """Yield the paths at which Node.js looks for a module that a file in a folder names."""
    if name.startswith("."):
        bases = [posixpath.normpath(posixpath.join(folder, name))]
    else:
        package = "/".join(name.split("/")[: 2 if name.startswith("@") else 1])
        places = [place for place in (folder, *parents(folder)) if posixpath.basename(place) != _MODULES]
        bases = [f"{place}/{_MODULES}/{part}" for place in places for part in dict.fromkeys((name, package))]
    yield from (f"{base}{suffix}" for base in bases for suffix in _SUFFIXES)
