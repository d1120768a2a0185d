"""The command line. A module is imported when one of its commands runs, and whatever the command needs, in it."""

import contextlib
import importlib
import io
import itertools
import os
import signal
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Any

import click

from builder import __version__
from builder.base import notices
from builder.base.errors import LayerwrightError, UsageError

_ENDING = (signal.SIGTERM, *((signal.SIGHUP,) if sys.platform != "win32" else ()))
INTERRUPTED = 128 + 2
TERMINATED = 128 + 15
"""Exit codes of work that a signal stopped, as shells have them: 128 and the number of SIGINT or SIGTERM."""

COMMANDS = {
    "list": ("recipes", "List the recipes and the zips that were built from them."),
    "plan": ("recipes", "Show what a build would do, and why."),
    "build": ("recipes", "Build layers of recipes, or of a project or packages without a recipe."),
    "wheel": ("wheels", "Make wheels that work on a runtime of Lambda."),
    "lock": ("authoring", "Write the lock files of recipes."),
    "new": (
        "new",
        "Write a recipe that lints and builds: for packages, a source or a project, or a copy of one of the catalogue.",
    ),
    "init": (
        "starting",
        "Write layerwright.toml, a first recipe, a CI workflow and lines of .gitignore into the current folder.",
    ),
    "lint": ("authoring", "Validate recipes, all or those that are named, and the settings of the project."),
    "schema": ("authoring", "Print the JSON schema of recipes, or of layerwright.toml, for editors."),
    "runtimes": ("authoring", "List the runtimes of Lambda."),
    "check": ("zips", "Check whether layers will work in Lambda."),
    "inspect": ("zips", "Show the contents, the size and the requirements of a zip."),
    "diff": ("zips", "Show the differences between two zips."),
    "test": ("zips", "Test zips in the images of their runtimes."),
    "split": ("splitting", "Divide a recipe whose layer is over 250 MB into several layers."),
    "slim": ("slimming", "List what the tests of a layer never open, as lines of `[slim] prune`."),
    "nightly": ("nights", "Build the targets that changed, and write the report."),
    "report": ("nights", "Write the report on all layers."),
    "update": ("nights", "Propose newer packages and images, or newer tools, as a patch or on a branch."),
    "publish": (
        "publishing",
        "Publish zips as layer versions in many regions. Existing content is not published again.",
    ),
    "prune": ("prune", "Delete old versions in all regions. The newest version and versions in use are always kept."),
    "versions": ("versions", "List, show and delete published versions."),
    "pull": (
        "versions",
        "Download a published version of any account and verify it. `check`, `inspect` and `diff` accept the zip.",
    ),
    "template": (
        "templates",
        "Write a complete CloudFormation, SAM, CDK or Terraform file with layers and a function that uses one.",
    ),
    "licenses": ("licenses", "List the licenses of the packages in layers, and apply a policy."),
    "doctor": ("machine", "Examine this host, and print what repairs each problem."),
    "images": ("images", "Show, pin and survey the images of runtimes."),
    "cache": ("machine", "Show and shrink the cache of builds on this host, and make the keys of the shared one."),
    "shell": ("machine", "Open a shell in the container where a recipe is compiled."),
    "completion": ("completing", "Print what a shell needs to complete commands, options and recipes."),
}
"""Module and first sentence of each command. The list of commands needs the sentences, and not the modules."""
GROUPS = {
    "Build": ("build", "plan", "list", "init", "new", "lock", "lint", "wheel", "split", "slim"),
    "Prove": ("check", "test", "inspect", "diff", "licenses"),
    "Ship": ("publish", "template", "versions", "pull", "prune"),
    "Maintain": ("nightly", "report", "update"),
    "This machine": ("doctor", "images", "cache", "shell", "runtimes", "schema", "completion"),
}
"""The commands by what they are used for, in the order of their use."""
COMPLETION = "_LAYERWRIGHT_COMPLETE"
"""The environment variable by which the script of a shell asks for words, as click names it."""
RENAMED = {"licences": "licenses"}
"""Modules of commands under earlier names, which the list does not have."""


class InterruptedByUserError(LayerwrightError):
    """The user pressed Ctrl-C, or refused to go on."""

    exit_code = INTERRUPTED


class TerminatedError(InterruptedByUserError):
    """A supervisor sent SIGTERM."""

    exit_code = TERMINATED


class _TerminationInterrupt(KeyboardInterrupt):
    """SIGTERM in the main thread. All that cleans up after Ctrl-C cleans up after it as well."""


def heed_termination() -> None:
    """Handle SIGTERM, and SIGHUP of a terminal that is closed, as Ctrl-C, once: more of them change nothing.

    A signal that the caller ignores, as `nohup` does with the second one, stays ignored.
    """
    heeded = [sign for sign in _ENDING if signal.getsignal(sign) == signal.SIG_DFL]

    def stop(*_: object) -> None:
        for sign in heeded:
            signal.signal(sign, signal.SIG_IGN)
        raise _TerminationInterrupt

    for sign in heeded:
        signal.signal(sign, stop)


def _interruption(error: BaseException) -> InterruptedByUserError:
    """Return the error for an interrupt: click's Abort hides what it was made of."""
    kinds = (error, error.__context__)
    if any(isinstance(kind, _TerminationInterrupt) for kind in kinds):
        return TerminatedError("terminated")
    return InterruptedByUserError("interrupted")


class Commands(click.Group):
    """The group of all commands, which are imported one by one."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401  click's own type
        """Run the command. click itself would write an empty line to stderr after Ctrl-C."""
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, click.Abort) as error:
            raise _interruption(error) from None

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        module = COMMANDS[cmd_name][0] if cmd_name in COMMANDS else RENAMED.get(cmd_name)
        if module is None:
            return None
        commands: tuple[click.Command, ...] = importlib.import_module(f"builder.cli.{module}").COMMANDS
        return next(command for command in commands if command.name == cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, and the settings of the project, before the options are read whose defaults they are."""
        name, command, rest = super().resolve_command(ctx, args)
        from builder.cli import project

        project.use_settings(name or "", required=not (ctx.resilient_parsing or set(ctx.help_option_names) & set(rest)))
        return name, command, rest

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands, without importing them."""
        width = max(map(len, self.list_commands(ctx)))
        limit = formatter.width - 6 - width
        for title, names in GROUPS.items():
            rows = [(name, click.Command(name, help=COMMANDS[name][1]).get_short_help_str(limit)) for name in names]
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), text) for name, text in rows])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="layerwright")
def main() -> None:
    """Build AWS Lambda layers with native code, for every runtime and architecture.

    \b
    Exit codes: 0 success, 1 internal error, 2 usage or recipe error, 3 nothing selected,
    4 a build step failed, 5 a check failed, 6 a test of a layer failed,
    7 engine missing or too old, 8 not everything is published, 130 interrupted,
    143 terminated.
    """  # noqa: D301  click's mark for lines that are not wrapped again


def show_bug(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Show the traceback of an error that nothing caught (`sys.excepthook`). Its text may be of others."""
    import traceback

    from builder.cli import terminal

    terminal.talk("".join(traceback.format_exception(kind, error, trace)))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code. Errors are caught here and nowhere else."""
    from builder.cli import streams, terminal

    given = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    terminal.start(as_json="--json" in given)
    if "--events=json" in given or ("--events", "json") in itertools.pairwise(given):
        terminal.choose(
            terminal.OutputChoice(events="json")
        )  # for mistakes that are noticed before this option is read
    code, cut_off = LayerwrightError.exit_code, False
    try:
        code = _run(given)
    except BrokenPipeError:
        code, cut_off = 0, True  # the reader of the output has exited, for example `head`
    finally:
        with contextlib.suppress(BrokenPipeError):
            terminal.end(code)
    if cut_off:
        streams.discard(sys.stdout)  # else Python would complain of the same when it exits
    return code


def _run(given: Sequence[str]) -> int:
    from builder.cli import streams, terminal

    try:
        try:
            if COMPLETION in os.environ:
                importlib.import_module("builder.cli.completing")  # the shells that click does not know
            with streams.stop_if_unread():
                result = main.main(args=list(given), standalone_mode=False, complete_var=COMPLETION)
                streams.flush()
        finally:
            _warn()
    except (InterruptedByUserError, KeyboardInterrupt, click.Abort) as stop:
        from builder.base import processes

        processes.kill_all()
        error = stop if isinstance(stop, InterruptedByUserError) else _interruption(stop)
        _end_in(error)
        return error.exit_code
    except LayerwrightError as error:
        _end_in(error)
        return error.exit_code
    except click.ClickException as error:
        return _refuse(error)
    except BrokenPipeError:
        raise
    except Exception as error:
        if refused := _of_disk(error):
            _end_in(refused)
            return refused.exit_code
        if terminal.chosen().events == "text":
            raise
        import traceback

        why = traceback.format_exception(error)
        _end_in(LayerwrightError(f"internal error: {error!r}", why="".join(why).splitlines()))
        return LayerwrightError.exit_code
    return result if isinstance(result, int) else 0


def _end_in(error: LayerwrightError) -> None:
    """Tell the error that ends the command."""
    from builder.cli import terminal

    terminal.fail(error)
    terminal.failure(error)


def _of_disk(error: Exception) -> LayerwrightError | None:
    """Return the error for the user if the disk is at fault: a cache that cannot be written to is no bug."""
    from builder.base import files

    return files.disk_error(error) if isinstance(error, OSError) else None


def _warn() -> None:
    """Tell the warnings of code that has no emitter."""
    from builder.cli import terminal

    for text in notices.take():
        terminal.warn(text)


def _refuse(error: click.ClickException) -> int:
    """Tell what is wrong with the command line."""
    from builder.cli import terminal

    refused = UsageError(error.format_message())
    if terminal.chosen().events == "json":
        terminal.fail(refused)
    else:
        shown = io.StringIO()
        error.show(file=shown)
        terminal.talk(shown.getvalue())
    terminal.failure(refused)
    return error.exit_code
