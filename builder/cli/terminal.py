"""What a command tells: events on stderr, through the listener that its options choose, and data on stdout.

`cli/listeners/` shows the events, `cli/views/` prints the results.
"""

import dataclasses
import os
import sys
import time
from collections.abc import Sequence
from typing import Any, Literal, Protocol

from builder.base import foreign
from builder.base.emitter import Events
from builder.base.errors import LayerwrightError
from builder.base.events import CommandEnded, Listener
from builder.base.frozen import dataclass
from builder.cli import streams
from builder.model.limits import MB

# ---- events: stderr ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class OutputChoice:
    """What is told, and in which form."""

    verbose: bool = False
    quiet: bool = False
    events: Literal["text", "json"] = "text"


class View(Listener, Protocol):
    """A listener that shows events."""

    def close(self) -> None:
        """Show what still waits. No event follows."""


@dataclasses.dataclass(slots=True)
class _Command:
    """The output of the command that runs."""

    choice: OutputChoice = dataclasses.field(default_factory=OutputChoice)
    began: float = dataclasses.field(default_factory=time.monotonic)
    view: View | None = None  # made when the first event is emitted: a command that tells nothing needs none
    events: Events | None = None
    json: bool = False  # whether its result is a JSON document: then its error is one, too
    printed: bool = False  # whether there is something of it on stdout


_command = _Command()


def start(*, as_json: bool = False) -> None:
    """Begin a command, with the usual output."""
    global _command  # noqa: PLW0603  one process runs one command; tests run one after the other
    _command = _Command(json=as_json)


def choose(choice: OutputChoice) -> None:
    """Set the output. Must be called before the first event."""
    _command.choice = choice


def chosen() -> OutputChoice:
    """Return the output as far as it is chosen."""
    return _command.choice


def events() -> Events:
    """Return the emitter for the command as a whole."""
    if _command.events is None:
        _command.view = _view(_command.choice)
        _command.events = Events(_command.view)
    return _command.events


def _view(choice: OutputChoice) -> View:
    if choice.events == "json":
        from builder.cli.listeners.json_lines import JsonView

        return JsonView(streams.tell, table)
    if sys.stderr.isatty() and os.environ.get("TERM") not in {"dumb", "unknown"}:
        from rich.console import Console

        from builder.cli.listeners.live import LiveView

        console = Console(stderr=True, highlight=False, soft_wrap=True)
        return LiveView(console, table, quiet=choice.quiet, verbose=choice.verbose)
    from builder.cli.listeners import hosts
    from builder.cli.listeners.plain import PlainView

    return PlainView(streams.tell, table, quiet=choice.quiet, host=hosts.detect(os.environ))


def end(exit_code: int) -> None:
    """End the command: show what still waits, and tell programs the exit code."""
    if _command.events is None and _command.choice.events == "text":
        return
    emitter = events()
    emitter.end("ok" if exit_code == 0 else "failed")
    emitter.emit(CommandEnded(exit_code=exit_code, seconds=round(time.monotonic() - _command.began, 3)))
    if _command.view:
        _command.view.close()


def note(text: str) -> None:
    """Tell a fact about the work."""
    events().note(text)


def result(text: str) -> None:
    """Tell a result."""
    events().result(text)


def warn(text: str) -> None:
    """Tell a fact that needs the user's attention."""
    events().warn(text)


def fail(error: LayerwrightError) -> None:
    """Tell an error: the message, its facts one per line, and the hint."""
    events().fail(error)


def talk(value: str) -> None:
    """Write text of several lines that is no event to stderr, as `text` does to stdout."""
    streams.tell(_neutral(foreign.text(value)))


# ---- data: stdout --------------------------------------------------------------------------------------------------


def _put(text: str) -> None:
    """Write to stdout. Raises BrokenPipeError if nobody reads it any more."""
    _command.printed = True
    with streams.one_broken_pipe():
        sys.stdout.write(text)


def compact(value: Any) -> None:  # noqa: ANN401  every JSON value
    """Print JSON on one line, the format of variables of code hosts."""
    _put(foreign.dumped(value, compact=True) + "\n")


def data(value: dict[str, Any]) -> None:
    """Print a JSON document of layerwright's own format, with the format's `version` as its first key."""
    document({"version": 1, **value})


def failure(error: LayerwrightError) -> None:
    """Print the error that ends the command as a document, if its result is one and nothing of it was printed."""
    if _command.json and not _command.printed:
        parts = {"what": error.what, "why": list(error.why), "hint": error.hint, "exit_code": error.exit_code}
        data({"error": {**parts, "faults": [dataclasses.asdict(fault) for fault in error.faults]}})


def document(value: dict[str, Any]) -> None:
    """Print a JSON document of a foreign format, for example SARIF."""
    _put(foreign.dumped(value) + "\n")


def text(value: str) -> None:
    """Write text of several lines; what would steer a terminal or a code host in it becomes visible."""
    _put(_neutral(foreign.text(value)))


def source(value: str) -> None:
    """Write the text of a file, for example a template: as `text`, but the code host's commands are no matter to it."""
    _put(foreign.text(value))


def line(value: str) -> None:
    """Write one line; also line feeds in it become visible."""
    _put(_neutral(foreign.line(value)) + "\n")


def styled(*parts: tuple[str, str]) -> None:
    """Write one line of several parts, each with its style of rich where stdout is a terminal."""
    if not sys.stdout.isatty():
        line("".join(part for part, _ in parts))
        return
    from rich.console import Console
    from rich.text import Text

    shown = Text.assemble(*((foreign.line(part), style) for part, style in parts))
    Console(highlight=False, soft_wrap=True).print(shown)


def _neutral(shown: str) -> str:
    """Return lines without commands to the code host of this job."""
    if not any(mark in shown for mark in ("::", "##", "---", "+++", "~~~", "^^^", "section_")):
        return shown
    from builder.cli.listeners import hosts

    host = hosts.detect(os.environ)
    return host.neutral(shown) if host else shown


def width() -> int | None:
    """Return the columns of the terminal that what is printed is read on; None for files and pipes."""
    import shutil

    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    numbers: Sequence[str] = (),
    whole: Sequence[str] = (),
    optional: Sequence[str] = (),
) -> None:
    """Print a table: fitted to the width of a terminal, otherwise as wide as its content.

    Columns in `numbers` are aligned to the right and, as those in `whole`, never wrapped. Those in `optional` are left
    out, one after the other, until the others fit into a terminal.
    """
    from builder.cli import widths  # the help has no table

    if not sys.stdout.isatty():
        for shown_line in widths.aligned(columns, rows, numbers):
            line(shown_line)
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    unbroken = {*numbers, *whole}
    columns, rows = widths.fitting(columns, rows, console.width, whole=unbroken, optional=optional)
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        shown.add_column(column, justify="right" if column in numbers else "left", no_wrap=column in unbroken)
    for row in rows:
        shown.add_row(*(Text(foreign.line(cell)) for cell in row))
    console.print(shown)


def mb(count: int) -> str:
    """Return a number of bytes in MB, with one decimal and without the unit."""
    return f"{count / MB:.1f}"
