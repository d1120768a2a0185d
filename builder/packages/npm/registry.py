"""What a registry says of exactly the versions of a lock: install scripts, platforms, and digests that a lock lacks.

npm asks: it gets the packages as a lock of version 1, which it completes from the registry and keeps as it is. Nothing
but these facts is taken of its answer. They are kept in the cache, since a version is published once.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from builder.base import cache_paths, records, texts
from builder.base.errors import BuildError
from builder.packages.npm import layout, npm, package_lock, settings
from builder.packages.npm.graph import PLATFORM, Graph, Need, PackageNode
from builder.packages.npm.local import Own

_HINT = "were they withdrawn, or are they from another registry? .npmrc names it: `@scope:registry=`, `registry=`"


def completed(graph: Graph, own: Own) -> Graph:
    """Return a graph whose packages of registries have what their registry says. Raises BuildError for unknown ones."""
    published = {key: node for key, node in graph.nodes.items() if not node.is_local}
    nodes = {key: _only(node, published) for key, node in published.items()}
    placed, facts = _told(Graph(needs=_named(_asked(graph), published), nodes=nodes), own)
    # npm leaves out what only an optional peer leads to, if the package would have it otherwise
    if rest := [node.key for node in placed.values() if node.key not in facts]:
        facts.update(_told(Graph(needs=_named(rest, published), nodes=nodes), own)[1])
    if unknown := sorted({f"{node.name}@{node.version}" for node in placed.values() if node.key not in facts}):
        msg = "the npm registry does not tell of packages that the lock names"
        raise BuildError(msg, why=unknown[:8], hint=_HINT)
    if other := sorted({node.key for node in placed.values() if _differs(node, facts[node.key])}):
        msg = "the npm registry has other files for packages than those that the lock names"
        raise BuildError(msg, why=other[:8], hint=_HINT)
    return replace(graph, nodes={key: _with(node, facts.get(key, {})) for key, node in graph.nodes.items()})


def _only(node: PackageNode, published: Mapping[str, PackageNode]) -> PackageNode:
    return replace(node, needs={name: need for name, need in node.needs.items() if need.to in published})


def _told(asking: Graph, own: Own) -> tuple[dict[str, PackageNode], dict[str, Mapping[str, Any]]]:
    """Return the packages of a graph by their paths, and what the registry says of them, as far as it does, by key."""
    placed = layout.placed(asking)
    if not placed:
        return {}, {}
    digests = sorted((path, node.integrity) for path, node in placed.items())
    rows = _answer(*_question(asking, placed), digests, own)
    return placed, {node.key: rows[path] for path, node in placed.items() if _is(rows.get(path), node)}


def _asked(graph: Graph) -> list[str]:
    """Return the keys of what the project and its local packages need."""
    local = [node.needs for node in graph.reached() if node.is_local]
    return [need.to for needs in (graph.needs, *local) for need in needs.values()]


def _named(keys: Iterable[str], published: Mapping[str, PackageNode]) -> dict[str, Need]:
    """Return packages of registries as dependencies, each under a name that no other has."""
    every = enumerate(dict.fromkeys(keys))
    return {f"asked-{number}": Need(to=key) for number, key in every if key in published}


def _question(graph: Graph, placed: Mapping[str, PackageNode]) -> tuple[str, str]:
    """Return package.json and a package-lock.json of version 1, whose rows lie in each other."""
    rows: dict[str, dict[str, Any]] = {"": {"dependencies": {}}}
    for path, node in sorted(placed.items(), key=lambda pair: pair[0].count("/node_modules/")):
        above, _, name = f"/{path}".rpartition("/node_modules/")
        row = {
            "version": _spec(name, node),
            "requires": {each: _spec(each, graph.nodes[need.to]) for each, need in node.needs.items()},
        }
        rows[path] = {key: value for key, value in row.items() if value}
        rows[above.removeprefix("/")].setdefault("dependencies", {})[name] = rows[path]
    wanted = {name: _spec(name, graph.nodes[need.to]) for name, need in graph.needs.items()}
    head = {"name": "layer", "version": "0.0.0"}
    lock = {**head, "lockfileVersion": 1, "requires": True, "dependencies": rows[""]["dependencies"]}
    return json.dumps({**head, "dependencies": wanted}), json.dumps(lock)


def _spec(name: str, node: PackageNode) -> str:
    return node.version if name == node.name else f"npm:{node.name}@{node.version}"


def _answer(manifest: str, lock: str, digests: list[tuple[str, str]], own: Own) -> package_lock.Rows:
    """Return npm's answer. It is asked anew where the lock has other digests, and of other registries."""
    asked = [manifest, lock, digests, settings.read(own.project).registries]
    key = hashlib.sha256(json.dumps(asked).encode()).hexdigest()
    path = cache_paths.folder("resolved") / f"npm-{key}.json"

    def ask(part: Path) -> None:
        part.write_text(npm.describe(manifest, lock, own), encoding="utf-8", newline="\n")

    return package_lock.rows(texts.read(records.made(path, ask)), "the npm registry")


def _is(row: Mapping[str, Any] | None, node: PackageNode) -> bool:
    return row is not None and row.get("version") == node.version


def _differs(node: PackageNode, facts: Mapping[str, Any]) -> bool:
    """Return whether two digests of one kind contradict each other: a package of that name is somebody else's."""
    found = dict(word.split("-", 1) for word in str(facts.get("integrity", "")).split())
    named = dict(word.split("-", 1) for word in node.integrity.split())
    return any(found.get(kind, digest) != digest for kind, digest in named.items())


def _with(node: PackageNode, facts: Mapping[str, Any]) -> PackageNode:
    """Return a package with facts of its registry. The digest of a lock stays: npm compares it with what it gets."""
    return replace(
        node,
        integrity=node.integrity or str(facts.get("integrity", "")),
        platform={**node.platform, **{key: facts[key] for key in PLATFORM if facts.get(key)}},
        scripted=node.scripted or bool(facts.get("hasInstallScript")),
    )
