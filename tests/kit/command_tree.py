"""All commands, as click has them."""

from collections.abc import Iterator

import click

from builder.cli import RENAMED, main


def every_command() -> Iterator[tuple[str, click.Command]]:
    """Yield each command and each group below `layerwright` with its name, for example `cache list`."""
    context = click.Context(main)
    for name in (*main.list_commands(context), *RENAMED):
        yield from _below(name, named(name))


def _below(path: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from _below(f"{path} {name}", inner)


def named(name: str) -> click.Command:
    """Return a command or group. Raises KeyError if there is none of this name."""
    command = main.get_command(click.Context(main), name)
    if command is None:
        raise KeyError(name)
    return command
