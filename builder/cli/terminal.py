"""The terminal: talk on stderr, data on stdout, colour and spinners only where a person reads them.

As a module this is the `Talk` that commands hand to the rooms above. `cli/views/` prints the results.
"""

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from builder.base.errors import LayerwrightError
from builder.model.limits import MB

# ---- talk: stderr --------------------------------------------------------------------------------------------------


@cache
def talk() -> Console:
    """Return the console of stderr. There is one: a spinner and a line of two consoles would overwrite each other."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def note(text: str) -> None:
    """Print a fact."""
    talk().print(Text(text))


def styled(text: Text) -> None:
    """Print a fact with colours."""
    talk().print(text)


def warn(text: str) -> None:
    """Print a fact that needs the user's attention."""
    talk().print(Text("warning: ", style="yellow") + Text(text))


def fail(error: LayerwrightError) -> None:
    """Print an error: the message, its facts one per line, and the hint."""
    text = Text("error: ", style="bold red") + Text(error.what, style="bold")
    for line in error.why:
        text += Text(f"\n  {line}")
    if error.hint:
        text += Text("\nhint: ", style="green") + Text(error.hint)
    talk().print(text)


@contextlib.contextmanager
def working(what: str) -> Iterator[Callable[[str], None]]:
    """Show progress while the block runs; the yielded function replaces the text.

    A terminal shows a spinner. With `CI` in the environment each new text is one line; otherwise nothing is shown.
    """
    console = talk()
    if console.is_terminal:
        with console.status(Text(what)) as status:
            yield lambda text: status.update(Text(text))
    elif os.environ.get("CI"):
        yield _Lines()
    else:
        yield lambda _: None


class _Lines:
    """Prints each step once, for logs. Lines and percentages of a step are omitted: they are in the step's own log."""

    def __init__(self) -> None:
        self._printed: set[str] = set()

    def __call__(self, text: str) -> None:
        if " | " not in text and " %" not in text and text not in self._printed:
            self._printed.add(text)
            note(text)


@contextlib.contextmanager
def group(title: str) -> Iterator[None]:
    """Fold the output of the block in logs of GitHub Actions. Other code hosts see it unfolded."""
    folded = os.environ.get("GITHUB_ACTIONS") == "true"
    if folded:
        print(f"::group::{title}", file=sys.stderr, flush=True)  # noqa: T201
    try:
        yield
    finally:
        if folded:
            print("::endgroup::", file=sys.stderr, flush=True)  # noqa: T201


# ---- data: stdout --------------------------------------------------------------------------------------------------


def compact(value: Any) -> None:  # noqa: ANN401  every JSON value
    """Print JSON on one line, the format of variables of code hosts."""
    text(json.dumps(value, separators=(",", ":")) + "\n")


def data(value: dict[str, Any]) -> None:
    """Print a JSON document of layerwright's own format, with the format's `version` as its first key."""
    print(json.dumps({"version": 1, **value}, indent=2, ensure_ascii=False))  # noqa: T201


def document(value: dict[str, Any]) -> None:
    """Print a JSON document of a foreign format, for example SARIF."""
    print(json.dumps(value, indent=2, ensure_ascii=False))  # noqa: T201


def text(value: str) -> None:
    """Write text as it is."""
    sys.stdout.write(value)


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: Sequence[str] = ()) -> None:
    """Print a table: fitted to the width of a terminal, otherwise as wide as its content.

    Columns in `numbers` are aligned to the right and never wrapped.
    """
    console = Console(highlight=False)
    if not console.is_terminal:
        _plain_table(columns, rows, numbers)
        return
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        shown.add_column(column, justify="right" if column in numbers else "left", no_wrap=column in numbers)
    for row in rows:
        shown.add_row(*map(Text, row))
    console.print(shown)


def _plain_table(columns: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[str]) -> None:
    widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
    for row in (columns, *rows):
        cells = [
            cell.rjust(width) if column in numbers else cell.ljust(width)
            for cell, width, column in zip(row, widths, columns, strict=True)
        ]
        text(f"{'  '.join(cells).rstrip()}\n")


def mb(count: int) -> str:
    """Return a number of bytes in MB, with one decimal and without the unit."""
    return f"{count / MB:.1f}"
