"""A graph of packages as package.json and package-lock.json of npm, for one target.

npm installs from these two texts, and verifies every hash. So one program fetches and unpacks the packages of all
tools, with one set of settings, and the lock of the project decides what they are.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from builder.base.errors import UsageError
from builder.base.frozen import dataclass
from builder.model.architectures import Architecture
from builder.packages.npm import graph as graphs
from builder.packages.npm import layout, local, packlist
from builder.packages.npm.graph import Graph, Need, PackageNode
from builder.packages.npm.local import LocalPackage


@dataclass(frozen=True, kw_only=True, slots=True)
class Converted:
    """What npm installs for a target."""

    manifest: str
    lock: str
    local: tuple[LocalPackage, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Around:
    """Where the files of a project are."""

    root: Path
    """The folder of the lock, which its paths are relative to."""
    repository: Path
    """No local package is outside of it."""
    lock: Path


def converted(graph: Graph, around: Around, arch: Architecture) -> Converted:
    """Return the packages of a graph for an architecture, in npm's own form. Raises UsageError for unusable ones."""
    here = graph.on(arch)
    graphs.refuse_cycles(here, around.lock.as_posix())
    packages = dict(local_packages(here, around))
    placed = layout.placed(here)
    rows = {path: _row(path, node, here, packages) for path, node in placed.items()}
    for path, node in placed.items():
        rows.update({f"{path}/{inner}": dict(row) for inner, row in node.bundled.items()})
    root = {"name": "layer", "version": "0.0.0", "dependencies": _specs(here.needs, here, packages)}
    lock = {"name": "layer", "version": "0.0.0", "lockfileVersion": 3, "requires": True}
    return Converted(
        manifest=_json({**root, "private": True}),
        lock=_json({**lock, "packages": {"": root, **dict(sorted(rows.items()))}}),
        local=tuple(sorted(packages.values(), key=lambda package: int(package.file.partition(".")[0]))),
    )


def _json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2) + "\n"


def _row(path: str, node: PackageNode, graph: Graph, packages: Mapping[str, LocalPackage]) -> dict[str, Any]:
    package = packages.get(node.key)
    resolved, integrity = (package.address, package.integrity) if package else (node.resolved, node.integrity)
    row: dict[str, Any] = {
        "name": node.name if path.rpartition("node_modules/")[2] != node.name else "",
        "version": package.version if package else node.version,
        "resolved": resolved,
        "integrity": integrity,
        "hasInstallScript": _scripted(node, package),
        "dependencies": _specs(node.needs, graph, packages),
        "bundleDependencies": sorted({name.split("/node_modules/")[0] for name in _bundled(node)}),
    }
    return {key: value for key, value in row.items() if value}


def _bundled(node: PackageNode) -> Iterator[str]:
    yield from (path.removeprefix("node_modules/") for path in node.bundled)


def _scripted(node: PackageNode, package: LocalPackage | None) -> bool:
    if package is None or package.packed:
        return node.scripted
    return local.has_script(packlist.described(package.folder), [file.path for file in package.files])


def _specs(needs: Mapping[str, Need], graph: Graph, packages: Mapping[str, LocalPackage]) -> dict[str, str]:
    """Return what package.json says of packages: exactly these versions."""
    found: dict[str, str] = {}
    for name, need in sorted(needs.items()):
        node = graph.nodes[need.to]
        version = packages[node.key].version if node.key in packages else node.version
        found[name] = version if node.name == name else f"npm:{node.name}@{version}"
    return found


def local_packages(graph: Graph, around: Around) -> Iterator[tuple[str, LocalPackage]]:
    """Yield the keys of local packages with what they have, in the order of their keys."""
    found = sorted(
        (node for node in graph.reached() if node.is_local),
        key=lambda node: node.key,
    )
    for number, node in enumerate(found, 1):
        if node.tarball is not None:
            yield node.key, local.of_tarball(_inside(node.tarball, node, around), node, number)
        else:
            folder = _inside(node.folder, node, around)
            yield node.key, local.of_folder(folder, node.folder, number, _above(folder, around.root))


def _above(folder: Path, root: Path) -> list[Path]:
    """Return the folders from the root of a workspace to the one that a member lies in."""
    if not folder.is_relative_to(root) or folder == root:
        return []
    return [root, *reversed([each for each in folder.parents if root in each.parents])]


def _inside(relative: str, node: PackageNode, around: Around) -> Path:
    """Return the path of a local package. Raises UsageError if it is not there, or outside of the repository."""
    path = (around.root / relative).resolve()
    if not path.is_relative_to(around.repository.resolve()):
        msg = f"{around.lock.as_posix()}: {node.name} is {relative}, outside of {around.repository.as_posix()}"
        why = ["a layer is made of what is in one repository: nothing else of this host takes part"]
        raise UsageError(msg, why=why, hint="`npm pack` makes a tarball of it, which `npm install FILE` locks by hash")
    if node.folder and not path.exists():
        msg = f"{around.lock.as_posix()}: {node.name} is the folder {relative}, which is not there"
        hint = "is the checkout complete? `npm install --package-lock-only` locks what is there"
        raise UsageError(msg, hint=hint)
    return path
