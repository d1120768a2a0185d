"""Modules that are pruned although a remaining one needs them: when it is imported, or at the first use of a name."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from builder.layer import import_graph, pruned_requires
from builder.layer.names import SITE_PACKAGES
from builder.layer.pruned_requires import PrunedImport
from builder.layer.tree import Entry, Tree

_CALL = re.compile(rb"^(?:[\w, ]+ = )?(?:(?:\w+\.)?import_module|__import__)\(\s*['\"]([.\w]+)['\"]", re.MULTILINE)
"""An import by a call at the beginning of a line, by a name that stands there."""
_LAZY = re.compile(rb"^(?:def )?__getattr__\b", re.MULTILINE)
"""A module that imports others at the first use of their names (PEP 562), itself or by lazy_loader."""
_STUB = re.compile(rb"^__getattr__\b.*\battach_stub\(", re.MULTILINE)
"""A module whose names are read from the type stub beside it when it is imported (lazy_loader)."""
_CODE = (".py", ".so")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Gone:
    """The modules that are pruned, by dotted name, and what tells that a file may name one."""

    files: Mapping[str, str]
    clues: frozenset[bytes]
    stubs: frozenset[str]


def find(tree: Tree, pruned: Collection[str]) -> Iterator[PrunedImport]:
    """Yield the imports of pruned modules: of Python, extension modules and stubs included, and of Node.js."""
    yield from pruned_requires.find(tree, pruned)
    files = {_dotted(path): path for path in pruned if path.endswith(_CODE) and SITE_PACKAGES.match(path)}
    stubs = frozenset(path for path in pruned if path.endswith(".pyi"))
    if not files and not stubs:
        return
    here = {_dotted(entry.path) for entry in tree if entry.path.endswith(_CODE)}
    files = {name: path for name, path in files.items() if name not in here}
    clues = frozenset(_first_missing(name, here).encode() for name in files)
    gone = _Gone(files=files, clues=clues, stubs=stubs)
    for entry in tree:
        if entry.link is None and entry.path.endswith(".py") and SITE_PACKAGES.match(entry.path):
            yield from _of_module(entry, gone)


def needed(found: Collection[PrunedImport], pruned: Collection[str]) -> frozenset[str]:
    """Return the pruned files that remaining modules need at their import: modules, and `__init__.py` above them.

    A package of Node.js that is pruned as a whole is meant to be, and one file of it would not be the package.
    """
    imported = {each.file for each in found if not (each.lazily or each.whole)}
    folders = {file[: match.start()] for file in imported for match in re.finditer("/", file)}
    return frozenset(imported | {path for folder in folders if (path := f"{folder}/__init__.py") in pruned})


def _of_module(entry: Entry, gone: _Gone) -> Iterator[PrunedImport]:
    source = entry.content.read()
    stub = f"{entry.path}i"
    if stub in gone.stubs and _STUB.search(source):
        yield PrunedImport(path=entry.path, name=f"{_dotted(entry.path)} (its stub)", file=stub)
    if not any(clue in source for clue in gone.clues):
        return
    certain = {name for name in _imports(source, entry.path) if name in gone.files}
    for name in sorted(certain):
        yield PrunedImport(path=entry.path, name=name, file=gone.files[name])
    if _LAZY.search(source):
        package = _dotted(entry.path)
        for name, file in gone.files.items():
            above, _, last = name.rpartition(".")
            if above == package and name not in certain and re.search(rb"['\"]%s['\"]" % last.encode(), source):
                yield PrunedImport(path=entry.path, name=name, file=file, lazily=True)


def _dotted(path: str) -> str:
    """Return the dotted name of a module: that of an extension module ends at its first dot."""
    if not path.endswith(".so"):
        return import_graph.dotted(path)
    folder, _, name = path.rpartition("/")
    return import_graph.dotted(f"{folder}/{name.partition('.')[0]}.py")


def _first_missing(name: str, here: set[str]) -> str:
    """Return the first part of a pruned name that no remaining module has: `tests` of `pandas.tests.common`."""
    parts = name.split(".")
    remaining = next((count for count in range(len(parts) - 1, 0, -1) if ".".join(parts[:count]) in here), 0)
    return parts[remaining]


def _imports(source: bytes, path: str) -> Iterator[str]:
    """Yield the modules that a module imports unconditionally: by what stands at the beginning of a line."""
    yield from import_graph.names(path, source)
    for match in _CALL.finditer(source):
        if (imported := import_graph.absolute(match[1].decode("ascii", errors="replace"), path)) is not None:
            yield imported
