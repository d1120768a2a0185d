"""The layers of one function together. Lambda extracts them in order; a later layer replaces files of earlier ones."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

from builder.base.frozen import dataclass
from builder.layer.checks.model import Check, register
from builder.layer.findings import ERROR, WARNING, Finding
from builder.layer.installed import Installed
from builder.layer.tree import Entry, Tree
from builder.model.limits import MB, UNZIPPED_LIMIT

MOST = 5
"""Maximum number of layers of a function (developer guide, "Lambda quotas")."""
_LISTED = 8
_DISTINCT = re.compile(r"(?:\.dist-info/|^python/\.lock|/__pycache__/|\.pyc$)")
"""Metadata of packages and generated files; other findings report their conflicts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StackedLayer:
    """One of several layers of a function."""

    name: str
    tree: Tree
    packages: tuple[Installed, ...]
    """The packages that the ecosystems find in it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Merged:
    """The content of /opt that a function sees."""

    tree: Tree
    origin: dict[str, str]
    """The layer that each path comes from."""
    hidden: tuple[tuple[str, str, str], ...]
    """Path, the layer whose file is visible, and the layer whose different file is hidden."""


def merge(layers: Sequence[StackedLayer]) -> Merged:
    """Return the layers merged in their order (developer guide, "Adding layers to functions")."""
    chosen: dict[str, tuple[str, Entry]] = {}
    hidden: list[tuple[str, str, str]] = []
    for layer in layers:
        for entry in layer.tree:
            before = chosen.get(entry.path)
            if before and not _same(before[1], entry):
                hidden.append((entry.path, layer.name, before[0]))
            chosen[entry.path] = (layer.name, entry)
    tree = Tree(()).with_entries(entry for _, entry in chosen.values())
    return Merged(tree=tree, origin={path: name for path, (name, _) in chosen.items()}, hidden=tuple(sorted(hidden)))


def _same(one: Entry, other: Entry) -> bool:
    if one.link != other.link or one.size != other.size:
        return False
    return one.content.read() == other.content.read()


Layers = Sequence[StackedLayer]
Rule = Callable[[Layers, Merged], Iterable[Finding]]
CHECKS: dict[str, Check[Rule]] = {}
"""Checks of the layers of one function together."""


def findings(layers: Layers, merged: Merged) -> Iterator[Finding]:
    """Yield the problems of layers together; each layer may be valid alone."""
    for check in CHECKS.values():
        yield from check.rule(layers, merged)


@register(CHECKS, "merge-size", "Lambda's limit of 250 MB unzipped is for a function with all its layers.")
def size(layers: Layers, _: Merged) -> Iterator[Finding]:
    total = sum(layer.tree.unzipped_bytes for layer in layers)
    if total > UNZIPPED_LIMIT:
        yield Finding(
            check="merge-size",
            severity=ERROR,
            path=None,
            message=f"together the layers are {total:,} bytes unzipped, {total - UNZIPPED_LIMIT:,} over Lambda's limit",
            hint="the limit is for the function with all its layers; `layerwright inspect` shows what is large",
            details=tuple(f"{layer.tree.unzipped_bytes / MB:8.1f} MB  {layer.name}" for layer in layers),
        )


@register(
    CHECKS,
    "merge-package",
    "Two versions of one package become one folder with files of both, of which neither reliably works.",
)
def packages(layers: Layers, _: Merged) -> Iterator[Finding]:
    versions: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for layer in layers:
        for package in layer.packages:
            versions[package.root, package.name].setdefault(package.version, layer.name)
    for (root, name), origins in sorted(versions.items()):
        if len(origins) > 1:
            listed = ", ".join(f"{version} in {layer}" for version, layer in origins.items())
            yield Finding(
                check="merge-package",
                severity=ERROR,
                path=root,
                message=f"gets {name} in {len(origins)} versions: {listed}",
                hint="build the layers with one version of it, or leave it out of all but one",
            )


@register(CHECKS, "merge-file", "Of two different files at one path, the function sees only that of the later layer.")
def files(_: Layers, merged: Merged) -> Iterator[Finding]:
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for path, winner, loser in merged.hidden:
        if not _DISTINCT.search(path):
            groups[winner, loser].append(path)
    for (winner, loser), paths in sorted(groups.items()):
        more = (f"and {len(paths) - _LISTED} more",) if len(paths) > _LISTED else ()
        yield Finding(
            check="merge-file",
            severity=WARNING,
            path=paths[0],
            message=f"and {len(paths) - 1} others: {winner} wins over {loser}"
            if paths[1:]
            else f"{winner} wins over {loser}",
            hint="later layers win; change the order of the function's layers if the other file is the right one",
            details=(*paths[:_LISTED], *more),
        )
