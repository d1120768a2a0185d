"""Read every file of a layer once, on all cores, in little memory."""

import io
import os
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import IO, cast

from builder.base import allocator
from builder.layer import binary_loads, java_code, node_loads, packed, python_loads, tokens
from builder.layer.checks import platforms
from builder.layer.checks.model import Subject
from builder.layer.elf import MAGIC, Elf, UnreadableElfError, parse, parse_at
from builder.layer.executables import HEAD, OddFile, odd
from builder.layer.installed import Installed
from builder.layer.java_code import NativeJar
from builder.layer.linking import Linker
from builder.layer.names import SITE_PACKAGES
from builder.layer.packed import PackedCode
from builder.layer.python_loads import OpenedName
from builder.layer.reader import InZip
from builder.layer.tree import Content, Entry, InMemory, OnDisk, Tree, never_program
from builder.model import libraries
from builder.model.architectures import Architecture
from builder.model.limits import UNZIPPED_LIMIT
from builder.model.runtimes import Runtime

_MOST_READ = UNZIPPED_LIMIT * 3 // 2
"""Bytes of a file that is looked into. Lambda takes none of more than two thirds of this, which the size tells."""
_SMALL = 64 << 10
"""Bytes of a file that is read without another thread: those wait for each other longer than reading it takes."""


@dataclass(frozen=True, slots=True)
class _Read:
    """The result of reading one file."""

    path: str
    elf: Elf | None = None
    damage: UnreadableElfError | None = None
    token: str | None = None
    odd: OddFile | None = None
    opening: bool = False
    packed: PackedCode | None = None
    opened: tuple[OpenedName, ...] = ()
    jar: NativeJar | None = None


def examine(  # noqa: PLR0913  what, where, and what is known of it
    tree: Tree,
    runtimes: tuple[Runtime, ...],
    architectures: tuple[Architecture, ...],
    *,
    packages: tuple[Installed, ...],
    own: bool,
    directories: Mapping[str, int] | None = None,
) -> Subject:
    """Read every file of a tree once, and return the subject for checks.

    Raises BadArchiveError for a file that cannot be unpacked; a damaged ELF file is noted in the subject.
    """
    allocator.give_back()
    found = _read_all(tree, architectures, own=own)
    elves = {one.path: one.elf for one in found if one.elf}
    links = {entry.path: entry.link for entry in tree if entry.link is not None}
    sonames = libraries.certain(runtimes, architectures)
    return Subject(
        tree=tree,
        runtimes=runtimes,
        architectures=architectures,
        packages=packages,
        own=own,
        zip_bytes=None,
        elves=elves,
        damaged={one.path: one.damage for one in found if one.damage},
        directories=directories or {},
        sonames=sonames,
        linker=Linker(elves, links, sonames),
        spare=platforms.spare(elves),
        packed={one.path: one.packed for one in found if one.packed},
        odd={one.path: one.odd for one in found if one.odd},
        tokens={one.path: one.token for one in found if one.token},
        opening=tuple(sorted(one.path for one in found if one.opening)),
        opened={one.path: one.opened for one in found if one.opened},
        jars={one.path: one.jar for one in found if one.jar},
    )


def _read_all(tree: Tree, architectures: Sequence[Architecture], *, own: bool) -> list[_Read]:
    # Files of a build need no proof that they can be unpacked.
    wanted = [
        entry
        for entry in tree
        if entry.link is None
        and not (own and never_program(entry.path) and not tokens.may_hold(entry.path, entry.size))
    ]
    enough = {arch.elf for arch in architectures} if len(architectures) == 1 else set[str]()
    large = [entry for entry in wanted if entry.size > _SMALL]
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        others = pool.map(partial(_one, enough=enough), large)
        found = {entry.path: _one(entry, enough) for entry in wanted if entry.size <= _SMALL}
        found.update({one.path: one for one in others})
    return [found[entry.path] for entry in wanted]


def _one(entry: Entry, enough: Collection[str]) -> _Read:
    content = entry.content
    if entry.size > _MOST_READ:
        return _Read(entry.path)
    try:
        if java_code.is_jar(entry.path):
            with content.in_turn() if isinstance(content, InZip) else nullcontext():
                return _Read(entry.path, jar=java_code.read(entry.path, content.read()))
        return _of_zip(entry.path, content, enough) if isinstance(content, InZip) else _of_file(entry, enough)
    except UnreadableElfError as error:
        return _Read(entry.path, damage=error)


def _of_file(entry: Entry, enough: Collection[str]) -> _Read:
    """Look into a file of a build. A small one is read once: opening a file takes longer than reading it."""
    content = entry.content
    if packed.may_hold(entry.path, entry.size):
        with _stream(content) as stream:
            return _Read(entry.path, packed=packed.look(entry.name, stream, enough))
    if entry.size <= tokens.SCANNED:
        return _of_data(entry.path, content.read())
    magic = content.head(4)
    if magic == MAGIC:
        return _of_elf(entry.path, content.read())
    return _Read(entry.path, odd=odd(entry.name, magic, content))


def _of_elf(path: str, data: bytes) -> _Read:
    elf = parse(data)
    return _Read(path, elf, opened=binary_loads.opened(data, elf))


def _of_data(path: str, data: bytes) -> _Read:
    """Look into a file that is no archive."""
    if data[:4] == MAGIC:
        return _of_elf(path, data)
    return _Read(
        path,
        token=tokens.token(data, path) if tokens.may_hold(path, len(data)) else None,
        odd=odd(path.rpartition("/")[2], data[:4], InMemory(data=data)),
        opening=_opens(path, data),
        opened=_opened(path, data),
    )


def _stream(content: Content) -> IO[bytes]:
    return content.path.open("rb") if isinstance(content, OnDisk) else io.BytesIO(content.read())


def _of_zip(path: str, content: InZip, enough: Collection[str]) -> _Read:
    """Unpack a file completely, which compares size and checksum, and parse it."""
    archive = packed.may_hold(path, content.size)
    if not content.fits_memory:
        content.verify()
        with content.seekable() as read_at:
            if archive:
                stream = cast("IO[bytes]", packed.Random(read_at, content.size))
                return _Read(path, packed=packed.look(path, stream, enough))
            magic = read_at(0, 4)
            if magic == MAGIC:
                return _Read(path, parse_at(read_at))
            return _Read(path, odd=odd(path, magic, InMemory(data=read_at(0, HEAD))))
    with content.in_turn():
        data = content.read()
        if archive:
            return _Read(path, packed=packed.look(path, io.BytesIO(data), enough))
        return _of_data(path, data)


def _opened(path: str, data: bytes) -> tuple[OpenedName, ...]:
    return node_loads.opened(data) if path.startswith("nodejs/") and path.endswith(node_loads.SUFFIXES) else ()


def _opens(path: str, data: bytes) -> bool:
    return path.endswith(".py") and SITE_PACKAGES.match(path) is not None and python_loads.may_open(data)
