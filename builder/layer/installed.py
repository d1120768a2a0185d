"""Packages that were found in a layer. The ecosystems of `packages/` find them; this room reads the result."""

import re
from collections.abc import Iterator

from builder.base.frozen import dataclass
from builder.layer.elf import MAGIC
from builder.layer.tree import Entry, Tree

_PROGRAM = re.compile(r"(?:bin/|extensions/)?[^/]+")
_MOST = 256 << 20
"""Bytes of a program that is still read; a layer has at most 250 MB."""
_MOST_TEXT = 16 << 20
"""Bytes of a description that is still read; the largest real ones have some 100 kB."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Installed:
    """A package that a layer brings."""

    ecosystem: str
    """The type of its package URL: `pypi`, `npm`, `gem`, `maven`."""
    root: str
    """The folder in which code looks for it; two versions of a package in one folder clash."""
    name: str
    version: str
    described: str
    """Path of the file that says so: METADATA, package.json, a gemspec, or the jar itself."""
    license: str = ""
    """SPDX expression or, with older packages, whatever they call it; empty if they declare nothing."""
    statements: tuple[str, ...] = ()
    """Everything that the package states about its license, for the check; empty is `license` alone."""
    folder: str = ""
    """The folder that its license texts lie in."""


def programs(content: Tree) -> Iterator[Entry]:
    """Yield the ELF files in bin, in extensions and at the top, which may name the packages they were compiled of.

    Libraries are left out: to read all of them would make checks slow.
    """
    for entry in content:
        runs = entry.link is None and entry.mode & 0o111 and entry.size <= _MOST
        if runs and _PROGRAM.fullmatch(entry.path) and entry.content.head(len(MAGIC)) == MAGIC:
            yield entry


def description(entry: Entry) -> bytes:
    """Return the file that describes a package, such as METADATA; nothing of one that is far too large to be real."""
    return entry.content.read() if entry.size <= _MOST_TEXT else b""
