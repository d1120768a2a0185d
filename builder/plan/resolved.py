"""All that a plan needs to know of the world, as a value that can be stored: decisions need nothing else."""

from collections.abc import Mapping, Sequence
from typing import Any

from builder.base.adapters import adapter
from builder.base.errors import UsageError
from builder.base.frozen import dataclass
from builder.base.values import STORED, StoredPath, StoredSha256, untrusted
from builder.model.decode import decode
from builder.model.images import Image
from builder.model.recipe import Recipe
from builder.model.target import Target
from builder.packages.resolution import Resolution
from builder.packages.table import StoredResolution

VERSION = 2
"""Of the stored form. Facts about runtimes are not in it: they are read from layerwright's own data."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Copied:
    """A file beside the recipe that is copied into the layer."""

    source: StoredPath
    """The path relative to the recipe, with slashes."""
    to: StoredPath
    """The path in the layer."""
    executable: bool
    sha256: StoredSha256


@dataclass(frozen=True, kw_only=True, slots=True)
class Resolved:
    """The answers of package indexes, locks, files, pins of images and the host, for one zip."""

    target: Target
    recipe: Recipe
    resolutions: tuple[StoredResolution, ...]
    """The packages of each ecosystem, in the order of the table."""
    copied: tuple[Copied, ...]
    recipe_files: tuple[tuple[StoredPath, StoredSha256], ...]
    """Names and SHA-256 of the files beside the recipe, without its locks."""
    python: str | None
    """The exact version of the host's Python that compiles the bytecode; None without bytecode, or without Python."""
    run_image: Image
    build_image: Image
    compression: str
    """The compressor with its version."""
    warnings: tuple[str, ...] = ()
    """About the recipe's spelling, and runtimes that are deprecated on the day of the plan."""

    def to_json(self) -> dict[str, Any]:
        """Return the value as JSON, without credentials of indexes."""
        stored = adapter(Resolved).dump_python(self, mode="json", by_alias=True, exclude_defaults=True)
        return {"version": VERSION, **stored}


def from_json(document: Mapping[str, Any]) -> Resolved:
    """Return the value that `to_json` wrote. Raises UsageError or UntrustedError for what it never writes."""
    if (version := document.get("version")) != VERSION:
        msg = f"{STORED} has the version {version!r}, and this layerwright reads {VERSION}"
        raise UsageError(msg, hint="plan again")
    resolved = decode(Resolved, {key: value for key, value in document.items() if key != "version"}, STORED)
    if resolved.to_json() != document:
        raise untrusted(STORED, document, "as it was written")
    return resolved


def has_bytecode(recipe: Recipe, target: Target, resolutions: Sequence[Resolution]) -> bool:
    """Return whether files of a layer are compiled to bytecode; a layer for several Pythons has none."""
    wanted = recipe.slim.bytecode != "off" and len(target.runtimes) == 1
    return wanted and any(resolution.has_bytecode for resolution in resolutions)
