"""Options that select targets: by recipe, or by packages without a recipe."""

from dataclasses import dataclass
from pathlib import Path

import click

from builder.cli import options

pips = click.option(
    "--pip",
    "pips",
    multiple=True,
    metavar="SPEC",
    help="Python requirement, for example 'numpy==2.3.2'; repeatable.",
)
system_packages = click.option(
    "--packages",
    "system_packages",
    multiple=True,
    metavar="NAME",
    help="Package of Amazon Linux that compiling needs, without a recipe; repeatable. Default: none.",
)
packages = options.together(
    pips,
    click.option(
        "--npm",
        "npms",
        multiple=True,
        metavar="SPEC",
        help="Node.js package, name or name@version; repeatable. Default version: the newest.",
    ),
    click.option(
        "-r",
        "--requirement",
        "file",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="Requirements file of Python; needs --name or --pip.",
    ),
    click.option(
        "--name", metavar="NAME", help="Name of the layer, without a recipe. Default: that of the first package."
    ),
    system_packages,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetOptions:
    """The targets of a call: recipes by name, or packages without a recipe, narrowed by runtime, architecture, name."""

    names: tuple[str, ...] = ()
    everything: bool = False
    pips: tuple[str, ...] = ()
    npms: tuple[str, ...] = ()
    file: Path | None = None
    name: str | None = None
    system_packages: tuple[str, ...] = ()
    runtimes: tuple[str, ...]
    architectures: tuple[str, ...]
    only: tuple[str, ...] = ()
    folder: Path


def target_options(function: options.F) -> options.F:
    """Add the options that select targets; the command receives them as `selected`."""
    decorate = options.together(
        click.argument("names", nargs=-1, metavar="[RECIPE]..."),
        click.option("--all", "everything", is_flag=True, help="Select every recipe."),
        packages,
        options.narrowing("those of the recipe; without one, the newest", "those of the recipe; without one, both"),
        options.only,
        options.recipes_folder,
    )
    return decorate(options.bundled(function, "selected", TargetOptions))
