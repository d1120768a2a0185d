"""The command that divides a recipe whose layer is too large."""

from pathlib import Path

import click

from builder.cli import options
from builder.cli.selection import load_recipe


@click.command("split", epilog="Example: layerwright split science --runtime python3.13 --arch arm64 --write")
@click.argument("name", metavar="RECIPE")
@options.narrowing("the first of the recipe")
@options.recipes_folder
@click.option("--write", is_flag=True, help="Write the recipes into the folder of recipes. Default: only show them.")
@click.option("--anyway", is_flag=True, help="Divide the recipe even if its layer is not too large.")
@options.as_json
def split_(  # noqa: PLR0913  each is an option
    name: str,
    runtimes: tuple[str, ...],
    architectures: tuple[str, ...],
    folder: Path,
    *,
    write: bool,
    anyway: bool,
    as_json: bool,
) -> None:
    """Divide a recipe whose layer is over 250 MB into several layers.

    Each function takes the layers that it imports. Lambda's limit applies to a function with all its layers: a split
    helps functions that need only some of the packages. Prints the layers with sizes and packages, measured for one
    target.
    """
    from builder.authoring import split as splitting
    from builder.authoring import split_recipes
    from builder.cli import terminal
    from builder.cli.views import shares as view
    from builder.model.target import Selection, select, targets

    loaded = load_recipe(folder, name)
    target = select(targets(loaded.recipe), Selection(runtimes=runtimes, architectures=architectures))[0]
    with terminal.working(f"measuring {target.name}"):
        split = splitting.split(loaded, target)
    splitting.require_large(split, anyway=anyway)
    written = split_recipes.write(loaded, split, folder) if write else []
    for number in split_recipes.untested(loaded, split) if write else []:
        terminal.warn(f"[[test]] number {number} of {name} needs packages of several layers: no written recipe has it")
    if as_json:
        terminal.data(view.document(split, written))
    else:
        view.show(split, written)


COMMANDS = (split_,)
