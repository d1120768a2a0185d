"""What a check sees, what it finds, and the list of all checks."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from builder.layer.elf import MAGIC, Elf, UnreadableElfError, parse
from builder.layer.reader import InZip
from builder.layer.tree import Tree, never_program
from builder.model.architectures import Architecture
from builder.model.limits import UNZIPPED_LIMIT
from builder.model.runtimes import OperatingSystem, Runtime

ERROR, WARNING = "error", "warning"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One fact about a layer that will or may hurt."""

    check: str
    severity: str
    """`error`: cannot work in Lambda; `warning`: suspicious."""
    path: str | None
    message: str
    hint: str
    details: tuple[str, ...] = ()
    allowed: str | None = None
    """The reason in the recipe's [[allow]], when it switches this one off."""

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Finding":
        return cls(**{**data, "details": tuple(data["details"])})

    def as_json(self) -> dict[str, Any]:
        return {
            "check": self.check,
            "severity": self.severity,
            "path": self.path,
            "message": self.message,
            "hint": self.hint,
            "details": list(self.details),
            "allowed": self.allowed,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """A layer and where it shall run."""

    tree: Tree
    runtimes: tuple[Runtime, ...]
    architectures: tuple[Architecture, ...]
    own: bool
    """Built from a recipe of ours, so that an odd path is a mistake and not somebody's habit."""
    zip_bytes: int | None
    elves: Mapping[str, Elf]
    damaged: Mapping[str, str]
    directories: Mapping[str, int]
    """Modes of the directories that the zip names."""
    pruned: frozenset[str] = frozenset()
    """Paths that the recipe took away."""

    @property
    def os(self) -> OperatingSystem:
        """The oldest operating system, whose ceilings hold for all."""
        return min((runtime.os for runtime in self.runtimes), key=lambda os: os.age)

    @property
    def suspicious(self) -> str:
        """How grave it is when something is odd but may work."""
        return ERROR if self.own else WARNING

    def fitting(self) -> Iterable[tuple[str, Elf]]:
        """Yield the ELF files of the layer's own architecture."""
        machines = {arch.elf for arch in self.architectures}
        return ((path, elf) for path, elf in self.elves.items() if elf.machine in machines)


Rule = Callable[[Subject], Iterable[Finding]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    name: str
    why: str
    rule: Rule


CHECKS: dict[str, Check] = {}


def check(name: str, why: str) -> Callable[[Rule], Rule]:
    """Put a rule on the list."""

    def register(rule: Rule) -> Rule:
        CHECKS[name] = Check(name=name, why=why, rule=rule)
        return rule

    return register


def examine(
    tree: Tree,
    runtimes: tuple[Runtime, ...],
    architectures: tuple[Architecture, ...],
    *,
    own: bool,
    directories: Mapping[str, int] | None = None,
) -> Subject:
    """Read every file of a tree once: unreadable archives raise here, damaged ELF files are noted."""
    elves: dict[str, Elf] = {}
    damaged: dict[str, str] = {}
    for entry in tree:
        if entry.link is not None or (own and never_program(entry.path)):
            continue  # our own files need no proof that they can be unpacked
        if entry.content.head(4) != MAGIC:
            if isinstance(entry.content, InZip):
                entry.content.verify()
        elif entry.size > UNZIPPED_LIMIT:  # Lambda takes no larger file, so none is read into memory
            damaged[entry.path] = f"damaged ELF file: it claims {entry.size:,} bytes"
        else:
            try:
                elves[entry.path] = parse(entry.content.read())
            except UnreadableElfError as error:
                damaged[entry.path] = str(error)
    return Subject(
        tree=tree,
        runtimes=runtimes,
        architectures=architectures,
        own=own,
        zip_bytes=None,
        elves=elves,
        damaged=damaged,
        directories=directories or {},
    )


def weighed(subject: Subject, zip_bytes: int) -> Subject:
    """Return the subject with the size of its zip."""
    return replace(subject, zip_bytes=zip_bytes)
