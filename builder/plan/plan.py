"""The plan of one zip: a frozen value with everything that decides its bytes."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from builder.base.frozen import dataclass
from builder.model.images import Image
from builder.model.recipe import Recipe, Slim, Source
from builder.model.target import Target
from builder.packages import table
from builder.packages.resolution import Package, Resolution, reasons_for_container, reasons_to_compile
from builder.plan import dockerfile, formats, keys, program_texts
from builder.plan.container import Container
from builder.plan.resolved import Copied


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
    image: Image
    """The image in which functions run."""
    container: Container | None
    """The container that compiles; None if no engine is needed."""
    system: Container | None
    """What has the libraries that prebuilt packages may turn out to lack; None if no step names packages for them."""
    compression: str
    warnings: tuple[str, ...]

    @property
    def packages(self) -> tuple[Package, ...]:
        """All packages of the layer."""
        return tuple(package for resolution in self.resolutions for package in resolution.packages)

    @property
    def named_places(self) -> tuple[str, ...]:
        """Where files say that packages come from, besides the user's settings."""
        return tuple(place for each in self.resolutions for place in each.named_places)

    @property
    def reasons_to_compile(self) -> tuple[str, ...]:
        """Why packages are compiled that would rather be prebuilt; they are among the warnings."""
        return reasons_to_compile(self.resolutions)

    @property
    def reasons_for_container(self) -> tuple[str, ...]:
        """Why a container is needed, also for what most recipes ask for: install scripts, extensions of gems."""
        return reasons_for_container(self.resolutions)

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
        """SHA-256, as hexadecimal digits, over what decides the bytes of the zip and of the manifest beside it."""
        return keys.key({"zip": self.inputs(), "beside": self.beside()})

    def inputs(self) -> Mapping[str, Any]:
        """Return what decides the bytes of the zip, by name; JSON."""
        target, slim = self.target, self.slim
        written = {"layer", "slim", *(resolution.uses for resolution in self.resolutions)}
        written |= {"strip"} if slim.strip else set()
        written |= {"bytecode"} if self.interpreter else set()
        return {
            "formats": formats.versions(written),
            "runtimes": [runtime.name for runtime in target.runtimes],
            "architectures": [arch.name for arch in target.architectures],
            "slim": dataclasses.asdict(slim),
            "leftovers": keys.key(table.leftovers()),
            "libraries": dataclasses.asdict(self.recipe.libraries),
            "packages": [[resolution.uses, resolution.inputs()] for resolution in self.resolutions],
            "parts": self._parts(),
            "copied": [[copied.to, copied.executable, copied.sha256] for copied in self.copied],
            "interpreter": self.interpreter,
            **(program_texts.compiler() if self.interpreter else {}),
            "compression": self.compression,
        }

    def _parts(self) -> list[list[str]]:
        """Return stage and key of what containers make. Which libraries are lacked follows from the packages."""
        if self.system:
            return [["system", keys.key(keys.of_system(self.system))]]
        return [[part.stage, part.key] for part in keys.parts(self.container)] if self.container else []

    def with_libraries(self, sonames: Sequence[str]) -> "Plan":
        """Return the plan of the same layer with these libraries of the system, which its packages turned out to lack.

        It has the same digest.
        """
        container = dataclasses.replace(self.system, dlopened=tuple(sonames)) if self.system else None
        return dataclasses.replace(self, container=container)

    def beside(self) -> Mapping[str, Any]:
        """Return what only the manifest and the bill of materials tell, by name; JSON."""
        layer = self.recipe.layer
        return {
            "formats": formats.versions(["manifest"]),
            "target": self.target.name,
            "layer": [layer.name, self.target.version, layer.description, layer.license, layer.homepage],
            "allow": [dataclasses.asdict(allow) for allow in self.recipe.allow],
            "locked": self.locked,
            "sources": _sources(self.container.sources if self.container else (), layer.name),
        }

    def as_json(self) -> dict[str, Any]:
        """Return the document of `plan --json`. docs/commands.md describes its keys."""
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
            "image": dataclasses.asdict(self.image),
            "build_image": dataclasses.asdict(self.container.image) if self.container else None,
            "dockerfile": self.dockerfile or None,
            "locked": self.locked,
            "bytecode": self.interpreter,
            "packages": [package.as_json() for package in self.packages],
            "sources": _sources(self.container.sources if self.container else (), self.recipe.layer.name),
            "indexes": list(self.named_places),
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
