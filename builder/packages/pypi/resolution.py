"""The Python packages of one target: wheels as published, and sdists that a container compiles."""

import shutil
from collections.abc import Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import Any, ClassVar

from builder.base import credentials, files
from builder.base.errors import BuildError
from builder.base.frozen import dataclass
from builder.layer import tree
from builder.layer.tree import Tree
from builder.model.architectures import Architecture
from builder.model.target import Target
from builder.model.tools import requirements, tools
from builder.packages.pypi import shared_files, static_tools
from builder.packages.pypi.build_file import BuildFile
from builder.packages.pypi.dist import Dist
from builder.packages.pypi.indexes import Indexes
from builder.packages.pypi.install import Pinned, install
from builder.packages.pypi.names import StoredName, StoredVersion
from builder.packages.pypi.routes import Route
from builder.packages.resolution import Block, CompiledPart, Package, StageOutput

REQUIREMENTS = "requirements"
"""The folder of the build context with all that sdists are built with."""
REPAIR = "repair"
"""The folder of the build context with auditwheel and what it needs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Compiled:
    """One package that is compiled from its sdist."""

    name: str
    version: str
    sdist: Dist
    step: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Wheels:
    """All Python packages of a target."""

    target: Target
    routes: tuple[Route, ...]
    locked: bool
    has_bytecode: bool
    uv: StoredVersion
    """The version of uv that installs wheels on the host."""
    steps: Mapping[StoredName, int]
    """The number of the step that names a package, by package; all others belong to the last step."""
    last_step: int
    build_files: tuple[BuildFile, ...] = ()
    """All that the compiled packages can be built with."""
    unavailable: tuple[str, ...] = ()
    """Why what they are built with is not available; empty if it is."""
    online: tuple[int, ...] = ()
    """The numbers of the steps whose packages may download while they are compiled."""
    warnings: tuple[str, ...] = ()
    reasons: Mapping[StoredName, str] = field(default_factory=dict)
    """Why packages are compiled, by package."""
    indexes: Indexes = field(default_factory=Indexes)
    """Where files name that packages come from."""
    uses: ClassVar[str] = "pip"
    prebuilt: ClassVar[str] = "wheels"
    blocks: ClassVar[tuple[tuple[int, Block], ...]] = ()

    @property
    def named_places(self) -> tuple[str, ...]:
        links = (credentials.redact(link) for link in self.indexes.links)
        return tuple(dict.fromkeys((*(index.shown for index in self.indexes.all), *links)))

    @property
    def packages(self) -> tuple[Package, ...]:
        return tuple(_row(route) for route in self.routes)

    @property
    def compiled(self) -> tuple[Compiled, ...]:
        """The packages that are compiled from their sdists."""
        return tuple(
            Compiled(
                name=route.package.name,
                version=route.package.version,
                sdist=route.sdist,
                step=self.steps.get(route.package.name, self.last_step),
            )
            for route in self.routes
            if route.sdist
        )

    @property
    def compiles(self) -> tuple[CompiledPart, ...]:
        return tuple(self._part(compiled) for compiled in self.compiled)

    def _part(self, compiled: Compiled) -> CompiledPart:
        name, stage, repaired = compiled.name, f"wheel-{compiled.name}", f"repaired-{compiled.name}"
        online = compiled.step in self.online
        files = [file.file.sha256 for file in self.build_files]
        return CompiledPart(
            name=name,
            version=compiled.version,
            step=compiled.step,
            stage=stage,
            repaired=repaired,
            because=self.reasons.get(name, ""),
            block=Block(
                template="pip",
                title=f"{name} {compiled.version}, from its sdist",
                values={"name": name, "repaired": repaired, "archive": f"{name}.tar", "network": online},
                inputs=(name, compiled.version, compiled.sdist.sha256, files, tools().uv.version, online),
            ),
        )

    def inputs(self) -> list[Any]:
        packages = (route.package for route in self.routes)
        return [self.uv, [[each.name, each.version, each.filename, each.sha256] for each in packages]]

    def write(self, context: Path, stages: frozenset[str], machine: Architecture) -> None:
        from builder.packages.pypi import sdist  # with the readers of archives, and what downloads

        parts = {part.name for part in self.compiles if stages & {part.stage, part.repaired}}
        if not parts:
            return
        if self.unavailable:
            msg = f"{self.target.name}: the build requirements of {', '.join(sorted(parts))} are not available"
            raise BuildError(msg, why=self.unavailable)
        static_tools.copy(static_tools.uv(machine), context / "bin" / "uv")
        self._write_requirements(context / REQUIREMENTS, machine)
        if any(part.repaired in stages for part in self.compiles):
            _write_auditwheel(context / REPAIR, self.target.arch)
        (context / "sdists").mkdir(exist_ok=True)
        for compiled in self.compiled:
            if compiled.name in parts:
                archive = sdist.file(compiled.sdist, compiled.name, compiled.version)
                sdist.as_tar(archive, context / "sdists" / f"{compiled.name}.tar")

    def _write_requirements(self, folder: Path, machine: Architecture) -> None:
        """Write what runs on the target, and on the engine itself, whose Python builds wheels if it is accelerated."""
        folder.mkdir()
        for file in self.build_files:
            if file.runs_on(self.target.base, {self.target.arch, machine}):
                shutil.copy2(file.path(self.target.base), folder / file.file.filename)

    def assemble(self, content: Tree, artifacts: Mapping[str, StageOutput], work: Path) -> Tree:
        built = self.wheels(artifacts, work / "wheels", repaired=False)
        pinned = [built.get(route.package.name, route.package) for route in self.routes]
        install(pinned, self.target.base, self.target.arch, work / "python", self.indexes)
        if own := {route.package.name for route in self.routes if route.origin}:
            shared_files.refuse(work / "python", own)
        return content.with_entries(tree.from_folder(work / "python", "python"))

    def wheels(self, artifacts: Mapping[str, StageOutput], folder: Path, *, repaired: bool) -> dict[str, Pinned]:
        """Write the compiled wheels to a folder, and return them by package.

        Raises BuildError if an artifact does not contain exactly one wheel.
        """
        folder.mkdir(exist_ok=True)
        return {
            part.name: _wheel(part, artifacts[part.repaired if repaired else part.stage], folder)
            for part in self.compiles
        }


def _write_auditwheel(folder: Path, arch: Architecture) -> None:
    folder.mkdir()
    for tool in tools().repairing:
        for file in tool.for_machine(arch.machine):
            shutil.copy2(static_tools.wheel(tool, file), folder / file.name)
    repairing = requirements(tools().repairing)
    (folder / "auditwheel.txt").write_text(repairing, encoding="utf-8", newline="\n")


def _row(route: Route) -> Package:
    row = Package(
        name=route.package.name,
        version=route.package.version,
        ecosystem="pypi",
        route=route.kind,
        reason=route.reason,
        file=route.package.filename,
        sha256=route.package.sha256,
        bytes=route.size,
        stage=f"wheel-{route.package.name}" if route.sdist else None,
    )
    origin = route.origin
    if origin is None:
        return row
    row = replace(row, route="compile" if route.sdist else origin.kind, sha256=origin.digest)
    if origin.commit is None:
        return replace(row, local=origin.address)
    return replace(row, git=origin.address, commit=origin.commit)


def _wheel(part: CompiledPart, artifact: StageOutput, folder: Path) -> Pinned:
    wheels = [entry for entry in artifact.files("out") if entry.path.endswith(".whl")]
    if len(wheels) != 1:
        msg = f"the build of {part.name} {part.version} produced {len(wheels)} wheels instead of one"
        raise BuildError(msg)
    path = files.inside(folder, wheels[0].name, f"the build of {part.name}")
    path.write_bytes(wheels[0].content.read())
    return Pinned(
        name=part.name,
        version=part.version,
        filename=path.name,
        sha256=files.sha256(path),
        direct=path.resolve().as_uri(),
    )


RESOLUTION = Wheels
