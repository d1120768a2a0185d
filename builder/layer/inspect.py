"""What is in a zip, how big it is and what it needs: the analysis; `console.py` shows it."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from builder.layer.checks import Subject
from builder.layer.checks.size import largest
from builder.layer.elf import Elf
from builder.layer.manifest import ceilings
from builder.layer.tree import Entry, Tree
from builder.layer.versions import highest
from builder.model.limits import UNZIPPED_LIMIT
from builder.model.manifest import Ceilings, document

_DIST_INFO = re.compile(r"(?:^|/)(?P<name>[^/]+)-(?P<version>[^/-]+)\.dist-info/METADATA$")
_NPM = re.compile(r"^nodejs/(?:node\d+/)?node_modules/(?P<name>(?:@[^/]+/)?[^/]+)/package\.json$")
_JAR = re.compile(r"^java/lib/(?P<name>[^/]+?)-(?P<version>\d[^/]*)\.jar$")
_GEM = re.compile(r"^(?P<root>ruby/gems/[^/]+)/specifications/(?P<name>.+?)-(?P<version>\d[^/-]*)(?:-[^/]+)?\.gemspec$")
FAMILIES = ("GLIBC", "GLIBCXX", "CXXABI", "GCC")


@dataclass(frozen=True, kw_only=True, slots=True)
class Linkage:
    """What one program or library needs of the system."""

    path: str
    machine: str
    abi: dict[str, str | None]
    """The highest version of each of FAMILIES."""
    outside: tuple[str, ...]
    """Sonames that the layer does not have."""

    def as_json(self) -> dict[str, Any]:
        return {"path": self.path, "machine": self.machine, "abi": self.abi, "needs": list(self.outside)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Inspection:
    zip_bytes: int
    unzipped_bytes: int
    files: int
    packages: tuple[tuple[str, str], ...]
    """Name and version."""
    largest: tuple[tuple[str, int], ...]
    machines: tuple[tuple[str, int], ...]
    """Architectures of the ELF files, with their number."""
    abi: Ceilings
    outside: tuple[str, ...]
    """Libraries that ELF files need and the layer does not have: the runtime must."""
    linkage: tuple[Linkage, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "version": 1,
            "zip_bytes": self.zip_bytes,
            "unzipped_bytes": self.unzipped_bytes,
            "headroom_bytes": UNZIPPED_LIMIT - self.unzipped_bytes,
            "files": self.files,
            "packages": [{"name": name, "version": version} for name, version in self.packages],
            "largest": [{"path": path, "bytes": count} for path, count in self.largest],
            "machines": dict(self.machines),
            "abi": document(self.abi),
            "needs_from_runtime": list(self.outside),
            "elves": [one.as_json() for one in self.linkage],
        }


def inspect(subject: Subject, zip_bytes: int) -> Inspection:
    here = {entry.name for entry in subject.tree} | {elf.soname for elf in subject.elves.values() if elf.soname}
    needed = {name for elf in subject.elves.values() for name in elf.needed}
    machines = Counter(elf.machine.removeprefix("EM_") for elf in subject.elves.values())
    return Inspection(
        zip_bytes=zip_bytes,
        unzipped_bytes=subject.tree.unzipped_bytes,
        files=len(subject.tree),
        packages=tuple(sorted({(one.name, one.version) for one in installed(subject.tree)})),
        largest=tuple(largest(subject)),
        machines=tuple(sorted(machines.items())),
        abi=ceilings(subject),
        outside=tuple(sorted(needed - here)),
        linkage=tuple(_linkage(path, elf, here) for path, elf in sorted(subject.elves.items())),
    )


def _linkage(path: str, elf: Elf, here: set[str]) -> Linkage:
    needs = [need.version for need in elf.versions]
    return Linkage(
        path=path,
        machine=elf.machine.removeprefix("EM_"),
        abi={family: highest(needs, family) for family in FAMILIES},
        outside=tuple(name for name in elf.needed if name not in here),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Installed:
    """A package that a layer brings."""

    root: str
    """The folder in which code looks for it."""
    name: str
    version: str
    described: str
    """Path of the file that says so: METADATA, package.json, a gemspec, or the jar itself."""


def installed(content: Tree) -> Iterator[Installed]:
    """Yield the packages of Python, Node.js, Ruby and Java in a layer."""
    for entry in content:
        if found := _identified(entry):
            root, name, version = found
            yield Installed(root=root, name=name, version=version, described=entry.path)


def _identified(entry: Entry) -> tuple[str, str, str] | None:
    """Return root, name and version when a file is what says that a package is there."""
    if match := _DIST_INFO.search(entry.path):
        return entry.path[: match.start()], match["name"].replace("_", "-").casefold(), match["version"]
    if match := _NPM.match(entry.path):
        root = entry.path.partition("node_modules/")[0] + "node_modules"
        return root, match["name"], _npm_version(entry.content.read())
    if match := _GEM.match(entry.path):
        # Ruby keeps versions of a gem beside each other: they do not clash.
        return f"{match['root']}/gems/{match['name']}-{match['version']}", match["name"], match["version"]
    if match := _JAR.match(entry.path):
        return "java/lib", match["name"], match["version"]
    return None


def _npm_version(data: bytes) -> str:
    match = re.search(rb'"version"\s*:\s*"([^"]+)"', data)
    return match[1].decode("ascii", errors="replace") if match else "?"
