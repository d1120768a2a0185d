"""Where Lambda's loader finds the libraries that a layer's files need: ld.so(8)'s order, with the layer at /opt."""

import posixpath
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from builder.layer.elf import Elf

LAYER_LIB = "lib"
"""The one directory of a layer in LD_LIBRARY_PATH, at its end. `lib64/` is not searched."""
RPATH, SYSTEM, LIB, RUNPATH, ELSEWHERE = "rpath", "system", "lib", "runpath", "elsewhere"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a soname is found, and by which rule: one of RPATH, SYSTEM, LIB, RUNPATH, ELSEWHERE."""

    how: str
    path: str | None = None
    """In the layer; None for the system's."""


class Linker:
    """Answers for one layer."""

    def __init__(self, elves: Mapping[str, Elf], links: Mapping[str, str], system: frozenset[str]) -> None:
        self._system = system
        self._paths = {**dict.fromkeys(elves), **links}
        self._elsewhere: dict[str, str] = {}
        for path, elf in elves.items():
            self._elsewhere.setdefault(path.rpartition("/")[2], path)
            if elf.soname:
                self._elsewhere.setdefault(elf.soname, path)
        for path in links:
            self._elsewhere.setdefault(path.rpartition("/")[2], path)
        self._loaded = frozenset(
            name for path, elf in elves.items() for name in elf.needed if self._in_layer(path, elf, name)
        )

    def find(self, path: str, elf: Elf, soname: str) -> Place | None:
        """Return where the loader finds what a file needs, or None when neither layer nor system has it."""
        folders = () if elf.runpath else elf.rpath
        if found := self._among(path, folders, soname):
            return Place(RPATH, found)
        if soname in self._system:
            return Place(SYSTEM)
        if f"{LAYER_LIB}/{soname}" in self._paths:
            return Place(LIB, f"{LAYER_LIB}/{soname}")
        if found := self._among(path, elf.runpath, soname):
            return Place(RUNPATH, found)
        if soname in self._elsewhere:
            return Place(ELSEWHERE, self._elsewhere[soname])
        return None

    def already_loaded(self, soname: str) -> bool:
        """Tell whether another file of the layer finds it: the loader takes what is loaded under that name."""
        return soname in self._loaded

    def from_layer(self, path: str, elf: Elf) -> set[str]:
        """Return the sonames that a file finds in the layer though the system may have them."""
        return {name for name in elf.needed if self._among(path, () if elf.runpath else elf.rpath, name)}

    def _in_layer(self, path: str, elf: Elf, soname: str) -> bool:
        folders = elf.runpath or elf.rpath
        return f"{LAYER_LIB}/{soname}" in self._paths or self._among(path, folders, soname) is not None

    def _among(self, path: str, folders: Iterable[str], soname: str) -> str | None:
        return next((one for one in _resolved(path, folders, soname) if one in self._paths), None)


def _resolved(path: str, folders: Iterable[str], soname: str) -> Iterator[str]:
    """Yield the paths in the layer that DT_RPATH or DT_RUNPATH name."""
    origin = posixpath.dirname(f"/opt/{path}")
    for folder in folders:
        where = folder.replace("${ORIGIN}", origin).replace("$ORIGIN", origin)
        found = posixpath.normpath(f"{where}/{soname}")
        if found.startswith("/opt/"):
            yield found.removeprefix("/opt/")


def needers(elves: Mapping[str, Elf]) -> dict[str, list[str]]:
    """Return the files that need each soname."""
    found: dict[str, list[str]] = defaultdict(list)
    for path, elf in elves.items():
        for name in elf.needed:
            found[name].append(path)
    return found
