"""The view of terminals: a line for each target that is worked on, with its stage and its last line of output."""

import sys
import threading
import time
from dataclasses import dataclass, field

from rich.console import Console, Group
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from builder.base import foreign
from builder.base.events import (
    Event,
    Failed,
    LogLine,
    Progressed,
    StageBegun,
    StageEnded,
    StepBegun,
    TableTold,
    TargetBegun,
    TargetEnded,
    Warned,
)
from builder.cli.listeners.plain import ShowTable, told, wanted
from builder.cli.listeners.tally import Tally

_OUTCOMES = {"failed": "bold red", "stopped": "dim"}
_FLUSH_SECONDS = 0.1
"""Time between prints of lines of output: each print draws the live lines again."""
_MINUTE = 60


@dataclass(slots=True)
class _LiveRow:
    """What a subject does at the moment."""

    began: float
    where: str = ""
    is_target: bool = False
    stages: list[str] = field(default_factory=list)
    """The innermost last."""
    percent: int | None = None
    output: str = ""

    def words(self, subject: str) -> Text:
        stage = self.stages[-1] if self.stages else "starting"
        percent = "" if self.percent is None else f" {self.percent} %"
        where = f" on {self.where}" if self.where else ""
        return Text(foreign.line(f"{subject}{where}: {stage}{percent}" if subject else f"{stage}{percent}"))


class LiveView:
    """The listener that shows a terminal. Emitters call it one at a time; its lock is for rich's thread, which draws.

    Nothing is printed while the lock is held: rich holds its own lock while it asks for the rows.
    """

    def __init__(self, console: Console, show_table: ShowTable, *, quiet: bool = False, verbose: bool = False) -> None:
        self._console, self._show_table, self._quiet, self._verbose = console, show_table, quiet, verbose
        self._lock = threading.Lock()
        self._rows: dict[str, _LiveRow] = {}
        self._tally = Tally()
        self._live: Live | None = None
        self._spinner = Spinner("dots")
        self._lines: list[str] = []
        self._flushed = 0.0
        self._errors: set[str] = set()

    def receive(self, event: Event) -> None:
        with self._lock:
            self._tally.receive(event)
            self._note(event)
            busy = bool(self._rows)
        if isinstance(event, LogLine):
            self._log(event)
            return
        self._flush()
        self._animate(on=busy)
        if isinstance(event, TableTold):
            self._animate(on=False)
            self._show_table(event.columns, event.rows)
        elif event.level > StageBegun.level and wanted(event, quiet=self._quiet):
            self._print(event)

    def close(self) -> None:
        """Write what still waits, and give the terminal back."""
        self._flush()
        self._animate(on=False)

    # ---- messages ----

    def _print(self, event: Event) -> None:
        if isinstance(event, Failed):
            text = _error(event)
            if text.plain in self._errors:
                return  # several targets failed of the same
            self._errors.add(text.plain)
        elif isinstance(event, Warned):
            text = Text.assemble(("warning: ", "yellow"), told(event))
        elif isinstance(event, TargetEnded):
            text = Text(foreign.line(self._tally.words(event)), style=_OUTCOMES.get(event.outcome, ""))
        else:
            text = Text(told(event))
        self._console.print(text)

    def _log(self, event: LogLine) -> None:
        if self._verbose:
            self._lines.append(foreign.output(f"{event.subject}: {event.words}" if event.subject else event.words))
            if time.monotonic() - self._flushed > _FLUSH_SECONDS:
                self._flush()

    def _flush(self) -> None:
        if self._lines:
            printed, self._lines = self._lines, []
            self._console.print(Text("\n".join(printed)))
        self._flushed = time.monotonic()

    # ---- live lines ----

    def _note(self, event: Event) -> None:
        """Change the rows as an event says."""
        row = self._rows.get(event.subject)
        if isinstance(event, (TargetBegun, StageBegun)) and row is None:
            row = self._rows[event.subject] = _LiveRow(began=time.monotonic())
        if row is None:
            return
        if isinstance(event, TargetBegun):
            row.where, row.is_target = event.where, True
        elif isinstance(event, StageBegun):
            row.stages.append(event.words)
            row.percent, row.output = None, ""
        elif isinstance(event, (StepBegun, LogLine)):
            row.output = event.words
        elif isinstance(event, Progressed):
            row.percent = 100 * event.done // (event.total or 1)
        elif isinstance(event, StageEnded):
            del row.stages[-1:]
            row.percent, row.output = None, ""
        if isinstance(event, TargetEnded) or not (row.stages or row.is_target):
            del self._rows[event.subject]

    def _animate(self, *, on: bool) -> None:
        if on and self._live is None and not self._quiet:
            # What goes to the same terminal is written above the lines; a file or a pipe gets its data itself.
            shared = sys.stdout.isatty()
            self._live = Live(
                self,
                console=self._console,
                refresh_per_second=8,
                transient=True,
                redirect_stdout=shared,
                redirect_stderr=False,
            )
            self._live.start(refresh=True)
        elif not on and self._live is not None:
            live, self._live = self._live, None
            live.stop()

    def __rich__(self) -> Group:
        """Return the live lines. Called by rich, also in its own thread."""
        now = time.monotonic()
        table = Table(box=None, pad_edge=False, show_header=False)
        for _ in range(2):
            table.add_column(no_wrap=True)
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        table.add_column(no_wrap=True, justify="right")
        with self._lock:
            for subject, row in self._rows.items():
                shown = Text(foreign.line(foreign.output(row.output)), style="dim")
                table.add_row(self._spinner, row.words(subject), shown, Text(f"{now - row.began:.0f} s"))
            foot = self._foot()
        return Group(table, foot) if foot else Group(table)

    def _foot(self) -> Text | None:
        tally = self._tally
        if tally.total <= 1:
            return None
        seconds = tally.remaining({name: row.began for name, row in self._rows.items()})
        left = f", about {_duration(seconds)} left" if seconds else ""
        return Text(f"{tally.done} of {tally.total} done, {tally.failed} failed{left}", style="bold")


def _error(event: Failed) -> Text:
    shown = Text.assemble(("error: ", "bold red"), (foreign.text(event.what), "bold"))
    for fact in event.why:
        shown.append(f"\n  {foreign.line(fact)}")
    return shown.append("\nhint: ", "green").append(foreign.text(event.hint)) if event.hint else shown


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < _MINUTE else f"{seconds / _MINUTE:.0f} min"
