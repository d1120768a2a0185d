"""What a loader would read of an ELF file. Files are only ever read, by pyelftools."""

import io
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from elftools.common.exceptions import ELFError
from elftools.elf.dynamic import DynamicSection, DynamicSegment
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection
from elftools.elf.segments import InterpSegment

MAGIC = b"\x7fELF"
_WEAK = 0x2
"""VER_FLG_WEAK: the loader only warns when such a version is missing."""
_MOST_TAGS = 4096
"""A hostile file may claim billions; the largest real ones have some hundreds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionNeed:
    library: str
    """The soname that must have it, for example `libc.so.6`."""
    version: str
    """For example `GLIBC_2.28`."""
    weak: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Elf:
    machine: str
    """pyelftools' name of `e_machine`, for example `EM_AARCH64`."""
    kind: str
    """`ET_DYN`, `ET_EXEC`, `ET_REL`, ..."""
    interpreter: str | None
    soname: str | None
    needed: tuple[str, ...]
    rpath: tuple[str, ...]
    """Directories of DT_RPATH and DT_RUNPATH."""
    versions: tuple[VersionNeed, ...]
    python_module: bool
    """Has the name of a PyInit_ function among its strings."""


class UnreadableElfError(ValueError):
    """The file begins like an ELF file and then does not make sense."""


def parse(data: bytes) -> Elf:
    """Read an ELF file's headers, or raise UnreadableElfError."""
    try:
        return _parse(ELFFile(io.BytesIO(data)), data)
    except (
        ELFError,
        ValueError,
        KeyError,
        IndexError,
        AssertionError,
        TypeError,
        AttributeError,
        OverflowError,
    ) as error:
        # pyelftools trusts offsets and sizes; on a damaged file nearly anything may come out of it.
        msg = f"damaged ELF file: {error}"
        raise UnreadableElfError(msg) from error


def _parse(file: Any, data: bytes) -> Elf:  # noqa: ANN401
    needed: list[str] = []
    rpath: list[str] = []
    soname: str | None = None
    sections = list(file.iter_sections())
    segments = list(file.iter_segments())
    for tag in itertools.islice(_dynamic_tags(sections, segments), _MOST_TAGS):
        match tag.entry.d_tag:
            case "DT_NEEDED":
                needed.append(tag.needed)
            case "DT_SONAME":
                soname = tag.soname
            case "DT_RPATH":
                rpath += tag.rpath.split(":")
            case "DT_RUNPATH":
                rpath += tag.runpath.split(":")
    return Elf(
        machine=str(file["e_machine"]),
        kind=str(file["e_type"]),
        interpreter=next((str(one.get_interp_name()) for one in segments if isinstance(one, InterpSegment)), None),
        soname=soname,
        needed=tuple(needed),
        rpath=tuple(rpath),
        versions=tuple(itertools.islice(_versions(sections), _MOST_TAGS)),
        python_module=b"\0PyInit_" in data,
    )


def _dynamic_tags(sections: Iterable[Any], segments: Iterable[Any]) -> Iterator[Any]:
    """Yield from the section, or from the segment where the sections were removed."""
    for found in (*sections, *segments):
        if isinstance(found, (DynamicSection, DynamicSegment)):
            return found.iter_tags()
    return iter(())


def _versions(sections: Iterable[Any]) -> Iterator[VersionNeed]:
    for section in sections:
        if not isinstance(section, GNUVerNeedSection):
            continue
        for need, auxiliaries in itertools.islice(section.iter_versions(), _MOST_TAGS):
            for auxiliary in itertools.islice(auxiliaries, _MOST_TAGS):
                weak = bool(auxiliary.entry.vna_flags & _WEAK)
                yield VersionNeed(library=str(need.name), version=str(auxiliary.name), weak=weak)
