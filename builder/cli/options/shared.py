"""Options that several commands share, each a type of its own: one definition, one help."""

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import click

from builder.cli.options import completion
from builder.cli.options.parameters import Argument, Option

FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)
EXISTING_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
EXISTING_FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)


def runtimes(_context: click.Context, _parameter: click.Parameter, value: Sequence[str]) -> tuple[str, ...]:
    """Return runtimes by Lambda's names."""
    from builder.model import runtime_names

    return tuple(map(runtime_names.canonical, value))


def _architectures(_context: click.Context, _parameter: click.Parameter, value: Sequence[str]) -> tuple[str, ...]:
    from builder.model import architectures

    return tuple(map(architectures.canonical, value))


def runtime(default: str) -> Option:
    """Return --runtime, whose default differs."""
    about = f"Runtime of Lambda, for example python3.13; repeatable. Default: {default}."
    return Option("--runtime", metavar="NAME", about=about, callback=runtimes, complete=completion.runtimes)


def arch(default: str) -> Option:
    """Return --arch, whose default differs."""
    about = f"Architecture, x86_64 or arm64; repeatable. Default: {default}."
    return Option("--arch", metavar="NAME", about=about, callback=_architectures, complete=completion.architectures)


def output(default: str, about: str) -> Option:
    """Return --output, whose default and content differ."""
    return Option("--output -o", metavar="FOLDER", kind=FOLDER, default=Path(default), about=about)


def zips(about: str) -> Option:
    """Return --output of commands that write or read zips, for which the project has a setting."""
    return dataclasses.replace(output("dist", about), setting="output")


def named_or_all(names: tuple[str, ...], folder: Path, *, everything: bool = True) -> tuple[str, ...]:
    """Return what is named; all recipes of a folder if nothing is, and `everything` is meant."""
    from builder.plan.selection import all_names

    return all_names(folder) if everything and not names else names


RecipeNames = Annotated[tuple[str, ...], Argument("[RECIPE]...", required=False, complete=completion.own_recipes)]
RecipesOrProjects = Annotated[
    tuple[str, ...], Argument("[RECIPE|FOLDER]...", required=False, complete=completion.recipes)
]
RecipeName = Annotated[str, Argument("RECIPE", complete=completion.recipes)]
ZipPath = Annotated[Path, Argument("ZIP", kind=FILE)]
ZipPaths = Annotated[tuple[Path, ...], Argument("ZIP...", kind=FILE)]
Everything = Annotated[bool, Option("--all", about="Select every recipe.")]
Only = Annotated[
    tuple[str, ...],
    Option(
        "--only",
        metavar="GLOB",
        about="Pattern of target names, for example 'numpy-*-arm64'; repeatable. Default: every target.",
        complete=completion.targets,
    ),
]
RecipesFolder = Annotated[
    Path,
    Option(
        "--recipes",
        metavar="FOLDER",
        kind=FOLDER,
        default=Path("recipes"),
        envvar="LAYERWRIGHT_RECIPES",
        setting="recipes",
        about="Folder of recipes; the environment variable LAYERWRIGHT_RECIPES sets another default.",
    ),
]
OutputFolder = Annotated[Path, zips("Folder of zips and of the files beside them.")]
AsJson = Annotated[bool, Option("--json", about="Print a JSON document instead of text.")]
AsSarif = Annotated[bool, Option("--sarif", about="Print SARIF 2.1.0, the format of code hosts, instead of text.")]
Strict = Annotated[bool, Option("--strict", about="Treat warnings of checks as errors.")]
RouteName = Literal["auto", "wheels", "native", "accelerated", "emulated"]
Route = Annotated[
    RouteName,
    Option(
        "--route",
        default="auto",
        about="How packages become files: wheels compiles nothing; native, accelerated and emulated are modes of "
        "compiling; auto takes wheels where they exist, else the fastest mode that the engine has.",
    ),
]
Provenance = Annotated[
    str | None,
    Option(
        "--provenance",
        metavar="URI",
        about="Write a provenance statement (in-toto, SLSA) beside each zip, with URI as the builder's id. "
        "Default: none.",
    ),
]
Jobs = Annotated[
    int,
    Option(
        "--jobs -j",
        metavar="N",
        kind=click.IntRange(1, 64),
        default=lambda: min(4, os.cpu_count() or 1),
        about="Number of targets built in parallel, 1 to 64. Default: the number of processors, at most 4.",
    ),
]
Rebuild = Annotated[bool, Option("--rebuild", about="Build targets whose zip is present and up to date, too.")]
