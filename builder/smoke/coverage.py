"""What the default tests do not try of a layer, by kinds of files."""

import re
from collections.abc import Iterator

from builder.layer.names import SITE_PACKAGES
from builder.layer.tree import Entry, Tree
from builder.model.runtimes import Runtime

_KINDS = (
    ("classes of jars", re.compile(r"java/lib/.*\.jar$")),
    ("extensions", re.compile(r"extensions/[^/]+$")),
    ("bootstrap", re.compile(r"bootstrap$")),
    ("programs outside of bin/", re.compile(r"libexec/|sbin/")),
)
_READ_BY = {"python": ("modules of Python", SITE_PACKAGES), "nodejs": ("packages of Node.js", re.compile(r"nodejs/"))}
_TRIED = re.compile(r"(?:bin|lib|ruby|java|nodejs|python)/")


def untried(content: Tree, runtime: Runtime) -> tuple[str, ...]:
    """Return the kinds of files in a layer that the default tests leave out, in words."""
    return tuple(dict.fromkeys(name for entry in content for name in _of(entry, runtime)))


def _of(entry: Entry, runtime: Runtime) -> Iterator[str]:
    for name, pattern in _KINDS:
        if pattern.match(entry.path):
            yield name
            return
    for language, (name, pattern) in _READ_BY.items():
        if pattern.match(entry.path):
            if runtime.language != language:
                yield name
            return
    if not _TRIED.match(entry.path):
        yield "data files"
