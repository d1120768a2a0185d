"""Modules that are pruned although a remaining one needs them: when it is imported, or at the first use of a name."""

import re
from collections.abc import Collection, Iterator, Mapping

from builder.base.frozen import dataclass
from builder.layer import import_graph, module_imports, pruned_requires
from builder.layer.module_imports import ModuleImports
from builder.layer.names import SITE_PACKAGES
from builder.layer.pruned_requires import PrunedImport
from builder.layer.store import Store
from builder.layer.tree import Entry, Tree

_CODE = (".py", ".so")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Gone:
    """The modules that are pruned, by dotted name, and the type stubs."""

    files: Mapping[str, str]
    stubs: frozenset[str]


def find(tree: Tree, pruned: Collection[str], store: Store | None = None) -> Iterator[PrunedImport]:
    """Yield the imports of pruned modules: of Python, extension modules and stubs included, and of Node.js."""
    yield from pruned_requires.find(tree, pruned)
    files = {_dotted(path): path for path in pruned if path.endswith(_CODE) and SITE_PACKAGES.match(path)}
    stubs = frozenset(path for path in pruned if path.endswith(".pyi"))
    if not files and not stubs:
        return
    here = {_dotted(entry.path) for entry in tree if entry.path.endswith(_CODE)}
    gone = _Gone(files={name: path for name, path in files.items() if name not in here}, stubs=stubs)
    modules = [
        entry for entry in tree if entry.link is None and entry.path.endswith(".py") and SITE_PACKAGES.match(entry.path)
    ]
    for entry, imports in zip(modules, module_imports.of_all(modules, store), strict=True):
        yield from _of_module(entry, imports, gone)


def needed(found: Collection[PrunedImport], pruned: Collection[str]) -> frozenset[str]:
    """Return the pruned files that remaining modules need at their import: modules, and `__init__.py` above them.

    A package of Node.js that is pruned as a whole is meant to be, and one file of it would not be the package.
    """
    imported = {each.file for each in found if not (each.lazily or each.whole)}
    folders = {file[: match.start()] for file in imported for match in re.finditer("/", file)}
    return frozenset(imported | {path for folder in folders if (path := f"{folder}/__init__.py") in pruned})


def _of_module(entry: Entry, imports: ModuleImports, gone: _Gone) -> Iterator[PrunedImport]:
    stub = f"{entry.path}i"
    if imports.by_stub and stub in gone.stubs:
        yield PrunedImport(path=entry.path, name=f"{_dotted(entry.path)} (its stub)", file=stub)
    certain = {name for name in (*imports.stated, *imports.called) if name in gone.files}
    for name in sorted(certain):
        yield PrunedImport(path=entry.path, name=name, file=gone.files[name])
    package = _dotted(entry.path)
    below = [name for name in gone.files if name.rpartition(".")[0] == package] if imports.lazy else []
    source = entry.content.read() if below else b""
    for name in below:
        if name not in certain and re.search(rb"['\"]%s['\"]" % name.rpartition(".")[2].encode(), source):
            yield PrunedImport(path=entry.path, name=name, file=gone.files[name], lazily=True)


def _dotted(path: str) -> str:
    """Return the dotted name of a module: that of an extension module ends at its first dot."""
    if not path.endswith(".so"):
        return import_graph.dotted(path)
    folder, _, name = path.rpartition("/")
    return import_graph.dotted(f"{folder}/{name.partition('.')[0]}.py")
