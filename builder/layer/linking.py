"""Where the loader finds the libraries that a layer needs: the order of ld.so(8), with the layer at /opt."""

import posixpath
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from builder.layer.elf import Elf

LAYER_LIB = "lib"
"""The only directory of a layer in LD_LIBRARY_PATH, where it comes last. `lib64/` is not searched."""
RPATH, SYSTEM, LIB, RUNPATH, ELSEWHERE = "rpath", "system", "lib", "runpath", "elsewhere"

_MOST_LINKS = 40
"""Links that Linux follows in a row (MAXSYMLINKS)."""


@dataclass(frozen=True, slots=True)
class FoundLibrary:
    """The file that the loader takes for a soname, and the rule that leads to it."""

    how: str
    """One of RPATH, SYSTEM, LIB, RUNPATH, ELSEWHERE."""
    path: str | None = None
    """Path in the layer; None for a library of the system."""


class Linker:
    """The dynamic loader, as it sees one layer."""

    def __init__(self, elves: Mapping[str, Elf], links: Mapping[str, str], system: frozenset[str]) -> None:
        self._elves, self._links, self._system = elves, links, system
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
        ).union(*(self._inherited(path) for path, elf in elves.items() if elf.rpath and not elf.runpath))

    def find(self, path: str, elf: Elf, soname: str) -> FoundLibrary | None:
        """Return the library that the loader finds for a file, or None if neither the layer nor the system has it."""
        folders = () if elf.runpath else elf.rpath
        if target := self._among(path, folders, soname):
            return FoundLibrary(RPATH, target)
        if soname in self._system:
            return FoundLibrary(SYSTEM)
        if f"{LAYER_LIB}/{soname}" in self._paths:
            return FoundLibrary(LIB, f"{LAYER_LIB}/{soname}")
        if target := self._among(path, elf.runpath, soname):
            return FoundLibrary(RUNPATH, target)
        if soname in self._elsewhere:
            return FoundLibrary(ELSEWHERE, self._elsewhere[soname])
        return None

    def already_loaded(self, soname: str) -> bool:
        """Tell whether another file of the layer finds it: the loader reuses a loaded library of the same name."""
        return soname in self._loaded

    def lost_at_start(self, path: str) -> Iterator[tuple[str, str]]:
        """Yield file and soname of the libraries that a program does not find when it starts, and that the layer has.

        It needs them directly or through other libraries. What the process has opened before is found by its name, and
        DT_RPATH of the program leads to libraries of libraries as well.
        """
        program = self._elves[path]
        own = () if program.runpath else program.rpath
        opened, lost = {path: program}, []
        queue = [path]
        for file in queue:
            for soname in opened[file].needed:
                library = self.find(file, opened[file], soname)
                where = self._among(path, own, soname) or (library.path if library else None)
                if library and library.how == ELSEWHERE and where == library.path:
                    lost.append((file, soname))
                elif where and (target := self._followed(where)) in self._elves and target not in opened:
                    opened[target] = self._elves[target]
                    queue.append(target)
        names = {name for file, elf in opened.items() for name in (file.rpartition("/")[2], elf.soname)}
        yield from ((file, soname) for file, soname in lost if soname not in names)

    def _inherited(self, path: str) -> Iterator[str]:
        """Yield the sonames of libraries of libraries to which DT_RPATH of a file leads.

        The loader looks for what a library needs in DT_RPATH of the files that brought it, too, unless the library has
        a DT_RUNPATH.
        """
        own = self._elves[path].rpath
        queue = [path]
        for file in queue:
            elf = self._elves[file]
            for soname in () if elf.runpath else elf.needed:
                where = self._among(path, own, soname) or self._among(file, elf.rpath, soname)
                if where and (target := self._followed(where)) in self._elves and target not in queue:
                    queue.append(target)
                    yield soname

    def _followed(self, path: str) -> str:
        """Return the file that a path of the layer leads to."""
        for _ in range(_MOST_LINKS):
            if path not in self._links:
                break
            path = posixpath.normpath(posixpath.join("/opt", posixpath.dirname(path), self._links[path]))
            path = path.removeprefix("/opt/")
        return path

    def from_layer(self, path: str, elf: Elf) -> set[str]:
        """Return the sonames that a file finds in the layer even where the system has them, too."""
        return {name for name in elf.needed if self._among(path, () if elf.runpath else elf.rpath, name)}

    def _in_layer(self, path: str, elf: Elf, soname: str) -> bool:
        folders = elf.runpath or elf.rpath
        return f"{LAYER_LIB}/{soname}" in self._paths or self._among(path, folders, soname) is not None

    def _among(self, path: str, folders: Iterable[str], soname: str) -> str | None:
        return next((candidate for candidate in _resolved(path, folders, soname) if candidate in self._paths), None)


def _resolved(path: str, folders: Iterable[str], soname: str) -> Iterator[str]:
    """Yield the paths in the layer to which DT_RPATH or DT_RUNPATH lead."""
    origin = posixpath.dirname(f"/opt/{path}")
    for folder in folders:
        where = folder.replace("${ORIGIN}", origin).replace("$ORIGIN", origin)
        path_in_opt = posixpath.normpath(f"{where}/{soname}")
        if path_in_opt.startswith("/opt/"):
            yield path_in_opt.removeprefix("/opt/")


def needers(elves: Mapping[str, Elf]) -> dict[str, list[str]]:
    """Return the files that need each soname."""
    by_soname: dict[str, list[str]] = defaultdict(list)
    for path, elf in elves.items():
        for name in elf.needed:
            by_soname[name].append(path)
    return by_soname
