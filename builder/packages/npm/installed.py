"""Node.js packages in anybody's layer, with their versions and licenses."""

import re
from collections.abc import Iterator

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
    """Yield the packages that code can import. Packages with nothing but types or a binary are left out."""
    for entry in content:
        if match := _IMPORTABLE.match(entry.path):
            text = description(entry)
            only_here = re.search(rb'"(?:os|cpu|libc)"\s*:', text)  # a binary that another package loads
            if re.search(rb'"(?:main|module|exports)"\s*:', text) and not only_here:
                yield match["name"]
