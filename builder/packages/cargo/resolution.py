"""The crates of one target: fetched by their hashes and compiled in the build image."""

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from builder.base.frozen import dataclass
from builder.base.values import StoredFolder
from builder.layer.tree import Tree
from builder.model.architectures import Architecture
from builder.model.steps.cargo import Cargo
from builder.packages import source_folder
from builder.packages.cargo import PROJECT_LOCK, cargo, cargo_lock, installed
from builder.packages.cargo.cargo_lock import Crate, StoredCrateName, StoredCrateVersion
from builder.packages.cargo.project import MANIFEST
from builder.packages.resolution import Block, CompiledPart, Package, StageOutput
from builder.packages.source_folder import SourceFile

ARCHIVE = "cargo.tar"
"""The project, or the locks that lead to the crate, in the build context."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Crates:
    """A program in Rust with all crates of its lock."""

    step: int
    asked: Cargo
    name: StoredCrateName
    version: StoredCrateVersion
    crates: tuple[Crate, ...]
    folder: StoredFolder | None = None
    """Of the host, with the project; None for a published crate."""
    files: tuple[SourceFile, ...] = ()
    """Of the project."""
    texts: bool
    """Whether the license texts of the crates go into the layer."""
    locked: bool
    uses: ClassVar[str] = "cargo"
    prebuilt: ClassVar[str] = "crates"
    named_places: ClassVar[tuple[str, ...]] = ()
    has_bytecode: ClassVar[bool] = False
    warnings: ClassVar[tuple[str, ...]] = ()
    compiles: ClassVar[tuple[CompiledPart, ...]] = ()

    @property
    def packages(self) -> tuple[Package, ...]:
        return tuple(_row(crate) for crate in self.crates)

    @property
    def blocks(self) -> tuple[tuple[int, Block], ...]:
        step = self.asked
        flags = () if step.default_features else ("--no-default-features",)
        features = ("--features", ",".join(step.features)) if step.features else ()
        block = Block(
            template="cargo",
            title=f"step {self.step}: {self.name} {self.version}, built with cargo",
            values={
                "name": self.name,
                "crate": None if self.folder else f"{self.name}-{self.version}",
                "sha256": self._sha256,
                "options": " ".join([*flags, *features]),
                "bins": " ".join(f"--bin {name}" for name in step.bins),
                "to": step.to,
            },
            inputs=tuple(self.inputs()),
            installs=("cargo",),
        )
        return ((self.step, block),)

    @property
    def _sha256(self) -> str:
        root = cargo_lock.root(self.crates, self.name, self.version)
        return root.sha256 or "" if root else ""

    def inputs(self) -> list[Any]:
        step = self.asked
        files = tuple((file.path, f"-> {file.link}" if file.link else file.sha256) for file in self.files)
        crates = [[crate.name, crate.version, crate.sha256, crate.needs] for crate in self.crates]
        return [self.name, self.version, files, crates, step.features, step.default_features, step.bins, step.to]

    def write(self, context: Path, stages: frozenset[str], machine: Architecture) -> None:  # noqa: ARG002  cargo of the image runs it
        if "tree" not in stages:
            return
        asking = (source_folder.member(name, text.encode()) for name, text in self._asking())
        members = source_folder.members(self.folder, self.files, "source/") if self.folder else asking
        source_folder.archive(members, context / ARCHIVE)

    def _asking(self) -> Iterator[tuple[str, str]]:
        """Yield a package that needs the crate, so that cargo fetches it by its hash; and the crate's own lock."""
        asking = Crate(name=cargo.ASKING, version="0.0.0", sha256=None, needs=(self.name,))
        root = cargo_lock.root(self.crates, self.name, self.version)
        own = (dataclasses.replace(crate, sha256=None) if crate == root else crate for crate in self.crates)
        yield f"asking/{MANIFEST}", cargo.manifest(self.name, self.version)
        yield "asking/lib.rs", ""
        yield "asking.lock", cargo_lock.write([*self.crates, asking], header="")
        yield "source.lock", cargo_lock.write(own, header="")

    def assemble(self, content: Tree, artifacts: Mapping[str, StageOutput], work: Path) -> Tree:  # noqa: ARG002  it is in /opt
        return content if self.texts else content.without(lambda entry: installed.is_text(entry.path))


def _row(crate: Crate) -> Package:
    return Package(
        name=crate.name,
        version=crate.version,
        ecosystem="cargo",
        route="compile",
        reason="by Cargo.lock" if crate.sha256 else "a package of the project",
        file=f"{crate.name}-{crate.version}.crate" if crate.sha256 else PROJECT_LOCK,
        sha256=crate.sha256,
    )


RESOLUTION = Crates
