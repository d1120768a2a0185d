"""The catalogue: all recipes with their zips, and jobs for the CI of code hosts."""

import heapq
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.base.frozen import dataclass
from builder.model.limits import MB
from builder.model.recipes import Loaded
from builder.model.runtime_tables import CUSTOM
from builder.model.target import Target, targets

if TYPE_CHECKING:
    from builder.model.manifest import Manifest

_LISTED = 2
"""Versions of a language that are listed one by one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CatalogueRow:
    """One recipe."""

    loaded: Loaded
    target_count: int
    """Number of targets."""
    built: "tuple[Manifest, ...]"
    """Manifests of the zips that exist."""

    def cells(self) -> tuple[str, ...]:
        recipe = self.loaded.recipe
        largest = max((built.zip.bytes for built in self.built), default=0)
        return (
            recipe.layer.name,
            recipe.layer.version,
            f"{len(self.built)}/{self.target_count}",
            f"{largest / MB:.1f}" if largest else "",
            spans(recipe.targets.runtimes),
            recipe.layer.description,
        )

    def as_json(self) -> dict[str, Any]:
        recipe = self.loaded.recipe
        return {
            "name": recipe.layer.name,
            "version": recipe.layer.version,
            "description": recipe.layer.description,
            "homepage": recipe.layer.homepage,
            "runtimes": list(recipe.targets.runtimes),
            "architectures": list(recipe.targets.architectures),
            "targets": [target.name for target in targets(recipe)],
            "built": [
                {
                    "target": built.target,
                    "bytes": built.zip.bytes,
                    "unzipped_bytes": built.unzipped_bytes,
                    "sha256": built.zip.sha256,
                }
                for built in self.built
            ],
        }


def spans(runtimes: Sequence[str]) -> str:
    """Return runtimes with those of one language together: `python3.9 to 3.14, nodejs22.x 24.x`."""
    series: dict[str, list[str]] = {}
    for name in runtimes:
        language = name if name.startswith((CUSTOM, "provided")) else re.split(r"(?=\d)", name, maxsplit=1)[0]
        series.setdefault(language, []).append(name.removeprefix(language))
    return ", ".join(
        f"{language}{found[0]} to {found[-1]}" if len(found) > _LISTED else " ".join([language + found[0], *found[1:]])
        for language, found in series.items()
    )


def rows(loaded: Sequence[Loaded], output: Path) -> list[CatalogueRow]:
    """Return one row for each recipe, in their order; `output` is the folder of zips."""
    return [_row(each, output) for each in loaded]


def _row(loaded: Loaded, output: Path) -> CatalogueRow:
    selected = targets(loaded.recipe)
    manifests = (_manifest(output, target) for target in selected)
    return CatalogueRow(loaded=loaded, target_count=len(selected), built=tuple(built for built in manifests if built))


def _manifest(output: Path, target: Target) -> "Manifest | None":
    path = output / f"{target.name}.zip"
    if not path.with_suffix(".json").is_file():
        return None
    from builder.layer import manifest  # loaded where there is one: its tables take as long as reading 50 recipes

    return manifest.beside(path)


# ---- jobs for code hosts -------------------------------------------------------------------------------------------

RUNNERS: Mapping[str, str] = {"x86_64": "ubuntu-24.04", "arm64": "ubuntu-24.04-arm"}
"""GitHub's machines of each architecture, so that nothing is emulated."""


def matrix(pairs: Sequence[tuple[Loaded, Target]], output: Path, shards: int, host: str) -> dict[str, Any] | list[Any]:
    """Return jobs of about equal size, each for one architecture, for `strategy.matrix` or `parallel:matrix`.

    A recipe's targets of one architecture stay together: they share what they download and compile.
    """
    weights: dict[str, dict[str, int]] = {}
    for loaded, target in pairs:
        recipes = weights.setdefault(target.arch.name, {})
        recipes[loaded.name] = recipes.get(loaded.name, 0) + _weight(output, target)
    jobs = [
        {"arch": arch, "runner": RUNNERS[arch], "shard": f"{arch}-{number}", "recipes": " ".join(names)}
        for arch, recipes in sorted(weights.items())
        for number, names in enumerate(_cut(recipes, shards), 1)
    ]
    if host == "github":
        return {"include": jobs}
    return [{key.upper(): value for key, value in job.items() if key != "runner"} for job in jobs]


def _weight(output: Path, target: Target) -> int:
    """Return an estimate of the work for a target: the bytes of its last zip, the only measure that all have."""
    built = _manifest(output, target)
    return built.zip.bytes + MB if built else 10 * MB


def _cut(recipes: Mapping[str, int], shards: int) -> list[list[str]]:
    """Divide recipes into shards: the largest goes into the emptiest (Graham's longest processing time first)."""
    count = min(shards, len(recipes))
    heap = [(0, number) for number in range(count)]
    cut: list[list[str]] = [[] for _ in range(count)]
    for name, weight in sorted(recipes.items(), key=lambda pair: (-pair[1], pair[0])):
        load, number = heapq.heappop(heap)
        cut[number].append(name)
        heapq.heappush(heap, (load + weight, number))
    return [sorted(names) for names in cut]
