"""The targets that a command line selects: of recipes by name, or of packages without a recipe."""

from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from builder.base.errors import LayerwrightError, UsageError
from builder.base.frozen import dataclass
from builder.model import recipes
from builder.model.recipes import Loaded
from builder.model.target import Selection, Target, select, targets

if TYPE_CHECKING:
    from builder.plan.adhoc import AdhocRequest

Pairs = list[tuple[Loaded, Target]]
FIRST = (
    "`layerwright list --catalogue` shows recipes that are ready to build; `layerwright new NAME --pip SPEC` writes"
    " one; --recipes FOLDER names another folder"
)
"""The hint for a folder without recipes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetRequest:
    """Recipes by name, all recipes, or packages without a recipe, and the filters of their targets."""

    folder: Path
    """Folder of recipes."""
    names: tuple[str, ...] = ()
    everything: bool = False
    packages: "AdhocRequest | None" = None
    selection: Selection
    preferred: Selection = field(default_factory=Selection)
    """What is taken of recipes of catalogues, as far as they have it, if `selection` does not say."""


def chosen(request: TargetRequest) -> Pairs:
    """Return the selected targets with their recipes. Raises NothingSelectedError if there are none."""
    owners = {target: loaded for loaded in _loaded(request) for target in _candidates(loaded, request.preferred)}
    return [(owners[target], target) for target in select(owners, request.selection)]


def _loaded(request: TargetRequest) -> list[Loaded]:
    if request.packages:
        from builder.plan import adhoc  # with all ecosystems, which recipes by name do not need here

        return [adhoc.recipe(request.packages)]
    names = all_names(request.folder) if request.everything else request.names
    return [_named(request.folder, name) for name in dict.fromkeys(names)]


def _named(folder: Path, given: str) -> Loaded:
    own = recipes.located(folder, given, ())
    if (own[0] / own[1] / recipes.RECIPE_FILE).is_file():
        return recipes.load(*own)
    from builder.plan import catalogues

    loaded = recipes.load(*recipes.located(folder, given, catalogues.folders()))
    return replace(loaded, of_catalogue=True)


def _candidates(loaded: Loaded, preferred: Selection) -> list[Target]:
    """Return the targets of a recipe; of one of a catalogue those that the project prefers, as far as it has them."""
    every = targets(loaded.recipe)
    for part in (Selection(runtimes=preferred.runtimes), Selection(architectures=preferred.architectures)):
        if loaded.of_catalogue:
            every = [target for target in every if part.selects(target)] or every
    return every


def every_target(
    folder: Path, names: tuple[str, ...], selection: Selection
) -> tuple[Pairs, dict[str, LayerwrightError]]:
    """Return the selected targets of the named recipes, or of all, and the errors of recipes that are not valid.

    Raises UsageError if a named recipe does not exist.
    """
    loaded, broken = _readable(folder, names or all_names(folder))
    owners = {target: recipe for recipe in loaded for target in targets(recipe.recipe)}
    if broken and not owners:
        return [], broken
    return [(owners[target], target) for target in select(owners, selection)], broken


def _readable(folder: Path, names: tuple[str, ...]) -> tuple[list[Loaded], dict[str, LayerwrightError]]:
    loaded: list[Loaded] = []
    broken: dict[str, LayerwrightError] = {}
    for name in dict.fromkeys(names):
        try:
            loaded.append(recipes.load(folder, name))
        except UsageError as error:
            if not (folder / name / recipes.RECIPE_FILE).is_file():
                raise  # a typing error on the command line, not a recipe that broke
            broken[name] = error
    return loaded, broken


def all_names(folder: Path) -> tuple[str, ...]:
    """Return the names of all recipes. Raises UsageError for a folder without recipes."""
    names = tuple(recipes.names(folder))
    if not names:
        exists = folder.is_dir()
        msg = (
            f"there are no recipes in the folder `{folder}`" if exists else f"there is no folder of recipes `{folder}`"
        )
        raise UsageError(msg, why=[f"looked in {folder.absolute().as_posix()}"], hint=FIRST)
    return names
