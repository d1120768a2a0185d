"""The command line. Modules define click commands; whatever a command needs is imported when it runs."""

import sys
from collections.abc import Sequence

import click

from builder import __version__
from builder.base.errors import LayerwrightError
from builder.cli import (
    authoring,
    licenses,
    machine,
    nights,
    prune,
    publishing,
    recipes,
    splitting,
    templates,
    versions,
    wheels,
    zips,
)

INTERRUPTED = 130


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="layerwright")
def main() -> None:
    """Build AWS Lambda layers with native code, for every runtime and architecture.

    \b
    Exit codes: 0 success, 1 internal error, 2 usage or recipe error, 3 nothing selected,
    4 a build step failed, 5 a check failed, 6 a test of a layer failed,
    7 engine missing or too old, 8 not everything is published, 130 interrupted.
    """  # noqa: D301  click's mark for lines that are not wrapped again


MODULES = (
    recipes,
    wheels,
    authoring,
    zips,
    splitting,
    nights,
    publishing,
    prune,
    versions,
    templates,
    licenses,
    machine,
)
"""In the order of the list of commands."""

for module in MODULES:
    for command in module.COMMANDS:
        main.add_command(command)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code. Errors are caught here and nowhere else."""
    try:
        result = main.main(args=list(sys.argv[1:] if arguments is None else arguments), standalone_mode=False)
    except LayerwrightError as error:
        from builder.cli import terminal

        terminal.fail(error)
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        from builder.base import processes

        processes.kill_all()
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()  # the reader of the output has exited, for example `head`
        return 0
    return result if isinstance(result, int) else 0
