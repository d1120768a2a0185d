"""What one file of a layer tells: each file is read once, on all cores, in little memory."""

import io
import os
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from functools import partial
from typing import IO, cast

from builder.base.frozen import dataclass
from builder.layer import binary_loads, java_code, node_loads, packed, packed_streams, python_loads, tokens
from builder.layer.elf import MAGIC, Elf, UnreadableElfError, parse, parse_at
from builder.layer.executables import HEAD, OddFile, odd
from builder.layer.hashed import Hashed
from builder.layer.java_code import NativeJar
from builder.layer.names import SITE_PACKAGES, TEST_DATA
from builder.layer.packed import PackedCode
from builder.layer.packed_streams import Allowance, Random
from builder.layer.python_loads import OpenedName
from builder.layer.reader import InZip
from builder.layer.tree import Content, Entry, InMemory, OnDisk, Tree, never_program
from builder.model.architectures import Architecture
from builder.model.limits import UNZIPPED_LIMIT

_MOST_READ = UNZIPPED_LIMIT * 3 // 2
"""Bytes of a file that is looked into. Lambda takes none of more than two thirds of this, which the size tells."""
_SMALL = 64 << 10
"""Bytes of a file that is read without another thread: those wait for each other longer than reading it takes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FileFacts:
    """What one file tells."""

    elf: Elf | None = None
    damage: UnreadableElfError | None = None
    token: str | None = None
    """The kind of the secret in it."""
    odd: OddFile | None = None
    packed: PackedCode | None = None
    opened: tuple[OpenedName, ...] = ()
    """What it opens by name."""
    jar: NativeJar | None = None


_Look = Callable[[str, IO[bytes]], PackedCode | None]

NOTHING = FileFacts()
"""What most files tell; one value for all of them, as a layer may have hundreds of thousands."""


def wanted(tree: Tree, *, own: bool) -> list[Entry]:
    """Return the files that are looked into. Those of a build need no proof that they can be unpacked."""
    return [
        entry
        for entry in tree
        if entry.link is None
        and not (own and never_program(entry.path) and not tokens.may_hold(entry.path, entry.size))
    ]


def read_all(entries: Sequence[Entry], architectures: Sequence[Architecture]) -> list[FileFacts]:
    """Read files, each once, and return what they tell. Raises BadArchiveError for one that cannot be unpacked."""
    enough = {arch.elf for arch in architectures} if len(architectures) == 1 else set[str]()
    large = [entry for entry in entries if entry.size > _SMALL]
    allowance = packed.allowance()
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        others = pool.map(partial(_one, enough=enough, allowance=allowance), large)
        small = [_one(entry, enough, allowance) if entry.size <= _SMALL else None for entry in entries]
        return [found or next(others) for found in small]


def _one(entry: Entry, enough: Collection[str], allowance: Allowance) -> FileFacts:
    content = entry.content.content if isinstance(entry.content, Hashed) else entry.content
    if entry.size > _MOST_READ:
        return NOTHING
    try:
        if java_code.is_jar(entry.path):
            with content.in_turn() if isinstance(content, InZip) else nullcontext():
                return FileFacts(jar=java_code.read(entry.path, content.read()))
        if isinstance(content, InZip):
            return _of_zip(entry.path, content, partial(packed.look, enough=enough, whole=allowance))
        return _of_file(entry, content, partial(packed.look, enough=enough, whole=allowance))
    except UnreadableElfError as error:
        return FileFacts(damage=error)


def _of_file(entry: Entry, content: Content, look: _Look) -> FileFacts:
    """Look into a file of a build. A small one is read once: opening a file takes longer than reading it."""
    if entry.size <= tokens.SCANNED:
        return _of_data(entry.path, content.read(), look)
    head = content.head(packed_streams.HEAD)
    if head[:4] == MAGIC:
        return _of_elf(content.read())
    strange = odd(entry.name, head[:4], content)
    if packed.may_hold(entry.path, entry.size, head):
        with _stream(content) as stream:
            return FileFacts(odd=strange, packed=look(entry.path, stream))
    return FileFacts(odd=strange)


def _of_elf(data: bytes) -> FileFacts:
    elf = parse(data)
    return FileFacts(elf=elf, opened=binary_loads.opened(data, elf))


def _of_data(path: str, data: bytes, look: _Look) -> FileFacts:
    """Look into a file in memory."""
    if data[:4] == MAGIC:
        return _of_elf(data)
    strange = odd(path.rpartition("/")[2], data[:4], InMemory(data=data))
    if packed.may_hold(path, len(data), data[: packed_streams.HEAD]):
        inside = look(path, io.BytesIO(data))
        return FileFacts(odd=strange, packed=inside) if strange or inside else NOTHING
    token = tokens.token(data, path) if tokens.may_hold(path, len(data)) else None
    opened = _opened(path, data)
    return FileFacts(token=token, odd=strange, opened=opened) if token or strange or opened else NOTHING


def _stream(content: Content) -> IO[bytes]:
    return content.path.open("rb") if isinstance(content, OnDisk) else io.BytesIO(content.read())


def _of_zip(path: str, content: InZip, look: _Look) -> FileFacts:
    """Unpack a file completely, which compares size and checksum, and parse it."""
    if content.fits_memory:
        with content.in_turn():
            return _of_data(path, content.read(), look)
    content.verify()
    with content.seekable() as read_at:
        head = read_at(0, HEAD)
        if head[:4] == MAGIC:
            return FileFacts(elf=parse_at(read_at))
        strange = odd(path, head[:4], InMemory(data=head))
        if packed.may_hold(path, content.size, head[: packed_streams.HEAD]):
            stream = cast("IO[bytes]", Random(read_at, content.size))
            return FileFacts(odd=strange, packed=look(path, stream))
        return FileFacts(odd=strange)


def _opened(path: str, data: bytes) -> tuple[OpenedName, ...]:
    if path.startswith("nodejs/") and path.endswith(node_loads.SUFFIXES):
        return node_loads.opened(data)
    is_module = path.endswith(".py") and SITE_PACKAGES.match(path) and not TEST_DATA.search(path)
    if not is_module or not python_loads.may_open(data):
        return ()
    known = python_loads.of_table(SITE_PACKAGES.sub("", path))
    return python_loads.opened(data) if known is None else known
