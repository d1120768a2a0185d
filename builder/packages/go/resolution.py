"""The programs in Go of one target: each compiled by a block of its own."""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import astuple
from pathlib import Path
from typing import Annotated, Any, ClassVar

from builder.base.frozen import dataclass
from builder.base.values import STORED, StoredAs, StoredFolder, StoredPath, untrusted
from builder.layer.tree import Tree
from builder.model.architectures import Architecture
from builder.model.go_module import is_import_path
from builder.packages import source_folder
from builder.packages.go import MOD, PURL_TYPE, SUM
from builder.packages.go.go_mod import Require
from builder.packages.go.go_sum import is_digest
from builder.packages.resolution import Block, CompiledPart, Package, StageOutput
from builder.packages.source_folder import SourceFile


def _package(value: str) -> str:
    if value != "." and not is_import_path(value.removeprefix("./")):
        raise untrusted(STORED, value, "the import path of a program")
    return value


def _hash(value: str) -> str:
    if not is_digest(value):
        raise untrusted(STORED, value, "a hash of go.sum")
    return value


StoredPackage = Annotated[str, StoredAs(parse=_package)]
StoredHash = Annotated[str, StoredAs(parse=_hash)]


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """One program and all that decides its bytes."""

    step: int
    package: StoredPackage
    """Its import path, or its folder as `./cmd/tool`."""
    file: StoredPath
    """Its path in the layer."""
    tags: tuple[str, ...]
    variables: tuple[tuple[str, str], ...]
    cgo: bool
    modules: tuple[tuple[Require, StoredHash], ...]
    """What it may be compiled of, with the hashes of go.sum."""
    lock: tuple[str, str] | None = None
    """The texts of go.mod and go.sum; None where they are among the files."""
    folder: StoredFolder | None = None
    """Of the host, with the program's source."""
    files: tuple[SourceFile, ...] = ()

    @property
    def archive(self) -> str:
        """Its name in the build context."""
        return f"go-{self.step}.tar"

    @property
    def ldflags(self) -> str:
        """Options of Go's linker: no symbols, no build ID, which names the machine's paths, and values of variables."""
        return " ".join(["-s -w -buildid=", *(f"'-X={name}={value}'" for name, value in self.variables)])

    def inputs(self) -> list[Any]:
        """Return what decides its bytes; JSON."""
        said = [self.package, self.file, self.tags, self.variables, self.cgo, self.lock]
        return [*said, [astuple(file) for file in self.files]]

    def block(self) -> Block:
        values = {
            "archive": self.archive,
            "package": shlex.quote(self.package),
            "file": shlex.quote(self.file),
            "tags": shlex.quote(",".join(self.tags)),
            "ldflags": shlex.quote(self.ldflags),
            "cgo": int(self.cgo),
        }
        return Block(
            template="go",
            title=f"step {self.step}: {self.file}, in Go from {self.package}",
            values=values,
            inputs=tuple(self.inputs()),
            installs=("golang",),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Programs:
    """All programs of a target."""

    programs: tuple[Program, ...]
    locked: bool
    uses: ClassVar[str] = "go"
    prebuilt: ClassVar[str] = "go"
    named_places: ClassVar[tuple[str, ...]] = ()
    has_bytecode: ClassVar[bool] = False
    warnings: ClassVar[tuple[str, ...]] = ()
    compiles: ClassVar[tuple[CompiledPart, ...]] = ()

    @property
    def packages(self) -> tuple[Package, ...]:
        rows = {(row.name, row.version): row for program in self.programs for row in _rows(program)}
        return tuple(rows[key] for key in sorted(rows))

    @property
    def blocks(self) -> tuple[tuple[int, Block], ...]:
        return tuple((program.step, program.block()) for program in self.programs)

    def inputs(self) -> list[Any]:
        return [program.inputs() for program in self.programs]

    def write(self, context: Path, stages: frozenset[str], machine: Architecture) -> None:  # noqa: ARG002  Go of the image compiles
        if "tree" not in stages:
            return
        for program in self.programs:
            to = context / program.archive
            if program.folder:
                source_folder.archive(source_folder.members(program.folder, program.files), to)
            elif program.lock:
                texts = zip((MOD, SUM), program.lock, strict=True)
                source_folder.archive((source_folder.member(name, text.encode()) for name, text in texts), to)

    def assemble(self, content: Tree, artifacts: Mapping[str, StageOutput], work: Path) -> Tree:  # noqa: ARG002  blocks write into /opt
        return content


def _rows(program: Program) -> Iterator[Package]:
    for module, digest in program.modules:
        yield Package(
            name=module.path,
            version=module.version,
            ecosystem=PURL_TYPE,
            route="compile",
            reason=f"source of {program.file}",
            file=f"{module.path}@{module.version}",
            integrity=digest,
        )


RESOLUTION = Programs
