"""Options that choose what a command tells while it runs."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import click

from builder.base.errors import UsageError
from builder.cli import terminal

C = TypeVar("C", bound=Callable[..., Any])


def listener_options(command: C) -> C:
    """Add --verbose, --quiet and --events. The command receives none of them: they choose who listens to its events."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def _choose(_context: click.Context, parameter: click.Parameter, value: object) -> None:
    """Set one part of the output as soon as it is read, so that errors in other options are told that way, too."""
    part: dict[str, Any] = {str(parameter.name): value}
    terminal.choose(replace(terminal.chosen(), **part))


def _choose_quiet(context: click.Context, parameter: click.Parameter, value: object) -> None:
    _choose(context, parameter, value)
    if terminal.chosen().verbose and value:
        msg = "--verbose and --quiet are mutually exclusive"
        raise UsageError(msg)


_OPTIONS = (
    click.option(
        "--verbose",
        "-v",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_choose,
        help="Show the output of containers on a terminal. Logs always have it.",
    ),
    click.option(
        "--quiet",
        "-q",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_choose_quiet,
        help="Show warnings, errors and results only.",
    ),
    click.option(
        "--events",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        is_eager=True,
        expose_value=False,
        callback=_choose,
        help="Form of what is told on stderr; json is one document a line, for programs.",
    ),
)
