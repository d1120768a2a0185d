"""The command that divides a recipe whose layer is too large."""

from typing import Annotated

import click

from builder.base.frozen import dataclass
from builder.cli import reporting
from builder.cli.options import shared
from builder.cli.options.listener import listener_options
from builder.cli.options.one_target import OneTarget
from builder.cli.options.parameters import Bundle, Option, typed


@dataclass(frozen=True, kw_only=True, slots=True)
class SplitOptions(Bundle):
    """The target that a split is measured for, and what happens to the result."""

    target: OneTarget
    write: Annotated[
        bool,
        Option("--write", about="Write the recipes into the folder of recipes. Default: only show them."),
    ]
    anyway: Annotated[bool, Option("--anyway", about="Divide the recipe even if its layer is not too large.")]
    as_json: shared.AsJson


@click.command("split", epilog="Example: layerwright split science --runtime python3.13 --arch arm64 --write")
@listener_options
@typed
def split_(splitting: SplitOptions) -> None:
    """Divide a recipe whose layer is over 250 MB into several layers.

    Each function takes the layers that it imports. Lambda's limit applies to a function with all its layers: a split
    helps functions that need only some of the packages. Prints the layers with sizes and packages, measured for one
    target.
    """
    from builder.authoring import split as dividing
    from builder.authoring import split_recipes
    from builder.cli import terminal
    from builder.cli.views import shares as view

    loaded, target = splitting.target.chosen()
    reporting.warn(loaded.warnings)
    with terminal.events().of(target.name).stage("measuring"):
        split = dividing.split(loaded, target)
    dividing.require_large(split, anyway=splitting.anyway)
    written = split_recipes.write(loaded, split, splitting.target.folder) if splitting.write else []
    reporting.warn(split_recipes.warnings(loaded, split) if splitting.write else ())
    if splitting.as_json:
        terminal.data(view.document(split, written))
    else:
        view.show(split, written)


COMMANDS = (split_,)
