"""The targets and recipes that a command line selects, and the errors of recipes that are not valid."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from builder.base.errors import LayerwrightError, UsageError
from builder.cli.options.targets import TargetOptions

if TYPE_CHECKING:
    from builder.model.recipes import Loaded
    from builder.model.target import Selection, Target

Pairs = list[tuple["Loaded", "Target"]]


def chosen(selected: TargetOptions) -> Pairs:
    """Return the selected targets with their recipes. Raises UsageError without recipes and packages."""
    from builder.model.target import Selection, select, targets

    selection = Selection(runtimes=selected.runtimes, architectures=selected.architectures, only=selected.only)
    owners = {target: loaded for loaded in _loaded(selected) for target in targets(loaded.recipe)}
    return [(owners[target], target) for target in select(owners, selection)]


def _loaded(selected: TargetOptions) -> "list[Loaded]":
    """Return the recipes that are named, or one for the packages that are."""
    from builder.model import recipes

    names = names_of(selected.folder, selected.names, everything=selected.everything)
    packages = bool(selected.pips or selected.npms or selected.file)
    if names and packages:
        msg = "recipes and packages cannot be built in one call"
        raise UsageError(msg, hint="name recipes, or packages with --pip, --npm or -r")
    if packages:
        return [_adhoc(selected)]
    if not names:
        msg = "nothing to do: no recipe is named"
        hint = "`layerwright list` shows the recipes; --all selects every one; --pip and --npm need none"
        raise UsageError(msg, hint=hint)
    return [recipes.load(selected.folder, name) for name in dict.fromkeys(names)]


def _adhoc(selected: TargetOptions) -> "Loaded":
    from builder.plan.adhoc import AdhocRequest, recipe

    return recipe(
        AdhocRequest(
            specs={"pypi": selected.pips, "npm": selected.npms},
            files={"pypi": selected.file} if selected.file else {},
            name=selected.name,
            runtimes=selected.runtimes,
            architectures=selected.architectures,
            system_packages=selected.system_packages,
        )
    )


def every_target(
    folder: Path, names: tuple[str, ...], selection: "Selection"
) -> tuple[Pairs, dict[str, LayerwrightError]]:
    """Return the selected targets of the named recipes, or of all, and the errors of recipes that are not valid.

    Raises UsageError if a named recipe does not exist.
    """
    from builder.model.target import select, targets

    loaded, broken = _readable(folder, names or all_names(folder))
    owners = {target: recipe for recipe in loaded for target in targets(recipe.recipe)}
    if broken and not owners:
        return [], broken
    return [(owners[target], target) for target in select(owners, selection)], broken


def _readable(folder: Path, names: tuple[str, ...]) -> "tuple[list[Loaded], dict[str, LayerwrightError]]":
    from builder.model import recipes

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


def names_of(folder: Path, names: tuple[str, ...], *, everything: bool) -> tuple[str, ...]:
    return all_names(folder) if everything else names


def all_names(folder: Path) -> tuple[str, ...]:
    """Return the names of all recipes. Raises UsageError for a folder without recipes."""
    from builder.model import recipes

    names = tuple(recipes.names(folder))
    if not names:
        msg = f"there are no recipes in {folder}"
        raise UsageError(msg, hint="`layerwright new NAME --pip SPEC` writes one")
    return names


def report_errors(errors: "Sequence[LayerwrightError]") -> None:
    """Print errors and exit with the code of the first. An error that several targets share is printed once."""
    from builder.cli import terminal

    for error in {str(error): error for error in errors}.values():
        terminal.fail(error)
    if errors:
        raise click.exceptions.Exit(errors[0].exit_code)


def load_recipe(folder: Path, name: str) -> "Loaded":
    """Load a recipe and print its warnings. Commands that plan do not need it: the plan has them."""
    from builder.cli import terminal
    from builder.model import recipes

    loaded = recipes.load(folder, name)
    for warning in loaded.warnings:
        terminal.warn(warning)
    return loaded
