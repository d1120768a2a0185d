"""The files of a layer that nothing opened, folder by folder, as patterns of `[slim] prune`."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator

from builder.base.frozen import dataclass
from builder.layer import licences
from builder.layer.names import parents
from builder.layer.tree import Tree

_CACHED = re.compile(
    r"^(?P<folder>(?:(?!__pycache__/)[^/]+/)*)(?:__pycache__/)?(?P<stem>[^/]+?)(?:\.cpython-\d+(?:\.opt-\d)?)?\.pyc$"
)
_METADATA = re.compile(r"(?:^|/)[^/]+\.(?:dist|egg)-info/")
_SPECIAL = re.compile(r"([\\\[\]*?!# ])")
SMALLEST = 50_000
"""Bytes from which on a folder or a file is worth a pattern."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Unopened:
    """A folder of which nothing was opened, or a file."""

    path: str
    """A folder ends with `/`."""
    files: int
    bytes: int

    @property
    def pattern(self) -> str:
        """The pattern of gitignore that is this path and no other."""
        return "/" + _SPECIAL.sub(r"\\\1", self.path)


def find(tree: Tree, opened: Collection[str]) -> Iterator[Unopened]:
    """Yield what was not opened and is large enough to be worth a line, the largest first.

    Bytecode stands for its module, and the module for it. Metadata and licenses of packages are never named.
    """
    used = _with_sources(tree, opened)
    kept = {entry.path for entry in tree if entry.path in used or entry.link is not None or _stays(entry.path)}
    busy = {folder for path in kept for folder in parents(path)}
    files: dict[str, int] = defaultdict(int)
    sizes: dict[str, int] = defaultdict(int)
    for entry in tree:
        if entry.path not in kept:
            idle = [folder for folder in parents(entry.path) if folder not in busy]
            group = f"{idle[-1]}/" if idle else entry.path
            files[group] += 1
            sizes[group] += entry.size
    large = [path for path, size in sizes.items() if size >= SMALLEST]
    for path in sorted(large, key=lambda path: (-sizes[path], path)):
        yield Unopened(path=path, files=files[path], bytes=sizes[path])


def _with_sources(tree: Tree, opened: Collection[str]) -> set[str]:
    """Return what was opened, with the other form of each module."""
    used = set(opened)
    pairs = ((entry.path, source) for entry in tree if (source := _source(entry.path)))
    for cached, source in pairs:
        if cached in opened or source in opened:
            used |= {cached, source}
    return used


def _source(path: str) -> str | None:
    match = _CACHED.match(path)
    return f"{match['folder']}{match['stem']}.py" if match else None


def _stays(path: str) -> bool:
    return bool(_METADATA.search(path)) or licences.is_text(path)
