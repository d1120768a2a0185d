"""The packages of one target, as a plan holds them: what every ecosystem decides on, compiles and adds to a layer."""

from collections.abc import Iterable, Mapping
from dataclasses import field
from pathlib import Path
from typing import Any, Protocol

from builder.base.frozen import dataclass
from builder.layer.tree import Tree
from builder.model.architectures import Architecture


@dataclass(frozen=True, kw_only=True, slots=True)
class Package:
    """One package of a plan, as `plan --json` and the manifest show it."""

    name: str
    version: str
    ecosystem: str
    """The type of its package URL: `pypi`, `npm`, `gem`, `maven`."""
    route: str
    """The source of its files: `compile`, or the kind of the published file: `wheel`, `npm`, `gem`, `jar`."""
    reason: str
    file: str
    sha256: str | None = None
    integrity: str | None = None
    """A digest in the ecosystem's own form, such as npm's `sha512-` and base64. None in ecosystems that have none."""
    bytes: int | None = None
    """Size of the download in bytes; None if the index does not state it."""
    stage: str | None = None
    """The stage that compiles it, if it has one of its own."""
    local: str | None = None
    """The folder that it was made of, whose files have that SHA-256; None for others."""
    git: str | None = None
    """The repository that it was made of, at a commit; None for others."""
    commit: str | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "version": self.version,
            "ecosystem": self.ecosystem,
            "route": self.route,
            "reason": self.reason,
            "file": self.file,
            "sha256": self.sha256,
            **({} if self.integrity is None else {"integrity": self.integrity}),
            "bytes": self.bytes,
            **{key: value for key in ("local", "git", "commit") if (value := getattr(self, key)) is not None},
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """The work of a container for a step: a template of `images/templates`, and its values."""

    template: str
    title: str
    values: Mapping[str, Any]
    """Values that reach a shell are quoted, or restricted to harmless characters by their type."""
    inputs: tuple[Any, ...]
    """The inputs that decide the resulting bytes, besides the image and the earlier steps; JSON."""
    installs: tuple[str, ...] = ()
    """Packages of the operating system to be installed first."""
    because: str = field(default="", compare=False)
    """Why a container is needed, for people, with the way on; empty where the step says so itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CompiledPart:
    """A package that is compiled in a stage of its own, and therefore cached separately."""

    name: str
    version: str
    step: int
    """The number of its step, from 1. Packages that earlier steps install are available."""
    stage: str
    repaired: str
    """The stage that adds libraries to it, for `layerwright wheel`."""
    block: Block
    because: str = field(default="", compare=False)
    """Why it is compiled, for people, with the ways on; empty if a recipe asks for it."""


class StageOutput(Protocol):
    """The artifact of a stage."""

    def files(self, below: str) -> Tree:
        """Return the files below a folder of the artifact, by paths relative to it."""


class Resolution(Protocol):
    """The packages of one ecosystem for one target. Frozen; equal resolutions give equal bytes."""

    @property
    def packages(self) -> tuple[Package, ...]:
        """All packages, each with the digest of its file."""

    @property
    def locked(self) -> bool:
        """Whether the packages are those of a lock."""

    @property
    def uses(self) -> str:
        """The `uses` of its steps."""

    @property
    def named_places(self) -> tuple[str, ...]:
        """Indexes, folders and pages that files name packages to come from, besides the user's settings; for people."""

    @property
    def prebuilt(self) -> str:
        """Name of the plan's route if nothing is compiled: `wheels`, `npm`, `gems`, `jars`."""

    @property
    def has_bytecode(self) -> bool:
        """Whether its files are compiled to bytecode on the way into the layer."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings for the user, before a build."""

    @property
    def compiles(self) -> tuple[CompiledPart, ...]:
        """The packages that stages of their own compile."""

    @property
    def blocks(self) -> tuple[tuple[int, Block], ...]:
        """The work of steps in the container, with their numbers. Empty if no container is needed."""

    def inputs(self) -> list[Any]:
        """Return the values that decide the bytes of its files; JSON."""

    def write(self, context: Path, stages: frozenset[str], machine: Architecture) -> None:
        """Write the inputs of its blocks and parts to the build context. `machine` is the engine's architecture."""

    def assemble(self, content: Tree, artifacts: Mapping[str, StageOutput], work: Path) -> Tree:
        """Return the layer's content with the files of these packages. `artifacts` maps stages to their outputs."""


def reasons_to_compile(resolutions: Iterable[Resolution]) -> tuple[str, ...]:
    """Return why packages are compiled that would rather be prebuilt."""
    return tuple(part.because for each in resolutions for part in each.compiles if part.because)


def reasons_for_container(resolutions: Iterable[Resolution]) -> tuple[str, ...]:
    """Return why a container is needed: for packages that are compiled one by one, and for the work of whole steps."""
    every = tuple(resolutions)
    blocks = (block.because for each in every for _, block in each.blocks if block.because)
    return (*reasons_to_compile(every), *blocks)
