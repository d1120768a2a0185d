"""The zips and layers that a command line names: by path, by recipe, or by the name of the layer at AWS."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from builder.model.recipe import Publish
    from builder.model.target import Target
    from builder.publish.layer_version import InputZip

_ZIP = ".zip"


@dataclass(frozen=True, kw_only=True, slots=True)
class Which:
    """Zips by path or by recipe, narrowed by runtime, architecture and target name."""

    names: tuple[str, ...]
    runtimes: tuple[str, ...]
    architectures: tuple[str, ...]
    only: tuple[str, ...]
    folder: Path
    output: Path

    def sources(self) -> "tuple[InputZip, ...]":
        """Return the named zips, each with the publish options of its recipe."""
        found: list[InputZip] = []
        for name in dict.fromkeys(self.names):
            found += [self._by_path(Path(name))] if name.endswith(_ZIP) else self._by_recipe(name)
        return tuple(found)

    def _by_path(self, path: Path) -> "InputZip":
        from builder.layer import manifest
        from builder.model import recipes
        from builder.publish.layer_version import InputZip

        described = manifest.of_any(path)
        if described and described.name in recipes.names(self.folder):
            return InputZip(zip=path, publish=recipes.load(self.folder, described.name).recipe.publish)
        return InputZip(zip=path)

    def _by_recipe(self, name: str) -> "list[InputZip]":
        from builder.publish.layer_version import InputZip

        publish, chosen = self.selected(name)
        return [InputZip(zip=self.output / f"{one.name}{_ZIP}", publish=publish) for one in chosen]

    def selected(self, name: str) -> "tuple[Publish, list[Target]]":
        """Return the publish options of a recipe, and its selected targets."""
        from builder.model import recipes
        from builder.model.target import Selection, select, targets

        recipe = recipes.load(self.folder, name).recipe
        wanted = Selection(runtimes=self.runtimes, architectures=self.architectures, only=self.only)
        return recipe.publish, select(targets(recipe), wanted)

    @property
    def by_path(self) -> bool:
        return bool(self.names) and all(name.endswith(_ZIP) for name in self.names)


def layer_names(which: Which, pattern: str | None = None) -> list[str]:
    """Return the names at AWS of the layers that recipes make. A name that no recipe has is the name of a layer.

    `pattern` takes precedence over the patterns of the recipes.
    """
    from builder.model import recipes
    from builder.publish.layer_version import name_of

    known = recipes.names(which.folder)
    found: list[str] = []
    for one in which.names:
        if one not in known:
            found.append(Path(one).stem if one.endswith(_ZIP) else one)
            continue
        publish, chosen = which.selected(one)
        found += [name_of(pattern or publish.name, target) for target in chosen]
    return list(dict.fromkeys(found))
