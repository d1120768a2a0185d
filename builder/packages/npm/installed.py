"""Node.js packages in anybody's layer, with their versions and licenses."""

import re
from collections.abc import Iterator, Mapping
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


def importable(content: Tree) -> Iterator[str]:
    """Yield the packages that code can import, without those that others bring: not all of these are for Node.js.

    Left out are packages with nothing but types or a binary, and those that export nothing under their own name.
    """
    matches = ((entry, _IMPORTABLE.match(entry.path)) for entry in content)
    described = {match["name"]: texts.parse_object(description(entry)) for entry, match in matches if match}
    brought = {name for about in described.values() for name in _needed(about)}
    for name in described.keys() - brought or described:
        if _is_importable(described[name]):
            yield name


def _needed(about: Mapping[str, Any]) -> Iterator[str]:
    for key in ("dependencies", "optionalDependencies"):
        named = about.get(key)
        yield from named if isinstance(named, dict) else ()


def _is_importable(about: Mapping[str, Any]) -> bool:
    exported = about.get("exports")
    paths_alone = isinstance(exported, dict) and bool(exported) and all(path.startswith("./") for path in exported)
    only_here = any(about.get(key) for key in ("os", "cpu", "libc"))  # a binary that another package loads
    return bool(about.get("main") or about.get("module") or exported) and not paths_alone and not only_here
