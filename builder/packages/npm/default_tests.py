"""What is tried of the Node.js packages in a layer: those that nobody else brings are imported, addons loaded."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from builder.base import programs
from builder.layer.checks import platforms
from builder.layer.elf import MAGIC
from builder.layer.names import TEST_DATA
from builder.layer.tree import Entry, Tree
from builder.model.runtimes import Runtime
from builder.packages import default_tests
from builder.packages.default_tests import DefaultTest, ItemOutcome, Judgement, TriedCount
from builder.packages.npm import installed

_CONDITIONS = ("node", "import", "require", "default", "module-sync", "node-addons")
"""Conditions of `exports` that Node.js takes."""
_MOST_SUBPATHS = 20
"""Of one package that exports nothing else."""
_NAME = re.compile(r"(?:@[^/]+/)?[^/]+")
_ADDON = ".node"


def tests(tree: Tree, runtime: Runtime) -> Iterator[DefaultTest]:
    """Yield the test of a layer with packages of Node.js."""
    if runtime.language != "nodejs":
        return
    asked = {
        name: about for name, about in installed.asked_for(tree).items() if not installed.is_for_one_platform(about)
    }
    paths = tree.paths()
    first = [name for name, about in asked.items() if installed.has_entry(name, about, paths)]
    subpaths = [f"{name}/{path}" for name, about in asked.items() if name not in first for path in _subpaths(about)]
    native = [f"/opt/{entry.path}" for entry in tree if _is_addon(entry)]
    items = default_tests.tried({"first": sorted(first), "subpath": subpaths, "native": native})
    if items:
        yield DefaultTest(
            what="importing each package",
            code=programs.text("smoke/imports.mjs"),
            items=items,
            judge=lambda given: judge(given, asked),
        )


def _subpaths(about: Mapping[str, Any]) -> list[str]:
    """Return the paths below a package that it exports for Node.js, without patterns and files that are no code."""
    exported = about.get("exports")
    listed = exported.items() if isinstance(exported, dict) else ()
    found = [
        path.removeprefix("./")
        for path, target in listed
        if path.startswith("./")
        and "*" not in path
        and not path.endswith((".json", ".css", ".d.ts"))
        and _is_for_node(target)
    ]
    return found[:_MOST_SUBPATHS]


def _is_for_node(target: object) -> bool:
    """Tell whether a target of `exports` has something that Node.js takes, rather than types alone."""
    if isinstance(target, dict):
        return any(key in _CONDITIONS and _is_for_node(value) for key, value in target.items())
    if isinstance(target, list):
        return any(map(_is_for_node, target))
    return isinstance(target, str) and not target.endswith((".d.ts", ".d.mts", ".json", ".css"))


def _is_addon(entry: Entry) -> bool:
    return (
        entry.name.endswith(_ADDON)
        and entry.link is None
        and "/node_modules/" in entry.path
        and not TEST_DATA.search(entry.path)
        and entry.content.head(4) == MAGIC
    )


def judge(given: Sequence[ItemOutcome], asked: Mapping[str, Mapping[str, Any]]) -> Judgement:
    """Tell failures of a layer from packages without an optional peer, and from addons beside one that works."""
    of_kind: dict[str, list[ItemOutcome]] = defaultdict(list)
    for outcome in given:
        of_kind[outcome.item.kind].append(outcome)
    failed = [outcome for outcome in of_kind["first"] if not outcome.fine]
    excused = [outcome for outcome in failed if _lacks_a_peer(outcome, asked[outcome.item.name])]
    failing = [
        *(outcome for outcome in failed if outcome not in excused),
        *_none_works(of_kind["subpath"], _package),
        *(each for each in _none_works(of_kind["native"], platforms.pattern) if each.crashed or _is_refused(each)),
    ]
    by_subpath = {_package(outcome.item.name) for outcome in of_kind["subpath"] if outcome.fine}
    packages = sum(outcome.fine for outcome in of_kind["first"]) + len(by_subpath)
    return Judgement(
        tried=(
            TriedCount(what="packages", count=packages),
            TriedCount(what="native", count=sum(outcome.fine for outcome in of_kind["native"])),
        ),
        untried=tuple(default_tests.named(excused, "packages", "that need an optional peer")),
        failed=default_tests.failures(failing, "imported"),
        code=default_tests.code(failing),
    )


def _none_works(given: Sequence[ItemOutcome], group: Callable[[str], str]) -> Iterator[ItemOutcome]:
    """Yield the first outcome of each group in which nothing works."""
    groups: dict[str, list[ItemOutcome]] = defaultdict(list)
    for outcome in given:
        groups[group(outcome.item.name)].append(outcome)
    yield from (members[0] for members in groups.values() if not any(member.fine for member in members))


def _package(path: str) -> str:
    match = _NAME.match(path)
    return match[0] if match else path


def _is_refused(outcome: ItemOutcome) -> bool:
    """Tell whether the system's loader refused an addon; Node.js itself refuses those for another version of it."""
    return outcome.error is not None and outcome.error.loads


def _lacks_a_peer(outcome: ItemOutcome, about: Mapping[str, Any]) -> bool:
    """Tell whether a package needs one that it declares as optional."""
    meta = about.get("peerDependenciesMeta")
    listed = meta.items() if isinstance(meta, dict) else ()
    optional = {name for name, said in listed if isinstance(said, dict) and said.get("optional") is True}
    others = about.get("optionalDependencies")
    optional |= set(others) if isinstance(others, dict) else set()
    missing = outcome.error.missing if outcome.error else ()
    return bool(missing) and all(_package(name) in optional for name in missing)
