"""Gems in anybody's layer, by the specifications that Ruby reads."""

import re
from collections.abc import Iterator

from builder.layer.installed import Installed, description
from builder.layer.tree import Tree

_GEMSPEC = re.compile(
    r"^(?P<root>ruby/gems/[^/]+)/specifications/(?P<name>.+?)-(?P<version>\d[^/-]*)(?:-[^/]+)?\.gemspec$"
)
_NAME = re.compile(r"^ruby/gems/[^/]+/specifications/(?P<name>.+?)-\d[^/]*\.gemspec$")
_LICENSES = re.compile(r"\.licenses? = \[?(?P<listed>[^\]\n]*)")
_QUOTED = re.compile(r"[\"']([^\"']+)[\"']")


def installed(content: Tree) -> Iterator[Installed]:
    """Yield the gems of a layer. Ruby keeps versions of a gem beside each other, so each has a root of its own."""
    for entry in content:
        if (match := _GEMSPEC.match(entry.path)) and entry.link is None:
            root = f"{match['root']}/gems/{match['name']}-{match['version']}"
            yield Installed(
                ecosystem="gem",
                root=root,
                name=match["name"],
                version=match["version"],
                described=entry.path,
                license=_license(description(entry).decode(errors="replace")),
                folder=root,
            )


def _license(text: str) -> str:
    match = _LICENSES.search(text)
    return " OR ".join(_QUOTED.findall(match["listed"])) if match else ""


def names(content: Tree) -> Iterator[str]:
    """Yield the names of the gems that Ruby finds."""
    for entry in content:
        if match := _NAME.match(entry.path):
            yield match["name"]
