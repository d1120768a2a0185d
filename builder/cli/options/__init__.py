"""Options that several commands share. The modules beside this one group those that belong together."""

import functools
import os
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def together(*options: Callable[[Any], Any]) -> Callable[[F], F]:
    """Return one decorator that adds all options, in the order in which they are given."""

    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def bundled(function: F, name: str, cls: type) -> F:
    """Pass the options that are named like the fields of a dataclass as one value, under `name`."""

    @functools.wraps(function)
    def call(**values: Any) -> Any:  # noqa: ANN401
        bundle = {field.name: values.pop(field.name) for field in fields(cls)}
        return function(**{name: cls(**bundle)}, **values)

    return call  # type: ignore[return-value]


def narrowing(runtimes: str, architectures: str | None = None) -> Callable[[F], F]:
    """Return --runtime and --arch; their help ends with these defaults."""
    return together(
        click.option(
            "--runtime",
            "runtimes",
            multiple=True,
            metavar="NAME",
            help=f"Runtime of Lambda, for example python3.13; repeatable. Default: {runtimes}.",
        ),
        click.option(
            "--arch",
            "architectures",
            multiple=True,
            metavar="NAME",
            help=f"Architecture, x86_64 or arm64; repeatable. Default: {architectures or runtimes}.",
        ),
    )


runtime_and_arch = narrowing("those of the recipe")
runtime_and_arch_of_zip = narrowing("those in the manifest beside the zip")
only = click.option(
    "--only",
    multiple=True,
    metavar="GLOB",
    help="Pattern of target names, for example 'numpy-*-arm64'; repeatable. Default: every target.",
)
recipes_folder = click.option(
    "--recipes",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("recipes"),
    envvar="LAYERWRIGHT_RECIPES",
    show_default=True,
    metavar="FOLDER",
    help="Folder of recipes; the environment variable LAYERWRIGHT_RECIPES sets another default.",
)
output = click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("dist"),
    show_default=True,
    metavar="FOLDER",
    help="Folder of zips and of the files beside them.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print a JSON document instead of text.")
strict = click.option("--strict", is_flag=True, help="Treat warnings of checks as errors.")
route = click.option(
    "--route",
    type=click.Choice(["auto", "wheels", "native", "accelerated", "emulated"]),
    default="auto",
    show_default=True,
    help="How packages become files: wheels compiles nothing; native, accelerated and emulated are modes of compiling; "
    "auto takes wheels where they exist, else the fastest mode that the engine has.",
)
provenance = click.option(
    "--provenance",
    metavar="URI",
    help="Write a provenance statement (in-toto, SLSA) beside each zip, with URI as the builder's id. Default: none.",
)
jobs = click.option(
    "--jobs",
    "-j",
    type=click.IntRange(1, 64),
    default=lambda: min(4, os.cpu_count() or 1),
    metavar="N",
    help="Number of targets built in parallel, 1 to 64. Default: the number of processors, at most 4.",
)
rebuild = click.option("--rebuild", is_flag=True, help="Build targets whose zip is present and up to date, too.")
engine = together(
    click.option(
        "--engine",
        type=click.Choice(["docker", "podman", "finch", "nerdctl"]),
        help="Container engine. Default: that of LAYERWRIGHT_ENGINE, else the first that is installed.",
    ),
    click.option(
        "--builder",
        metavar="NAME",
        help="Builder of docker buildx, for example one with a node for each architecture. Default: that of "
        "BUILDX_BUILDER, else the current one.",
    ),
)
