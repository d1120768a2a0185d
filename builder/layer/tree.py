"""The content of /opt as a sorted list of entries, whose bytes are read on demand."""

import dataclasses
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import field, replace
from pathlib import Path, PurePath
from typing import Protocol

from builder.base import windows
from builder.base.frozen import dataclass

EXECUTABLE = 0o755
PLAIN = 0o644
LINK = 0o777
CLOSED = 0o100000
"""The mode of what nobody may do anything with. 0 stands for no mode, as in zips made on Windows."""
_NO_PROGRAMS = (".py", ".pyc", ".pyi", ".pyx", ".pxd", ".h", ".hpp", ".c", ".txt", ".md", ".rst", ".json", ".toml")


class Content(Protocol):
    """Where the bytes of a file are."""

    @property
    def size(self) -> int: ...
    def read(self) -> bytes: ...
    def head(self, count: int) -> bytes: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class OnDisk:
    path: Path
    size: int

    def read(self) -> bytes:
        return self.path.read_bytes()

    def head(self, count: int) -> bytes:
        with self.path.open("rb", buffering=0) as stream:
            return stream.read(count)


@dataclass(frozen=True, kw_only=True, slots=True)
class InMemory:
    data: bytes = field(repr=False)

    @property
    def size(self) -> int:
        return len(self.data)

    def read(self) -> bytes:
        return self.data

    def head(self, count: int) -> bytes:
        return self.data[:count]


@dataclass(frozen=True, kw_only=True, slots=True)
class Slice:
    """A part of a file that holds the content of many entries, because opening thousands of small files is slow."""

    path: Path
    offset: int
    size: int

    def read(self) -> bytes:
        return self.head(self.size)

    def head(self, count: int) -> bytes:
        with self.path.open("rb", buffering=0) as stream:
            stream.seek(self.offset)
            return stream.read(min(count, self.size))


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A file or a symbolic link. Directories are implied by the paths, as in the examples of Lambda's guide."""

    path: str
    """Relative to /opt, with slashes, on every host."""
    mode: int
    """Permission bits, or CLOSED."""
    content: Content
    link: str | None = None
    """Target of a symbolic link; None for a file."""

    @property
    def size(self) -> int:
        return self.content.size

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def parent(self) -> str:
        return self.path.rpartition("/")[0]


@dataclasses.dataclass(frozen=True, slots=True)
class Tree:
    """All entries of a layer, sorted by path, each path once."""

    entries: tuple[Entry, ...]

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def unzipped_bytes(self) -> int:
        """Bytes that count against Lambda's limit of 250 MB."""
        return sum(entry.size for entry in self.entries)

    def paths(self) -> set[str]:
        return {entry.path for entry in self.entries}

    def links(self) -> dict[str, str]:
        """Return the targets of symbolic links, by path."""
        return {entry.path: entry.link for entry in self.entries if entry.link is not None}

    def without(self, removed: Callable[[Entry], bool]) -> "Tree":
        return Tree(tuple(entry for entry in self.entries if not removed(entry)))

    def with_entries(self, added: Iterable[Entry]) -> "Tree":
        """Return the tree with these entries, which replace entries of the same paths."""
        by_path = {entry.path: entry for entry in self.entries}
        by_path.update({entry.path: entry for entry in added})
        return of(by_path.values())


def of(entries: Iterable[Entry]) -> Tree:
    return Tree(tuple(sorted(entries, key=lambda entry: entry.path)))


def layer_path(relative: PurePath) -> str:
    """Return a host's relative path as a path in a layer."""
    return "/".join(relative.parts)


def from_folder(folder: Path, prefix: str = "") -> Tree:
    """Return the files of a folder as a tree; their content is not read.

    Modes come from the content, not from the host: Windows has none, and the umask must not change the zip.
    """
    return of(_walk(os.fspath(windows.long(folder)), prefix))


def _walk(folder: str, prefix: str) -> Iterator[Entry]:
    with os.scandir(folder) as listing:
        for item in listing:
            name = f"{prefix}/{item.name}" if prefix else item.name
            if item.is_dir(follow_symlinks=False):
                yield from _walk(item.path, name)
            else:
                yield from_file(Path(item.path), name)


def from_file(path: Path, name: str, *, executable: bool = False) -> Entry:
    """Return the entry for one file of the host."""
    if path.is_symlink():
        return from_link(name, path.readlink().as_posix())
    content = OnDisk(path=path, size=path.stat().st_size)
    return Entry(path=name, mode=EXECUTABLE if executable or _is_program(name, content) else PLAIN, content=content)


def from_data(name: str, data: bytes) -> Entry:
    """Return the entry for bytes in memory; its mode comes from the bytes, as for a file."""
    content = InMemory(data=data)
    return Entry(path=name, mode=EXECUTABLE if _is_program(name, content) else PLAIN, content=content)


def from_link(name: str, pointed: str) -> Entry:
    """Return the entry for a symbolic link."""
    return Entry(path=name, mode=LINK, content=InMemory(data=pointed.encode()), link=pointed)


def never_program(name: str) -> bool:
    """Tell from the name alone that a file is not a program, which saves opening it."""
    return name.endswith(_NO_PROGRAMS)


def _is_program(name: str, content: Content) -> bool:
    if never_program(name):
        return False
    head = content.head(4)
    return head == b"\x7fELF" or head[:2] == b"#!"


def rewritten(entry: Entry, data: bytes) -> Entry:
    """Return the entry with other content."""
    return replace(entry, content=InMemory(data=data))
