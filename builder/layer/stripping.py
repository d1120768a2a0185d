"""Strip the ELF files of a layer, each once: what becomes of the same bytes is remembered."""

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from builder.layer import derived, packing, strip
from builder.layer.derived import Kind
from builder.layer.elf import MAGIC
from builder.layer.hashed import Hashed
from builder.layer.store import Store
from builder.layer.tree import Content, Entry, OnDisk, Tree, never_program

_WORTH_STRIPPING = 512
"""Bytes. A file that would shrink by less stays as its publisher made it."""
_FORM = struct.Struct("<32sQQ")


@dataclass(frozen=True, slots=True)
class Shrunk:
    """What becomes of a file."""

    sha256: bytes
    size: int
    dropped: int
    """Bytes; 0 for a file that stays as it is, whose other fields say nothing."""


_AS_IT_IS = Shrunk(b"", 0, 0)


def strip_all(tree: Tree, scratch: Path, store: Store | None) -> list[tuple[Entry, int]]:
    """Return the entries of the files that become smaller, each with the bytes that are dropped of it.

    Stripped files are written to the folder `scratch`, which is made, unless `store` remembers what becomes of them.
    """
    scratch.mkdir()
    programs = [entry for entry in tree if entry.link is None and not never_program(entry.path)]
    written: dict[str, Content] = {}

    def make(entries: Sequence[Entry]) -> list[Shrunk]:
        return [_strip(entry, scratch, written) for entry in entries]

    shrunk = derived.of_all(programs, STRIPPED, store, make)
    found = [(entry, one) for entry, one in zip(programs, shrunk, strict=True) if one.dropped]
    return [(replace(entry, content=_content(entry, one, written, store)), one.dropped) for entry, one in found]


def _strip(entry: Entry, scratch: Path, written: dict[str, Content]) -> Shrunk:
    if entry.content.head(4) != MAGIC:
        return _AS_IT_IS
    stripped = strip.strip(entry.content.read())
    if stripped is None or stripped.dropped < _WORTH_STRIPPING:
        return _AS_IT_IS
    path = scratch / str(len(written))
    path.write_bytes(stripped.data)
    written[entry.path] = OnDisk(path=path, size=len(stripped.data))
    return Shrunk(hashlib.sha256(stripped.data).digest(), len(stripped.data), stripped.dropped)


def _content(entry: Entry, one: Shrunk, written: dict[str, Content], store: Store | None) -> Hashed:
    if store is None or entry.path in written:
        return Hashed(sha256=one.sha256, content=written[entry.path])
    return packing.remembered(one.sha256, one.size, store, lambda: _again(entry))


def _again(entry: Entry) -> bytes:
    stripped = strip.strip(entry.content.read())
    return stripped.data if stripped else b""


def _encoded(one: Shrunk) -> bytes:
    return _FORM.pack(one.sha256, one.size, one.dropped) if one.dropped else b""


def _decoded(data: bytes) -> Shrunk:
    if not data:
        return _AS_IT_IS
    try:
        return Shrunk(*_FORM.unpack(data))
    except struct.error as error:
        raise ValueError from error


STRIPPED: Kind[Shrunk] = Kind(name="stripped", encode=_encoded, decode=_decoded, by_path=False)
"""What becomes of one file."""
