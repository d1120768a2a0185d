"""The crates of one target: fetched by their hashes and compiled in the build image."""

import dataclasses
import io
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder.layer.tree import Tree
from builder.model.architectures import Architecture
from builder.model.steps.cargo import Cargo
from builder.packages.cargo import PROJECT_LOCK, cargo, cargo_lock, installed
from builder.packages.cargo.cargo_lock import Crate
from builder.packages.cargo.project import MANIFEST, Project
from builder.packages.ecosystem import Block, CompiledPart, Package, StageOutput

ARCHIVE = "cargo.tar"
"""The project, or the locks that lead to the crate, in the build context."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Crates:
    """A program in Rust with all crates of its lock."""

    step: int
    asked: Cargo
    name: str
    version: str
    crates: tuple[Crate, ...]
    project: Project | None
    """None for a published crate."""
    texts: bool
    """Whether the license texts of the crates go into the layer."""
    locked: bool
    prebuilt: str = "crates"
    has_bytecode: bool = False
    warnings: tuple[str, ...] = ()
    compiles: tuple[CompiledPart, ...] = ()

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
                "crate": None if self.project else f"{self.name}-{self.version}",
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
        files = self.project.files if self.project else ()
        crates = [dataclasses.astuple(crate) for crate in self.crates]
        return [self.name, self.version, files, crates, step.features, step.default_features, step.bins, step.to]

    def write(self, context: Path, stages: frozenset[str], machine: Architecture) -> None:  # noqa: ARG002  cargo of the image runs it
        if "tree" not in stages:
            return
        with tarfile.open(context / ARCHIVE, "w") as archive:
            for info, data in self._members():
                archive.addfile(info, io.BytesIO(data))

    def _members(self) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
        if self.project is None:
            for name, text in self._asking():
                yield _member(name, text.encode())
            return
        for name, sha256 in self.project.files:
            path = self.project.folder / name
            if sha256.startswith("-> "):
                link = tarfile.TarInfo(f"source/{name}")
                link.type, link.linkname = tarfile.SYMTYPE, sha256.removeprefix("-> ")
                yield link, b""
            else:
                yield _member(f"source/{name}", path.read_bytes())

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


def _member(name: str, data: bytes) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), 0o644
    return info, data


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
