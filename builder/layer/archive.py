"""Write the zip: the same bytes for the same tree on every host, on all cores, in little memory.

Python's zipfile does not accept finished deflate streams, and the output of zlib differs between its builds (zlib-ng,
Intel's, Cloudflare's). So the streams come from one pinned libdeflate, and the few structures around them are written
here (PKWARE APPNOTE 6.3.10).
"""

import base64
import hashlib
import os
import struct
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import BinaryIO

from builder.base.errors import BuildError
from builder.base.frozen import dataclass
from builder.layer import compression, names, packing
from builder.layer.packing import Packed
from builder.layer.store import Store
from builder.layer.tree import Entry, Tree
from builder.model.limits import DIRECT_LIMIT

_IN_FLIGHT = 64 << 20
"""Bytes of files in memory at once; a larger file is compressed alone."""
_BATCH = 1 << 20
"""Bytes of small files that one thread gets together."""
_SHOWN = 10
_DOS_DATE, _DOS_TIME = 0x0021, 0
"""1980-01-01 00:00, the earliest time that a zip can hold."""
_UNIX, _UTF8 = 3, 0x800
_MAX16, _MAX32 = 0xFFFF, 0xFFFFFFFF
_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_END64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR64 = struct.Struct("<4sIQI")
_LINK_TYPE, _FILE_TYPE = 0o120000, 0o100000


@dataclass(frozen=True, kw_only=True, slots=True)
class WrittenZip:
    bytes: int
    sha256: str
    """Hexadecimal."""

    @property
    def code_sha256(self) -> str:
        """SHA-256 of the zip in base64, which Lambda reports as CodeSha256."""
        return base64.b64encode(bytes.fromhex(self.sha256)).decode("ascii")


_Pack = Callable[[Sequence[Entry]], list[Packed]]


def write(
    tree: Tree, path: Path, store: Store | None = None, progress: Callable[[int], None] = lambda _: None
) -> WrittenZip:
    """Write the tree as a zip to `path`, which the caller renames when it is complete.

    Files whose compressed bytes are in `store` are not compressed again. `progress` is called with the unzipped bytes
    written so far; an exception that it raises stops the writing. A zip that is a little too large for a direct upload
    is written a second time, denser. Raises BuildError for paths that `check` refuses.
    """
    _refuse_unfit(tree)
    written = _write(tree, path, partial(_pack, level=compression.LEVEL, store=store), progress)
    if DIRECT_LIMIT < written.bytes <= DIRECT_LIMIT / (1 - compression.SAVED):
        return _write(tree, path, partial(_pack, level=compression.DENSE, store=store), progress)
    return written


def _write(tree: Tree, path: Path, pack: _Pack, progress: Callable[[int], None]) -> WrittenZip:
    done = told = 0
    with path.open("wb") as stream:
        sink = _Sink(stream)
        central: list[bytes] = []
        for entry, packed in _packed_in_order(tree, pack):
            central.append(_central_record(entry, packed, sink.position))
            sink.write(_local_record(entry, packed))
            sink.write(packed.data)
            done += packed.raw_size
            if done - told >= _BATCH:
                told = done
                progress(done)
        progress(done)
        start = sink.position
        for record in central:
            sink.write(record)
        sink.write(_end_records(len(central), start, sink.position - start))
        return WrittenZip(bytes=sink.position, sha256=sink.finished())


def _refuse_unfit(tree: Tree) -> None:
    """Raise BuildError for paths that the reader of zips would refuse, whatever made them."""
    paths = [entry.path for entry in tree]
    unfit = [f"`{names.printable(path)}` {problem}" for path in paths for problem in names.problems(path)]
    if unfit := [*unfit, *names.clashes(paths)]:
        msg = "the layer has files that cannot be unpacked safely"
        raise BuildError(msg, why=unfit[:_SHOWN], hint="leave them out: `prune` under [slim] takes patterns")


class _Sink:
    """A stream that keeps its position and SHA-256. Few writes are made, as each lets another thread run first."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._digest = hashlib.sha256()
        self._waiting = bytearray()
        self.position = 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.position += len(data)
        if len(self._waiting) + len(data) <= _BATCH:
            self._waiting += data
            return
        for part in (self._waiting, data):
            self._stream.write(part)
            self._digest.update(part)
        self._waiting.clear()

    def finished(self) -> str:
        """Write the rest, and return the SHA-256 of everything."""
        self._stream.write(self._waiting)
        self._digest.update(self._waiting)
        self._waiting.clear()
        return self._digest.hexdigest()


def _packed_in_order(tree: Iterable[Entry], pack: _Pack) -> Iterator[tuple[Entry, Packed]]:
    """Yield entries with their compressed bytes, made on all cores a bounded number of bytes ahead of the writer."""
    waiting: deque[tuple[list[Entry], Future[list[Packed]]]] = deque()
    in_flight = 0
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for batch in _batches(tree):
            size = sum(entry.size for entry in batch)
            while waiting and in_flight + size > _IN_FLIGHT:
                done, future = waiting.popleft()
                in_flight -= sum(entry.size for entry in done)
                yield from zip(done, future.result(), strict=True)
            waiting.append((batch, pool.submit(pack, batch)))
            in_flight += size
        while waiting:
            done, future = waiting.popleft()
            yield from zip(done, future.result(), strict=True)


def _batches(tree: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Yield neighbouring entries in groups: passing a small file to a thread costs more than compressing it."""
    batch: list[Entry] = []
    size = 0
    for entry in tree:
        if batch and size + entry.size > _BATCH:
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += entry.size
    if batch:
        yield batch


def _pack(entries: Sequence[Entry], *, level: int, store: Store | None) -> list[Packed]:
    return packing.pack([entry.content for entry in entries], level, store)


def _name(entry: Entry) -> tuple[bytes, int]:
    """Return the bytes of a name and the flag for their encoding."""
    name = entry.path.encode("utf-8")
    return name, 0 if name.isascii() else _UTF8


def _local_record(entry: Entry, packed: Packed) -> bytes:
    name, flags = _name(entry)
    needed = 20
    sizes = [len(packed.data), packed.raw_size]
    extra = b""
    if max(sizes) >= _MAX32:
        extra = struct.pack("<2H2Q", 1, 16, packed.raw_size, len(packed.data))
        sizes, needed = [_MAX32, _MAX32], 45
    head = _LOCAL.pack(
        *(b"PK\3\4", needed, flags, packed.method, _DOS_TIME, _DOS_DATE, packed.crc),
        *(sizes[0], sizes[1], len(name), len(extra)),
    )
    return head + name + extra


def _central_record(entry: Entry, packed: Packed, offset: int) -> bytes:
    name, flags = _name(entry)
    values = {"raw": packed.raw_size, "packed": len(packed.data), "offset": offset}
    large = [key for key in values if values[key] >= _MAX32]
    extra = struct.pack(f"<2H{len(large)}Q", 1, 8 * len(large), *(values[key] for key in large)) if large else b""
    fits = {key: _MAX32 if key in large else value for key, value in values.items()}
    needed = 45 if large else 20
    kind = _FILE_TYPE if entry.link is None else _LINK_TYPE
    head = _CENTRAL.pack(
        *(b"PK\1\2", _UNIX << 8 | needed, needed, flags, packed.method, _DOS_TIME, _DOS_DATE, packed.crc),
        *(fits["packed"], fits["raw"], len(name), len(extra), 0, 0, 0, (kind | entry.mode) << 16, fits["offset"]),
    )
    return head + name + extra


def _end_records(count: int, start: int, size: int) -> bytes:
    if count < _MAX16 and start < _MAX32 and size < _MAX32:
        return _END.pack(b"PK\5\6", 0, 0, count, count, size, start, 0)
    end64 = _END64.pack(b"PK\6\6", _END64.size - 12, _UNIX << 8 | 45, 45, 0, 0, count, count, size, start)
    locator = _LOCATOR64.pack(b"PK\6\7", 0, start + size, 1)
    end = _END.pack(b"PK\5\6", 0, 0, min(count, _MAX16), min(count, _MAX16), min(size, _MAX32), min(start, _MAX32), 0)
    return end64 + locator + end
