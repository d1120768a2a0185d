"""What is told of files by their bytes alone, remembered by their SHA-256.

It is forgotten when the code of this room changes, or the tables that it reads: then other things may be told.
"""

import hashlib
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Generic, TypeVar

from builder import __version__
from builder.base.frozen import dataclass
from builder.layer.hashed import digest
from builder.layer.store import Store
from builder.layer.tree import Entry
from builder.model import facts, loaded_by_name

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind(Generic[T]):
    """One kind of what is told, and its form in the store."""

    name: str
    encode: Callable[[T], bytes | None]
    """Returns None for what is not worth keeping, or cannot be."""
    decode: Callable[[bytes], T]
    """Raises ValueError for bytes that `encode` never returns."""
    by_path: bool = True
    """Whether the path of a file has a say."""


def of_all(
    entries: Sequence[Entry], kind: Kind[T], store: Store | None, make: Callable[[Sequence[Entry]], Iterable[T]]
) -> list[T]:
    """Return what is told of files, in their order; `make` is called with those of which nothing is remembered."""
    keys = [_key(entry, kind) for entry in entries] if store else []
    if store is None or not any(keys):
        return list(make(entries))
    kept = store.get_all(filter(None, keys))
    told = [_decoded(kept.get(key or b""), kind) for key in keys]
    missing = [number for number, one in enumerate(told) if one is None]
    fresh = {}
    for number, one in zip(missing, make([entries[number] for number in missing]), strict=True):
        told[number] = one
        if (key := keys[number]) and (data := kind.encode(one)) is not None:
            fresh[key] = data
    store.put(fresh)
    return [one for one in told if one is not None]


def _key(entry: Entry, kind: Kind[T]) -> bytes | None:
    sha256 = digest(entry.content)
    if sha256 is None:
        return None
    path = entry.path.encode() if kind.by_path else b""
    return hashlib.sha256(b"\0".join((kind.name.encode(), of_code(), sha256, path))).digest()


def _decoded(data: bytes | None, kind: Kind[T]) -> T | None:
    if data is None:
        return None
    try:
        return kind.decode(data)
    except ValueError:
        return None


@cache
def of_code() -> bytes:
    """Return a digest of all that decides what is told: the code of this room, the Python that runs it, and tables."""
    return digest_of_code(Path(__file__).parent)


def digest_of_code(room: Path) -> bytes:
    """Return the digest for a folder with the code of this room."""
    found = hashlib.sha256(f"{__version__} {sys.version_info[:2]}".encode())
    for path in sorted((*room.glob("*.py"), *room.glob("checks/*.py"))):
        found.update(path.read_bytes())
    found.update((facts.folder() / loaded_by_name.FILE).read_bytes())
    return found.digest()
