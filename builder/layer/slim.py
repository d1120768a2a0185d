"""Remove what a layer does not need: leftovers of installers, files for compilers, paths that a recipe prunes."""

import csv
import io
import posixpath
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from builder.base.frozen import dataclass
from builder.layer import executables, pruned_imports, stripping
from builder.layer.names import SITE_PACKAGES, parents
from builder.layer.patterns import Matcher
from builder.layer.store import Store
from builder.layer.tree import Entry, Tree, of, rewritten
from builder.model.recipe import Slim

ALWAYS = {
    "static libraries": ["*.a"],
    "headers": ["*.h", "*.hpp", "*.hh", "*.hxx", "*.cuh"],
    "for compilers and people": [
        *("/include/", "/lib/pkgconfig/", "/lib/cmake/", "/share/pkgconfig/", "/share/aclocal/", "/lib/*.la"),
        *("/share/man/", "/share/doc/", "/share/info/", "/share/gtk-doc/", "/share/bash-completion/"),
    ],
}
"""What no function reads, whatever the layer is made of; ecosystems add what their installers leave."""
PRUNED = "pruned by the recipe"
_SCRIPT = re.compile(rb"^#!.*python")


@dataclass(frozen=True, kw_only=True, slots=True)
class Saving:
    """The files and bytes that one rule removed."""

    rule: str
    files: int
    bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Slimmed:
    tree: Tree
    savings: tuple[Saving, ...]
    pruned: frozenset[str]
    """Paths that the patterns of the recipe removed."""
    lazily: frozenset[str] = frozenset()
    """Those of them that remaining modules name all the same, if what others import was kept: at the first use of a
    name, or of a package of Node.js that is pruned as a whole."""


def slim(
    tree: Tree,
    own: Slim,
    leftovers: Mapping[str, Sequence[str]],
    scratch: Path | None,
    store: Store | None = None,
) -> Slimmed:
    """Remove, strip, and make each RECORD say what is really there.

    Stripped files are written to the folder `scratch` to save memory; None leaves files unstripped. Those that `store`
    remembers to have stripped before are not read.
    """
    rules = {**ALWAYS, **leftovers, PRUNED: own.prune}
    removals = _removals(tree, rules, own.keep)
    lazily = frozenset[str]()
    if own.keep_imported:
        removals, lazily = _without_imported(tree, removals, store)
    counts: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for entry in tree:
        if rule := removals.get(entry.path):
            counts[rule] += 1
            sizes[rule] += entry.size
    slimmed = _links_kept_whole(tree.without(lambda entry: entry.path in removals))
    if scratch:
        stripped = stripping.strip_all(slimmed, scratch, store)
        counts["symbols and debugging data"] += len(stripped)
        sizes["symbols and debugging data"] += sum(dropped for _, dropped in stripped)
        slimmed = slimmed.with_entries(entry for entry, _ in stripped)
    savings = tuple(Saving(rule=rule, files=counts[rule], bytes=sizes[rule]) for rule in sorted(counts))
    return Slimmed(tree=_with_true_records(slimmed), savings=savings, pruned=_pruned(removals), lazily=lazily)


def _removals(tree: Tree, rules: Mapping[str, Sequence[str]], keep: Sequence[str]) -> dict[str, str]:
    """Return the rule that removes each file which is removed, by its path."""
    specs = {rule: Matcher(patterns) for rule, patterns in rules.items()}
    any_rule = Matcher([pattern for patterns in rules.values() for pattern in patterns])
    kept_always = Matcher(keep)
    removals = {}
    for entry in tree:
        rule = None
        if any_rule.match_file(entry.path):
            rule = next((name for name, spec in specs.items() if spec.match_file(entry.path)), None)
        elif _is_host_script(entry):
            rule = "scripts that name this host's Python"
        if rule is not None and not kept_always.match_file(entry.path):
            removals[entry.path] = rule
    return removals


def _without_imported(
    tree: Tree, removals: Mapping[str, str], store: Store | None
) -> tuple[dict[str, str], frozenset[str]]:
    """Return the removals without pruned modules that the remaining ones import at their top.

    The other value is the pruned files that remaining modules name all the same.
    """
    pruned = _pruned(removals)
    found = list(pruned_imports.find(tree.without(lambda entry: entry.path in removals), pruned, store))
    needed = pruned_imports.needed(found, pruned)
    kept = {path: rule for path, rule in removals.items() if path not in needed}
    return _without_imported(tree, kept, store) if needed else (kept, frozenset(each.file for each in found))


def _pruned(removals: Mapping[str, str]) -> frozenset[str]:
    return frozenset(path for path, rule in removals.items() if rule == PRUNED)


def _is_host_script(entry: Entry) -> bool:
    """Tell whether a file is a console script with the path of the host's interpreter, which Lambda never runs.

    Installers on Windows write programs instead, launchers, which end with such a script.
    """
    if "/bin/" not in f"/{entry.path}" or not SITE_PACKAGES.match(entry.path) or entry.link is not None:
        return False
    head = entry.content.head(128)
    if _SCRIPT.match(head):
        return True
    odd = executables.odd(entry.name, head[:4], entry.content)
    return odd is not None and odd.system == executables.WINDOWS


def _links_kept_whole(tree: Tree) -> Tree:
    """Remove links whose target was removed."""
    paths = tree.paths()
    folders = {parent for path in paths for parent in parents(path)}

    def dangling(entry: Entry) -> bool:
        if entry.link is None or entry.link.startswith("/"):
            return False
        pointed = posixpath.normpath(posixpath.join(entry.parent, entry.link))
        return not pointed.startswith("..") and pointed not in paths and pointed not in folders

    return tree.without(dangling)


def _with_true_records(tree: Tree) -> Tree:
    """Rewrite each RECORD to list the remaining files, without hashes, which may be outdated (PEP 376 allows that)."""
    paths = tree.paths()
    return of(_true_record(entry, paths) if entry.path.endswith(".dist-info/RECORD") else entry for entry in tree)


def _true_record(entry: Entry, paths: set[str]) -> Entry:
    root = entry.parent.rpartition("/")[0]
    rows = csv.reader(io.StringIO(entry.content.read().decode("utf-8", errors="replace")))
    listed = sorted({row[0] for row in rows if row and posixpath.normpath(f"{root}/{row[0]}") in paths})
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([name, "", ""] for name in listed)
    return rewritten(entry, text.getvalue().encode())
