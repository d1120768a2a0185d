"""What one file of a layer tells: each file is read once, on all cores, in little memory."""

import io
import os
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from functools import partial
from typing import IO, cast

from builder.base.frozen import dataclass
from builder.layer import binary_loads, java_code, node_loads, packed, python_loads, tokens
from builder.layer.elf import MAGIC, Elf, UnreadableElfError, parse, parse_at
from builder.layer.executables import HEAD, OddFile, odd
from builder.layer.hashed import Hashed
from builder.layer.java_code import NativeJar
from builder.layer.names import SITE_PACKAGES, TEST_DATA
from builder.layer.packed import PackedCode
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
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        others = pool.map(partial(_one, enough=enough), large)
        small = [_one(entry, enough) if entry.size <= _SMALL else None for entry in entries]
        return [found or next(others) for found in small]


def _one(entry: Entry, enough: Collection[str]) -> FileFacts:
    content = entry.content.content if isinstance(entry.content, Hashed) else entry.content
    if entry.size > _MOST_READ:
        return NOTHING
    try:
        if java_code.is_jar(entry.path):
            with content.in_turn() if isinstance(content, InZip) else nullcontext():
                return FileFacts(jar=java_code.read(entry.path, content.read()))
        return _of_zip(entry.path, content, enough) if isinstance(content, InZip) else _of_file(entry, content, enough)
    except UnreadableElfError as error:
        return FileFacts(damage=error)


def _of_file(entry: Entry, content: Content, enough: Collection[str]) -> FileFacts:
    """Look into a file of a build. A small one is read once: opening a file takes longer than reading it."""
    if packed.may_hold(entry.path, entry.size):
        with _stream(content) as stream:
            return FileFacts(packed=packed.look(entry.name, stream, enough))
    if entry.size <= tokens.SCANNED:
        return _of_data(entry.path, content.read())
    magic = content.head(4)
    if magic == MAGIC:
        return _of_elf(content.read())
    return FileFacts(odd=odd(entry.name, magic, content))


def _of_elf(data: bytes) -> FileFacts:
    elf = parse(data)
    return FileFacts(elf=elf, opened=binary_loads.opened(data, elf))


def _of_data(path: str, data: bytes) -> FileFacts:
    """Look into a file that is no archive."""
    if data[:4] == MAGIC:
        return _of_elf(data)
    token = tokens.token(data, path) if tokens.may_hold(path, len(data)) else None
    strange = odd(path.rpartition("/")[2], data[:4], InMemory(data=data))
    opened = _opened(path, data)
    return FileFacts(token=token, odd=strange, opened=opened) if token or strange or opened else NOTHING


def _stream(content: Content) -> IO[bytes]:
    return content.path.open("rb") if isinstance(content, OnDisk) else io.BytesIO(content.read())


def _of_zip(path: str, content: InZip, enough: Collection[str]) -> FileFacts:
    """Unpack a file completely, which compares size and checksum, and parse it."""
    archive = packed.may_hold(path, content.size)
    if not content.fits_memory:
        content.verify()
        with content.seekable() as read_at:
            if archive:
                stream = cast("IO[bytes]", packed.Random(read_at, content.size))
                return FileFacts(packed=packed.look(path, stream, enough))
            magic = read_at(0, 4)
            if magic == MAGIC:
                return FileFacts(elf=parse_at(read_at))
            return FileFacts(odd=odd(path, magic, InMemory(data=read_at(0, HEAD))))
    with content.in_turn():
        data = content.read()
        if archive:
            return FileFacts(packed=packed.look(path, io.BytesIO(data), enough))
        return _of_data(path, data)


def _opened(path: str, data: bytes) -> tuple[OpenedName, ...]:
    if path.startswith("nodejs/") and path.endswith(node_loads.SUFFIXES):
        return node_loads.opened(data)
    is_module = path.endswith(".py") and SITE_PACKAGES.match(path) and not TEST_DATA.search(path)
    if not is_module or not python_loads.may_open(data):
        return ()
    known = python_loads.of_table(SITE_PACKAGES.sub("", path))
    return python_loads.opened(data) if known is None else known
