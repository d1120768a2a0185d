"""The jars of one target, directly in java/lib, since the class path of the runtime has no subfolders."""

from collections.abc import Iterator, Mapping
from dataclasses import astuple
from pathlib import Path
from typing import Any, ClassVar

from builder.base.frozen import dataclass
from builder.layer import tree
from builder.layer.tree import Entry, OnDisk, Tree
from builder.model.architectures import Architecture
from builder.packages.maven import maven_lock, mvn
from builder.packages.maven.maven_lock import Jar
from builder.packages.resolution import Block, CompiledPart, Package, StageOutput


@dataclass(frozen=True, kw_only=True, slots=True)
class Jars:
    """All jars of a target."""

    jars: tuple[Jar, ...]
    locked: bool
    warnings: tuple[str, ...] = ()
    uses: ClassVar[str] = "maven"
    prebuilt: ClassVar[str] = "jars"
    named_places: ClassVar[tuple[str, ...]] = ()
    has_bytecode: ClassVar[bool] = False
    compiles: ClassVar[tuple[CompiledPart, ...]] = ()
    blocks: ClassVar[tuple[tuple[int, Block], ...]] = ()

    @property
    def packages(self) -> tuple[Package, ...]:
        return tuple(_row(name, jar) for name, jar in sorted(maven_lock.names(self.jars).items()))

    def inputs(self) -> list[Any]:
        return [list(astuple(jar)) for jar in self.jars]

    def write(self, context: Path, stages: frozenset[str], machine: Architecture) -> None:
        """Write nothing: no container needs jars."""

    def assemble(self, content: Tree, artifacts: Mapping[str, StageOutput], work: Path) -> Tree:  # noqa: ARG002
        return content.with_entries(self._entries())

    def _entries(self) -> Iterator[Entry]:
        paths = mvn.jars({jar.coordinates: jar.sha256 for jar in self.jars})
        for name, jar in maven_lock.names(self.jars).items():
            path = paths[jar.coordinates]
            yield Entry(path=f"java/lib/{name}", mode=tree.PLAIN, content=OnDisk(path=path, size=path.stat().st_size))


def _row(name: str, jar: Jar) -> Package:
    group, artifact, version, _ = jar.parts
    return Package(
        name=f"{group}:{artifact}",
        version=version,
        ecosystem="maven",
        route="jar",
        reason="as published",
        file=name,
        sha256=jar.sha256,
    )


RESOLUTION = Jars
