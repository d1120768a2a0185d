"""The compressed form of a file. It is kept by the SHA-256 of the file, which can be unpacked from it again."""

import hashlib
import struct
from collections.abc import Callable, Iterable, Sequence

import deflate

from builder.base.errors import BuildError
from builder.base.frozen import dataclass
from builder.layer import compression
from builder.layer.hashed import Hashed, digest
from builder.layer.store import Store
from builder.layer.tree import Content

STORED, DEFLATED = 0, 8
"""Methods of a zip."""
_HEAD = struct.Struct("<IH")
_MOST_KEPT = 32 << 20
"""Compressed bytes of a file that is kept: a larger one would be in memory several times."""


class StaleError(BuildError):
    """A file that is made again is not what it was: what is remembered of an earlier build does not hold."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Packed:
    crc: int
    method: int
    raw_size: int
    data: bytes | bytearray | memoryview


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """Bytes that are unpacked from the store, and made again where it lost them."""

    sha256: bytes
    size: int
    store: Store
    again: Callable[[], bytes]

    def read(self) -> bytes:
        """Return the bytes. Raises StaleError if they are lost, and not the same when they are made again."""
        data = unpacked(self.store, self.sha256, self.size)
        if data is None:
            data = self.again()
            if hashlib.sha256(data).digest() != self.sha256:
                msg = "the caches remember a file that is no longer made as it was"
                raise StaleError(msg, hint="`layerwright cache prune --everything` removes the caches")
        return data

    def head(self, count: int) -> bytes:
        return self.read()[:count]


def remembered(sha256: bytes, size: int, store: Store, again: Callable[[], bytes]) -> Hashed:
    """Return a file of which only size and digest are at hand."""
    return Hashed(sha256=sha256, content=Kept(sha256=sha256, size=size, store=store, again=again))


def pack(contents: Sequence[Content], level: int, store: Store | None) -> list[Packed]:
    """Return files compressed, those from `store` whose bytes were compressed before."""
    keys = [_key(sha256, level) if (sha256 := digest(content)) else None for content in contents]
    kept = store.get_all(filter(None, keys)) if store else {}
    fresh: dict[bytes, bytes] = {}
    packed = []
    for content, key in zip(contents, keys, strict=True):
        one = _parsed(kept[key], content.size) if key in kept else None
        if one is None:
            one = packed_at(content.read(), level)
            if key and len(one.data) <= _MOST_KEPT:
                fresh[key] = b"".join((_HEAD.pack(one.crc, one.method), one.data))
        packed.append(one)
    if store and fresh:
        store.put(fresh)
    return packed


def packed_at(raw: bytes, level: int) -> Packed:
    """Return bytes compressed, or as they are if that makes them no smaller."""
    crc = deflate.crc32(raw)
    data = deflate.deflate_compress(raw, level) if raw else b""
    if len(data) >= len(raw):
        return Packed(crc=crc, method=STORED, raw_size=len(raw), data=raw)
    return Packed(crc=crc, method=DEFLATED, raw_size=len(raw), data=data)


def keep(contents: Iterable[Hashed], store: Store) -> None:
    """Keep small files that will be read again though no zip has them."""
    pack(list(contents), compression.LEVEL, store)


def present(hashes: Iterable[bytes], store: Store) -> set[bytes]:
    """Return those of the SHA-256 whose files can be unpacked from the store."""
    keys = {_key(sha256, compression.LEVEL): sha256 for sha256 in hashes}
    return {keys[key] for key in store.present(keys)}


def unpacked(store: Store, sha256: bytes, size: int) -> bytes | None:
    """Return the bytes of a file; None if the store has them no longer, or others."""
    kept = store.get(_key(sha256, compression.LEVEL))
    packed = _parsed(kept, size) if kept is not None else None
    if packed is None:
        return None
    try:
        raw = bytes(packed.data if packed.method == STORED else deflate.deflate_decompress(packed.data, size))
    except (deflate.DeflateError, ValueError):
        return None
    return raw if hashlib.sha256(raw).digest() == sha256 else None


def _key(sha256: bytes, level: int) -> bytes:
    return hashlib.sha256(b"packed" + sha256 + compression.named(str(level)).encode()).digest()


def _parsed(kept: bytes, size: int) -> Packed | None:
    if len(kept) < _HEAD.size:
        return None
    crc, method = _HEAD.unpack_from(kept)
    data = memoryview(kept)[_HEAD.size :]
    if method not in {STORED, DEFLATED} or (method == STORED and len(data) != size):
        return None
    return Packed(crc=crc, method=method, raw_size=size, data=data)
