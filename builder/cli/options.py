"""Options that several commands share, and what they mean together."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def _together(*options: Callable[[Any], Any]) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


recipes_folder = click.option(
    "--recipes",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("recipes"),
    envvar="LAYERWRIGHT_RECIPES",
    show_default=True,
    help="Folder of recipes.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
strict = click.option("--strict", is_flag=True, help="Treat warnings of checks as errors.")
runtime_and_arch = _together(
    click.option("--runtime", "runtimes", multiple=True, metavar="NAME", help="Only this runtime; repeatable."),
    click.option("--arch", "architectures", multiple=True, metavar="NAME", help="x86_64 or arm64; repeatable."),
)
only = click.option("--only", multiple=True, metavar="GLOB", help="Only targets whose name matches; repeatable.")
packages_for_new = click.option(
    "--pip", "pips", multiple=True, metavar="SPEC", help="A Python requirement; repeatable."
)
packages = _together(
    packages_for_new,
    click.option(
        "-r", "--requirement", "file", type=click.Path(path_type=Path, dir_okay=False), help="A requirements file."
    ),
    click.option("--name", metavar="NAME", help="The layer's name, without a recipe."),
)
output = click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("dist"),
    show_default=True,
    help="Where the zips go.",
)
