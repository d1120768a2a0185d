"""The command that begins a project: init."""

from pathlib import Path

import click

from builder.cli.options import shared
from builder.cli.options.listener import listener_options
from builder.cli.options.parameters import typed
from builder.cli.options.starting import InitOptions

_WHY = {"kept": " as it is", "wrote": "", "added to": ""}


@click.command(epilog="Example: layerwright init --yes --ci gitlab")
@listener_options
@typed
def init(starting: InitOptions, *, as_json: shared.AsJson) -> None:
    """Write layerwright.toml, a first recipe, a CI workflow and lines of .gitignore into the current folder.

    Asks five questions on a terminal: runtimes, architectures, the first recipe, regions, code host. What exists is
    kept, and named.
    """
    from builder.authoring.start import start
    from builder.cli import terminal

    files = []
    for file in start(Path(), starting.point()):
        files.append({"path": file.path.as_posix(), "done": file.done})
        terminal.result(f"{file.done} {file.path}{_WHY[file.done]}")
    terminal.result("`layerwright build --all` builds what is in recipes/; `layerwright new` adds to it")
    if as_json:
        terminal.data({"files": files})


COMMANDS = (init,)
