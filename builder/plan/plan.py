"""The plan of one zip: a frozen value with everything that decides its bytes."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from builder import __version__
from builder.model.images import run_image
from builder.model.recipe import Recipe, Slim, Source
from builder.model.target import Target
from builder.packages.ecosystem import Package, Resolution
from builder.plan import dockerfile
from builder.plan.container import Container, machinery


@cache
def tool() -> str:
    """Return the version of layerwright with a hash of its code, so that a change of it changes plan digests."""
    code = hashlib.sha256(machinery().encode())
    root = Path(__file__).parent.parent
    for path in sorted(root.rglob("*.py")):
        code.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return f"{__version__}+{code.hexdigest()[:16]}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Copied:
    """A file beside the recipe that is copied into the layer."""

    source: str
    """The path relative to the recipe, with slashes."""
    to: str
    """The path in the layer."""
    executable: bool
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Everything that decides one zip."""

    target: Target
    recipe: Recipe
    resolutions: tuple[Resolution, ...]
    """The packages of each ecosystem, in the order of the table."""
    copied: tuple[Copied, ...]
    interpreter: str | None
    """The exact version of the Python that compiles the bytecode, or its image; None for a layer without bytecode."""
    container: Container | None
    """The container that compiles; None if no engine is needed."""
    compression: str
    warnings: tuple[str, ...]

    @property
    def packages(self) -> tuple[Package, ...]:
        """All packages of the layer."""
        return tuple(package for resolution in self.resolutions for package in resolution.packages)

    @property
    def locked(self) -> bool:
        """Whether all packages are those of locks."""
        return all(resolution.locked for resolution in self.resolutions)

    @property
    def slim(self) -> Slim:
        return self.recipe.slim

    @property
    def route(self) -> str:
        """`compile` if a container is needed, else the route of prebuilt packages; `copy` without packages."""
        if self.container:
            return "compile"
        return next((resolution.prebuilt for resolution in self.resolutions if resolution.packages), "copy")

    @property
    def dockerfile(self) -> str:
        """The Dockerfile with its scripts, for display; empty without a container."""
        return dockerfile.describe(self.container) if self.container else ""

    @property
    def digest(self) -> str:
        """SHA-256 over everything that decides the bytes, as hexadecimal digits."""
        text = json.dumps(self._inputs(), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def _inputs(self) -> Mapping[str, Any]:
        return {
            "tool": tool(),
            "target": self.target.name,
            "runtimes": [[runtime.name, runtime.images(self.target.arch)] for runtime in self.target.runtimes],
            "architectures": [arch.name for arch in self.target.architectures],
            "recipe": {key: value for key, value in dataclasses.asdict(self.recipe).items() if key != "publish"},
            "packages": [[resolution.prebuilt, resolution.inputs()] for resolution in self.resolutions],
            "parts": [dataclasses.astuple(part) for part in self.container.parts] if self.container else [],
            "copied": [dataclasses.astuple(copied) for copied in self.copied],
            "interpreter": self.interpreter,
            "compression": self.compression,
        }

    def as_json(self) -> dict[str, Any]:
        """Return the document of `plan --json`. The README describes its keys."""
        layer = self.recipe.layer
        return {
            "name": layer.name,
            "layer_version": self.target.version,
            "description": layer.description,
            "license": layer.license,
            "homepage": layer.homepage,
            "target": self.target.name,
            "runtimes": [runtime.name for runtime in self.target.runtimes],
            "architectures": [arch.name for arch in self.target.architectures],
            "os": self.target.base.os.name,
            "route": self.route,
            "image": dataclasses.asdict(run_image(self.target.base, self.target.arch)),
            "build_image": dataclasses.asdict(self.container.image) if self.container else None,
            "dockerfile": self.dockerfile or None,
            "locked": self.locked,
            "bytecode": self.interpreter,
            "packages": [package.as_json() for package in self.packages],
            "sources": _sources(self.container.sources if self.container else (), self.recipe.layer.name),
            "files": [dataclasses.asdict(copied) for copied in self.copied],
            "warnings": list(self.warnings),
            "plan_digest": self.digest,
        }


def _sources(sources: Sequence[Source], layer: str) -> list[dict[str, Any]]:
    """Return the upstream sources with the hashes that pin them."""
    keys = ("url", "sha256", "git", "commit")
    return [
        {"name": source.name or layer, **{key: value for key in keys if (value := getattr(source, key))}}
        for source in sources
    ]
