"""The subject of a check, its findings, and the list of all checks."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field, replace
from typing import Generic, TypeVar

from builder.base.frozen import dataclass
from builder.layer.elf import Elf, UnreadableElfError
from builder.layer.executables import OddFile
from builder.layer.findings import ERROR, WARNING, Finding
from builder.layer.installed import Installed
from builder.layer.java_code import NativeJar
from builder.layer.linking import Linker
from builder.layer.packed import PackedCode
from builder.layer.python_loads import OpenedName
from builder.layer.store import Store
from builder.layer.tree import Tree
from builder.model.architectures import Architecture
from builder.model.runtime_tables import OperatingSystem
from builder.model.runtimes import Runtime


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """A layer, and the runtimes and architectures that it is checked for."""

    tree: Tree
    runtimes: tuple[Runtime, ...]
    architectures: tuple[Architecture, ...]
    packages: tuple[Installed, ...]
    """The packages that the ecosystems find in it."""
    own: bool
    """Whether it is built from a recipe. An odd path is a mistake there; in other zips it may be intended."""
    zip_bytes: int | None
    elves: Mapping[str, Elf]
    damaged: Mapping[str, UnreadableElfError]
    directories: Mapping[str, int]
    """Modes of the directory entries of the zip."""
    sonames: frozenset[str]
    """Libraries that all of the runtimes are certain to have."""
    linker: Linker = field(repr=False)
    spare: frozenset[str] = frozenset()
    """ELF files for another C library, beside which the one that fits lies."""
    odd: Mapping[str, OddFile] = field(default_factory=dict)
    """Files that look like programs or libraries, and that Linux cannot load, by path."""
    packed: Mapping[str, PackedCode] = field(default_factory=dict)
    """Code in archives, by the path of the archive."""
    tokens: Mapping[str, str] = field(default_factory=dict)
    """Kind of the secret in a file, by path."""
    opened: Mapping[str, tuple[OpenedName, ...]] = field(default_factory=dict)
    """What modules of Python and Node.js, programs and libraries open by name, by path."""
    jars: Mapping[str, NativeJar] = field(default_factory=dict)
    """The jars that the runtime reads, by path."""
    pruned: frozenset[str] = frozenset()
    """Paths that the recipe prunes."""
    dlopened: tuple[str, ...] = ()
    """Sonames in `dlopen` of the recipe: opened at run time."""
    license: str = ""
    """The declared license of the layer."""
    store: Store | None = field(default=None, repr=False)
    """What remembers files that were read before."""

    @property
    def os(self) -> OperatingSystem:
        """The oldest operating system, whose symbol versions all of the runtimes have."""
        return min((runtime.os for runtime in self.runtimes), key=lambda os: os.age)

    @property
    def suspicious(self) -> str:
        """Severity of a property that is odd and may work."""
        return ERROR if self.own else WARNING

    def fitting(self) -> Iterable[tuple[str, Elf]]:
        """Return the ELF files for the architectures of the layer, by path, without those that nothing loads."""
        machines = {arch.elf for arch in self.architectures}
        mine = ((path, elf) for path, elf in self.elves.items() if elf.machine in machines)
        return ((path, elf) for path, elf in mine if path not in self.spare)


R = TypeVar("R")
Rule = Callable[[Subject], Iterable[Finding]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Check(Generic[R]):
    """A named rule, and the reason for it in one sentence."""

    name: str
    why: str
    rule: R


CHECKS: dict[str, Check[Rule]] = {}
"""Checks of one layer."""


def register(checks: dict[str, Check[R]], name: str, why: str) -> Callable[[R], R]:
    """Return a decorator that adds a rule to a list of checks."""

    def add(rule: R) -> R:
        checks[name] = Check(name=name, why=why, rule=rule)
        return rule

    return add


def check(name: str, why: str) -> Callable[[Rule], Rule]:
    """Return a decorator that adds a rule to the checks of one layer."""
    return register(CHECKS, name, why)


def weighed(subject: Subject, zip_bytes: int) -> Subject:
    """Return the subject with the size of its zip."""
    return replace(subject, zip_bytes=zip_bytes)
