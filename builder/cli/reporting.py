"""Warnings and errors of recipes and targets on the terminal."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from builder.base.errors import LayerwrightError

if TYPE_CHECKING:
    from builder.model.recipes import Loaded


def warn(warnings: Iterable[str]) -> None:
    """Print warnings, each once."""
    from builder.cli import terminal

    for warning in dict.fromkeys(warnings):
        terminal.warn(warning)


def load_recipe(folder: Path, name: str) -> "Loaded":
    """Load a recipe and print its warnings. Commands that plan do not need it: the plan has them."""
    from builder.model import recipes

    loaded = recipes.load(folder, name)
    warn(loaded.warnings)
    return loaded


def report_errors(errors: Sequence[LayerwrightError]) -> None:
    """Tell errors and exit with the code of the first. Views of text show an error of several targets once."""
    tell_errors(errors)
    exit_with(errors)


def tell_errors(errors: Sequence[LayerwrightError]) -> None:
    """Tell errors, and go on."""
    from builder.cli import terminal

    for error in errors:
        terminal.fail(error)


def exit_with(errors: Sequence[LayerwrightError]) -> None:
    """Exit with the code of the first error, if there is one."""
    if errors:
        raise click.exceptions.Exit(errors[0].exit_code)
