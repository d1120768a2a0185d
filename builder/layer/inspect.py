"""Analysis of a layer: its packages, its size and its needs."""

from collections import Counter
from typing import Any

from builder.base.frozen import dataclass
from builder.layer.checks import Subject
from builder.layer.checks.size import largest
from builder.layer.elf import Elf
from builder.layer.manifest import ceilings
from builder.model.limits import UNZIPPED_LIMIT
from builder.model.manifest import Ceilings, document
from builder.model.symbol_versions import highest

FAMILIES = ("GLIBC", "GLIBCXX", "CXXABI", "GCC")


@dataclass(frozen=True, kw_only=True, slots=True)
class Linkage:
    """The symbol versions and libraries that one program or library needs from the system."""

    path: str
    machine: str
    soname: str | None
    abi: dict[str, str | None]
    """The highest version of each of FAMILIES."""
    outside: tuple[str, ...]
    """Sonames of needed libraries that the layer does not have."""

    def as_json(self) -> dict[str, Any]:
        return {
            "path": self.path,
            "machine": self.machine,
            "soname": self.soname,
            "abi": self.abi,
            "needs": list(self.outside),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Inspection:
    zip_bytes: int
    unzipped_bytes: int
    files: int
    packages: tuple[tuple[str, str], ...]
    """Name and version."""
    largest: tuple[tuple[str, int], ...]
    machines: tuple[tuple[str, int], ...]
    """Architectures of the ELF files, with the number of files."""
    abi: Ceilings
    outside: tuple[str, ...]
    """Libraries that ELF files need and the layer does not have, so the runtime must."""
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
        packages=tuple(sorted({(one.name, one.version) for one in subject.packages})),
        largest=tuple(largest(subject.tree)),
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
        soname=elf.soname,
        abi={family: highest(needs, family) for family in FAMILIES},
        outside=tuple(name for name in elf.needed if name not in here),
    )
