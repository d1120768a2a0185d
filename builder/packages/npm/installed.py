"""Node.js packages in anybody's layer, with their versions and licenses."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from builder.base import texts
from builder.layer.installed import Installed, description
from builder.layer.tree import Tree

_DESCRIBED = re.compile(r"^nodejs/(?:node\d+/)?node_modules/(?P<name>(?:@[^/]+/)?[^/]+)/package\.json$")
_IMPORTABLE = re.compile(r"^nodejs/(?:node\d+/)?node_modules/(?P<name>(?:@[^/]+/)?[^/@.][^/]*)/package\.json$")


def installed(content: Tree) -> Iterator[Installed]:
    """Yield the packages in the node_modules that are on the search path of Lambda."""
    for entry in content:
        if (match := _DESCRIBED.match(entry.path)) and entry.link is None:
            data = description(entry)
            version = re.search(rb'"version"\s*:\s*"([^"]+)"', data)
            yield Installed(
                ecosystem="npm",
                root=entry.path.partition("node_modules/")[0] + "node_modules",
                name=match["name"],
                version=version[1].decode("ascii", errors="replace") if version else "?",
                described=entry.path,
                license=_license(data),
                folder=entry.parent,
            )


def _license(data: bytes) -> str:
    """Return the `license` of a package.json, or the `licenses` of an old one, as an expression."""
    described = texts.parse_object(data)
    declared = described.get("license") or described.get("licenses") or ""
    listed = declared if isinstance(declared, list) else [declared]
    return " OR ".join(str(entry.get("type", "") if isinstance(entry, dict) else entry) for entry in listed)


def asked_for(content: Tree) -> dict[str, Mapping[str, Any]]:
    """Return the packages that others do not bring, with their package.json: not all of those are for Node.js."""
    matches = ((entry, _IMPORTABLE.match(entry.path)) for entry in content)
    described = {match["name"]: texts.parse_object(description(entry)) for entry, match in matches if match}
    brought = {name for about in described.values() for name in _needed(about)}
    return {name: described[name] for name in sorted(described.keys() - brought or described)}


def _needed(about: Mapping[str, Any]) -> Iterator[str]:
    for key in ("dependencies", "optionalDependencies"):
        named = about.get(key)
        yield from named if isinstance(named, dict) else ()


def is_for_one_platform(about: Mapping[str, Any]) -> bool:
    """Tell whether a package holds a binary that another package loads where it fits."""
    return any(about.get(key) for key in ("os", "cpu", "libc"))


def has_entry(name: str, about: Mapping[str, Any], paths: Collection[str]) -> bool:
    """Tell whether a package exports something under its own name: one of types alone does not."""
    exported = about.get("exports")
    if exported:
        return not (isinstance(exported, dict) and all(path.startswith("./") for path in exported))
    return bool(about.get("main") or about.get("module")) or f"nodejs/node_modules/{name}/index.js" in paths
