"""What is tried of the Python packages in a layer: each public module is imported, each compiled module loaded."""

import re
from collections.abc import Iterator, Sequence

from builder.base import programs
from builder.layer import import_graph, optional_imports
from builder.layer.elf import MAGIC, UnreadableElfError, parse
from builder.layer.names import SITE_PACKAGES, TEST_DATA
from builder.layer.tree import Entry, Tree
from builder.model.loaded_by_name import known
from builder.model.runtimes import Runtime
from builder.packages import default_tests
from builder.packages.default_tests import DefaultTest, ItemOutcome, Judgement, TriedCount
from builder.packages.pypi import installed

SECONDS = 2.5
"""For all imports. Those of modules that functions name are made in any case, others as long as there is time."""
_SUFFIX = re.compile(r"(?:\.py|\.pyc|\.(?:abi3|cpython-(?P<series>\d+)-[\w-]+)\.so)$")
_OF_DEVELOPERS = re.compile(r"^(?:test_.*|.*_tests?|tests?|conftest|setup|testing)$")
_NO_PACKAGES = frozenset(
    {"bin", "benchmarks", "doc", "docs", "etc", "include", "lib", "lib64", "man", "scripts", "share", "tools"}
)
"""Folders beside packages, in which scripts may lie."""
_ASKS_FOR = re.compile(r"\b(?:pip|conda|please) install|\bextras?\b|not installed|is required|optional", re.IGNORECASE)
"""Words of errors about a package that is optional."""
_LIBRARY = re.compile(r"\blib(?P<name>[\w+-]+?)\.so")


def tests(tree: Tree, runtime: Runtime) -> Iterator[DefaultTest]:
    """Yield the test of a layer with modules of Python."""
    if runtime.python is None:
        return
    series = f"{runtime.python[0]}{runtime.python[1]}"
    first = sorted(set(installed.modules(tree)))
    public = _public(tree, series)
    beginning = import_graph.begun(tree)
    below = sorted(public.keys() - set(first), key=lambda name: (name.count("."), name))
    begun = [name for name in below if public[name] in beginning]
    more = [name for name in below if public[name] not in beginning]
    native = [f"/opt/{entry.path}" for entry in tree if _is_native(entry, series)]
    items = default_tests.tried({"first": first, "begun": begun, "more": more, "native": native})
    if items:
        yield DefaultTest(
            what="importing each module",
            code=programs.text("smoke/imports.py"),
            items=items,
            judge=lambda given: judge(given, tree),
            more={"seconds": SECONDS},
        )


def _public(tree: Tree, series: str) -> dict[str, str]:
    """Return the paths of modules that other code may import, by name."""
    packages = {entry.parent for entry in tree if entry.name in {"__init__.py", "__init__.pyc"}}
    found: dict[str, str] = {}
    for entry in tree:
        match = _SUFFIX.search(entry.path)
        if match is None or not SITE_PACKAGES.match(entry.path) or (match["series"] or series) != series:
            continue
        name = SITE_PACKAGES.sub("", entry.path[: match.start()]).removesuffix("/__init__")
        if _is_public(name.split("/")) and _is_in_packages(entry.path, packages):
            found.setdefault(name.replace("/", "."), entry.path)
    return found


def _is_public(parts: Sequence[str]) -> bool:
    return all(
        part.isidentifier() and not part.startswith("_") and not _OF_DEVELOPERS.match(part) for part in parts
    ) and not TEST_DATA.search("/".join(parts))


def _is_in_packages(path: str, packages: set[str]) -> bool:
    """Tell whether each folder of a module is a package, but for those at the top, which may be namespaces."""
    top = SITE_PACKAGES.match(path)
    folders = path.split("/")[:-1][top[0].count("/") if top else 0 :]
    if folders and folders[0] in _NO_PACKAGES:
        return False
    root = path[: top.end()] if top else ""
    are = [f"{root}{'/'.join(folders[: count + 1])}" in packages for count in range(len(folders))]
    return not are or (are[-1] and are == sorted(are))


def _is_native(entry: Entry, series: str) -> bool:
    """Tell whether a file is a compiled module of the runtime's interpreter."""
    tagged = re.search(r"\.cpython-(\d+)", entry.name)
    if not entry.name.endswith(".so") or entry.link is not None or (tagged and tagged[1] != series):
        return False
    if not SITE_PACKAGES.match(entry.path) or TEST_DATA.search(entry.path) or entry.content.head(4) != MAGIC:
        return False
    try:
        return parse(entry.content.read()).python_module
    except UnreadableElfError:
        return False  # the checks tell it


def judge(given: Sequence[ItemOutcome], tree: Tree) -> Judgement:
    """Tell failures of a layer from modules that need what is not meant to be in it, and from those for developers."""
    names = frozenset(import_graph.tops(tree))
    failed = [outcome for outcome in given if _fails(outcome, names, tree)]
    modules = [outcome for outcome in given if outcome.item.kind != "native"]
    native = [outcome for outcome in given if outcome.item.kind == "native"]
    excused = [outcome for outcome in modules if outcome.tried and not outcome.fine and outcome not in failed]
    needing = [outcome for outcome in excused if _lacks_another(outcome, names)]
    others = [outcome for outcome in excused if outcome not in needing]
    return Judgement(
        tried=(
            TriedCount(what="modules", count=sum(outcome.fine for outcome in modules)),
            TriedCount(what="native", count=sum(outcome.fine for outcome in native)),
        ),
        untried=(
            *default_tests.named(needing, "modules", "that need what is not in the layer"),
            *default_tests.named(others, "modules", "that end in an error of their own"),
            *default_tests.late(modules, "modules"),
        ),
        failed=default_tests.failures(failed, "imported"),
        code=default_tests.code(failed),
    )


def _fails(outcome: ItemOutcome, names: frozenset[str], tree: Tree) -> bool:
    """Tell whether an outcome is a fault of the layer.

    What functions name must be imported. Of other modules, a crash is a fault and so is a compiled file that cannot be
    loaded, unless its package goes on without it. Those at which functions begin, below a top that imports nothing,
    must find the libraries that they look for, too.
    """
    if outcome.crashed:
        return True
    error, kind = outcome.error, outcome.item.kind
    if error is None or kind == "first":
        return error is not None
    file = outcome.item.name if kind == "native" else error.file
    if error.loads and file:
        return not _of_graphics(error.text) and not optional_imports.is_optional(file.removeprefix("/opt/"), tree)
    if kind != "begun" or _lacks_another(outcome, names) or _ASKS_FOR.search(error.text):
        return False
    return error.imports or (error.loads and not _of_graphics(error.text))


def _lacks_another(outcome: ItemOutcome, names: frozenset[str]) -> bool:
    """Tell whether something was not found that the layer has nothing of."""
    missing = outcome.error.missing if outcome.error else ()
    return any(name.partition(".")[0] not in names for name in missing)


def _of_graphics(text: str) -> bool:
    """Tell whether the library that is missing is one that all do without, such as those of graphics cards."""
    match = _LIBRARY.search(text)
    return match is not None and known().does_without(match["name"])
