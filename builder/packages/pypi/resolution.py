"""The Python packages of one target: wheels as published, and sdists that a container compiles."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

from builder.base import files
from builder.base.errors import BuildError
from builder.base.values import stored
from builder.layer import tree
from builder.layer.tree import Tree
from builder.model.architectures import Architecture
from builder.model.target import Target
from builder.model.tools import requirements, tools
from builder.packages.pypi import sdist, static_tools
from builder.packages.pypi.dist import Dist
from builder.packages.pypi.install import Pinned, install
from builder.packages.pypi.names import NAME, VERSION, StoredName, StoredVersion
from builder.packages.pypi.routes import Route
from builder.packages.resolution import Block, CompiledPart, Package, StageOutput

BUILD_PINS = "build-constraints.txt"
"""The file of pinned build requirements, in the folder `bin` of the build context."""
PINNED = re.compile(rf"{NAME.pattern}=={VERSION.pattern}(?: --hash=sha256:[0-9a-f]{{64}})*")


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
    """The version of uv, which installs wheels on the host and compiles others in the container."""
    steps: Mapping[StoredName, int]
    """The number of the step that names a package, by package; all others belong to the last step."""
    last_step: int
    build_pins: tuple[Annotated[str, stored(PINNED, "a pinned build requirement")], ...] = ()
    """Pinned build requirements: constraints with hashes, one per line. Other packages are the newest."""
    warnings: tuple[str, ...] = ()
    uses: ClassVar[str] = "pip"
    prebuilt: ClassVar[str] = "wheels"
    blocks: ClassVar[tuple[tuple[int, Block], ...]] = ()

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
        pinned = BUILD_PINS if self.build_pins else ""
        return CompiledPart(
            name=name,
            version=compiled.version,
            step=compiled.step,
            stage=stage,
            repaired=repaired,
            block=Block(
                template="pip",
                title=f"{name} {compiled.version}, from its sdist",
                values={"name": name, "repaired": repaired, "archive": f"{name}.tar", "pinned": pinned},
                inputs=(name, compiled.version, compiled.sdist.sha256, self.build_pins, self.uv),
            ),
        )

    def inputs(self) -> list[Any]:
        packages = (route.package for route in self.routes)
        return [self.uv, [[each.name, each.version, each.filename, each.sha256] for each in packages]]

    def write(self, context: Path, stages: frozenset[str], machine: Architecture) -> None:
        parts = {part.name for part in self.compiles if stages & {part.stage, part.repaired}}
        if not parts:
            return
        static_tools.copy(static_tools.uv(machine), context / "bin" / "uv")
        pins = "".join(f"{line}\n" for line in self.build_pins)
        (context / "bin" / BUILD_PINS).write_text(pins, encoding="utf-8", newline="\n")
        if any(part.repaired in stages for part in self.compiles):
            repairing = requirements(tools().repairing)
            (context / "bin" / "auditwheel.txt").write_text(repairing, encoding="utf-8", newline="\n")
        (context / "sdists").mkdir(exist_ok=True)
        for compiled in self.compiled:
            if compiled.name in parts:
                archive = sdist.file(compiled.sdist, compiled.name, compiled.version)
                sdist.as_tar(archive, context / "sdists" / f"{compiled.name}.tar")

    def assemble(self, content: Tree, artifacts: Mapping[str, StageOutput], work: Path) -> Tree:
        built = self.wheels(artifacts, work / "wheels", repaired=False)
        pinned = [built.get(route.package.name, route.package) for route in self.routes]
        install(pinned, self.target.base, self.target.arch, work / "python")
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


def _row(route: Route) -> Package:
    return Package(
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
