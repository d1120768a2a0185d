"""The Protocol of packages that are named on a command line instead of in a recipe."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Protocol

from builder.base.frozen import dataclass
from builder.layer.tree import Tree
from builder.model.architectures import Architecture
from builder.model.runtimes import Runtime
from builder.packages.resolution import Package, Resolution

ANY_LANGUAGE = "provided"
"""The language of the runtimes that a layer of programs is for unless the command line says so: programs run in all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """What a new recipe says of its packages."""

    summary: str
    license: str
    step: Mapping[str, Any]
    """The step as a table of a recipe, with every version pinned; that of the first package is `{version}`."""
    prune: tuple[str, ...] = ()
    test: Mapping[str, Any]
    """A [[test]] that uses the packages."""
    version: str | None = None
    """The version of the layer; None for the one that the recipe has before its packages are known."""
    homepage: str | None = None
    split_by: tuple[str, ...] | None = None
    """The axes with a zip for each value; None for all of them."""
    oldest: int | None = None
    """The oldest series of the language that reads the packages, where its series are numbers; None if all do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Drafting:
    """Packages of a command line after they were resolved for the first target."""

    resolution: Resolution
    folder: Path
    """An empty folder for files."""

    @property
    def versions(self) -> Mapping[str, str]:
        """The version of each package."""
        return {package.name: package.version for package in self.packages}

    @property
    def packages(self) -> tuple[Package, ...]:
        return self.resolution.packages

    def content(self) -> Tree:
        """Return the files of a layer, without those that only a container makes."""
        return self.resolution.assemble(Tree(()), {}, self.folder)


class CommandLinePackages(Protocol):
    """Packages of one ecosystem, made from the texts of a command line."""

    language: ClassVar[str]
    """The language of the runtimes that read them."""
    title: ClassVar[str]
    """The language's name for people."""
    prefers_prebuilt: ClassVar[bool] = False
    """Whether compiling needs packages of the system more often than not, which only the author of a recipe knows."""

    @property
    def name(self) -> str | None:
        """The first package, which names the layer; None if only a file lists packages."""

    @property
    def description(self) -> str | None:
        """The content of the layer; None if the layer's name tells it."""

    @property
    def step(self) -> Mapping[str, Any]:
        """The step as a table of a recipe; may ask the index for versions where a step needs them."""

    def version(self, runtime: Runtime, arch: Architecture) -> str:
        """Return the version of the first package on a target, in the form of a layer's version; may ask the index."""

    def require_prebuilt(self, runtime: Runtime, arch: Architecture) -> None:  # noqa: ARG002
        """Raise BuildError if a package would have to be compiled."""
        return

    def draft(self, drafting: Drafting) -> Draft:
        """Return what a new recipe says of the packages. Raises BuildError for those that no layer is made of."""


def starting(program: str) -> dict[str, str]:
    """Return a [[test]] that starts a program of the layer.

    A program that is missing or cannot be loaded has exit code 126 or 127, one that a signal ends a higher one; those
    below are its own.
    """
    return {"shell": f"timeout 20 /opt/bin/{program} --version </dev/null || [ $? -lt 126 ]"}
