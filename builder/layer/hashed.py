"""Files whose SHA-256 is known, so that what was made of the same bytes before need not be made again."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from builder.base import files
from builder.base.frozen import dataclass
from builder.layer.tree import Content, Entry, OnDisk, Tree

_LARGE = 256 << 10
"""Bytes from which a file is hashed on another core."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Hashed:
    """The bytes of a file, with their digest."""

    sha256: bytes
    """32 bytes."""
    content: Content

    @property
    def size(self) -> int:
        return self.content.size

    def read(self) -> bytes:
        return self.content.read()

    def head(self, count: int) -> bytes:
        return self.content.head(count)


def digest(content: Content) -> bytes | None:
    """Return the SHA-256 of the bytes of a file if it is known."""
    return content.sha256 if isinstance(content, Hashed) else None


def hashed(tree: Tree) -> Tree:
    """Return the tree with the digests of all its files; those that are not known are taken, each file read once."""
    unknown = [entry for entry in tree if entry.link is None and digest(entry.content) is None]
    if not unknown:
        return tree
    digests = dict(_taken(unknown))
    return Tree(tuple(_with(entry, digests.get(entry.path)) for entry in tree))


def _with(entry: Entry, sha256: bytes | None) -> Entry:
    return replace(entry, content=Hashed(sha256=sha256, content=entry.content)) if sha256 else entry


def _taken(entries: Iterable[Entry]) -> Iterator[tuple[str, bytes]]:
    large = []
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for entry in entries:
            if entry.size < _LARGE:
                yield entry.path, hashlib.sha256(entry.content.read()).digest()
            else:
                large.append((entry.path, pool.submit(_sha256, entry.content)))
        yield from ((path, future.result()) for path, future in large)


def _sha256(content: Content) -> bytes:
    """Return the SHA-256 of a large file, which is not read as a whole where that can be."""
    if isinstance(content, OnDisk):
        return bytes.fromhex(files.sha256(content.path))
    return hashlib.sha256(content.read()).digest()
