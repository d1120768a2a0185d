"""The zips and layers that a command line names: by path, by recipe, or by the name of the layer at AWS."""

from pathlib import Path

from builder.base.frozen import dataclass
from builder.layer import manifest
from builder.model import recipes
from builder.model.recipe import Publish, Test
from builder.model.target import Selection, Target, select, targets
from builder.publish.layer_version import InputZip, name_of

_ZIP = ".zip"


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerSelection:
    """Zips by path or by recipe, narrowed by runtime, architecture and target name."""

    names: tuple[str, ...]
    runtimes: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    folder: Path
    """Folder of recipes."""
    output: Path
    """Folder of zips."""

    def sources(self) -> tuple[InputZip, ...]:
        """Return the named zips, each with the publish options of its recipe."""
        zips: list[InputZip] = []
        for name in dict.fromkeys(self.names):
            zips += [self._by_path(Path(name))] if name.endswith(_ZIP) else self._by_recipe(name)
        return tuple(zips)

    def _by_path(self, path: Path) -> InputZip:
        described = manifest.of_any(path)
        if described and described.name in recipes.names(self.folder):
            return InputZip(zip=path, publish=recipes.load(self.folder, described.name).recipe.publish)
        return InputZip(zip=path)

    def _by_recipe(self, name: str) -> list[InputZip]:
        publish, chosen = self.selected(name)
        return [InputZip(zip=self.output / f"{target.name}{_ZIP}", publish=publish, target=target) for target in chosen]

    def selected(self, name: str) -> tuple[Publish, list[Target]]:
        """Return the publish options of a recipe, and its selected targets."""
        recipe = recipes.load(self.folder, name).recipe
        filters = Selection(runtimes=self.runtimes, architectures=self.architectures, only=self.only)
        return recipe.publish, select(targets(recipe), filters)

    def tests(self) -> list[Test]:
        """Return the tests of the first recipe."""
        name = self.names[0]
        if self.by_path:
            described = manifest.of_any(Path(name))
            name = described.name if described else ""
        return list(recipes.load(self.folder, name).recipe.test) if name in recipes.names(self.folder) else []

    @property
    def by_path(self) -> bool:
        return bool(self.names) and all(name.endswith(_ZIP) for name in self.names)


def layer_names(selection: LayerSelection, pattern: str | None = None) -> list[str]:
    """Return the names at AWS of the layers that recipes make. A name that no recipe has is the name of a layer.

    `pattern` takes precedence over the patterns of the recipes.
    """
    known = recipes.names(selection.folder)
    layers: list[str] = []
    for name in selection.names:
        if name not in known:
            layers.append(Path(name).stem if name.endswith(_ZIP) else name)
            continue
        publish, chosen = selection.selected(name)
        layers += [name_of(pattern or publish.name, target) for target in chosen]
    return list(dict.fromkeys(layers))
