"""The Protocol of packages that are named on a command line instead of in a recipe."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

from builder.base.errors import UsageError
from builder.model.architectures import Architecture
from builder.model.runtimes import Runtime


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """What a new recipe says of its packages."""

    summary: str
    license: str
    step: Mapping[str, Any]
    """The step as a table of a recipe, with every version pinned; that of the first package is `{version}`."""
    prune: tuple[str, ...]
    test: Mapping[str, Any]
    """A [[test]] that imports the first package."""


class CommandLinePackages(Protocol):
    """Packages of one ecosystem, made from the texts of a command line."""

    language: ClassVar[str]
    """The language of the runtimes that read them."""
    title: ClassVar[str]
    """The language's name for people."""

    @property
    def name(self) -> str | None:
        """The first package, which names the layer; None if only a file lists packages."""

    @property
    def description(self) -> str | None:
        """The content of the layer; None if the layer's name tells it."""

    @property
    def step(self) -> Mapping[str, Any]:
        """The step as a table of a recipe."""

    def version(self, runtime: Runtime, arch: Architecture) -> str:
        """Return the version of the first package on a target, in the form of a layer's version; may ask the index."""

    def require_prebuilt(self, runtime: Runtime, arch: Architecture) -> None:  # noqa: ARG002
        """Raise BuildError if a package would have to be compiled."""
        return

    def draft(self, versions: Mapping[str, str], layer: Path) -> Draft:  # noqa: ARG002
        """Return what a new recipe says of the packages. `layer` is a folder with the installed ones, as in /opt."""
        msg = f"a new recipe for {self.title} cannot be written"
        raise UsageError(msg, hint="`layerwright schema` describes recipes")
