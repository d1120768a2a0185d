"""The recipes with what was built of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder.layer import manifest
from builder.model.limits import MB
from builder.model.recipes import Loaded
from builder.model.target import targets


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One recipe."""

    loaded: Loaded
    wanted: int
    """Number of targets."""
    built: tuple[dict[str, Any], ...]
    """Manifests of the zips that are there."""

    def cells(self) -> tuple[str, ...]:
        recipe = self.loaded.recipe
        largest = max((one["zip"]["bytes"] for one in self.built), default=0)
        return (
            recipe.layer.name,
            recipe.layer.version,
            " ".join(recipe.targets.runtimes),
            " ".join(recipe.targets.architectures),
            f"{len(self.built)}/{self.wanted}",
            f"{largest / MB:.1f}" if largest else "",
            recipe.layer.description,
        )

    def as_json(self) -> dict[str, Any]:
        recipe = self.loaded.recipe
        return {
            "name": recipe.layer.name,
            "version": recipe.layer.version,
            "description": recipe.layer.description,
            "runtimes": list(recipe.targets.runtimes),
            "architectures": list(recipe.targets.architectures),
            "targets": [target.name for target in targets(recipe)],
            "built": [
                {
                    "target": one["target"],
                    "bytes": one["zip"]["bytes"],
                    "unzipped_bytes": one["unzipped_bytes"],
                    "sha256": one["zip"]["sha256"],
                }
                for one in self.built
            ],
        }


def rows(loaded: Sequence[Loaded], output: Path) -> list[Row]:
    """Return the catalogue's rows, in the order of names."""
    return [_row(one, output) for one in loaded]


def _row(loaded: Loaded, output: Path) -> Row:
    wanted = targets(loaded.recipe)
    found = [manifest.beside(output / f"{target.name}.zip") for target in wanted]
    return Row(loaded=loaded, wanted=len(wanted), built=tuple(one for one in found if one))
