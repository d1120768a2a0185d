"""The view of logs and pipes: each phase, line of output and message as a line, at the time when it happens.

Where the code host folds logs, each target is a group. One group is open at a time: the target that opened it is shown
as it goes on, and the events of others wait until it ends. Elsewhere each line begins with its target.
"""

import dataclasses
import time
import uuid
from collections.abc import Callable, Iterator, Sequence

from builder.base import foreign
from builder.base.events import (
    Event,
    Failed,
    Level,
    StageBegun,
    StageEnded,
    StepEnded,
    TableTold,
    TargetBegun,
    TargetEnded,
    Warned,
)
from builder.base.frozen import dataclass
from builder.cli.listeners.hosts import CodeHost
from builder.cli.listeners.tally import Tally

ShowTable = Callable[[Sequence[str], Sequence[Sequence[str]]], None]
_WORTH_A_LINE = 1.0
"""Seconds from which the end of a stage or step is a line."""


def told(event: Event) -> str:
    """Return a message with its subject, safe to show."""
    subject = f"{event.subject}: " if event.subject and not isinstance(event, (Failed, TargetEnded)) else ""
    return foreign.text(f"{subject}{event.words}")


def lines(event: Event) -> Iterator[str]:
    """Yield the lines of a message."""
    if isinstance(event, Failed):
        yield f"error: {told(event)}"
        yield from (f"  {foreign.line(fact)}" for fact in event.why)
        if event.hint:
            yield f"hint: {foreign.text(event.hint)}"
    else:
        yield f"warning: {told(event)}" if isinstance(event, Warned) else told(event)


def wanted(event: Event, *, quiet: bool) -> bool:
    """Return whether a view of text has the event: it has words, and with `quiet` it is a result or trouble."""
    if isinstance(event, TargetEnded) and event.reason:
        return True
    return event.level >= (Level.RESULT if quiet else Level.LOG) and bool(event.words)


@dataclasses.dataclass(frozen=True, slots=True)
class _Stamped:
    """An event with the seconds since the start of the command."""

    event: Event
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Clocks:
    """The times that the view writes."""

    monotonic: Callable[[], float] = time.monotonic
    epoch: Callable[[], float] = time.time
    """Seconds since 1970."""
    token: Callable[[], str] = lambda: uuid.uuid4().hex


class PlainView:
    """The listener that writes lines. Called by one thread at a time, which is the emitters' promise."""

    def __init__(
        self,
        write: Callable[[str], object],
        show_table: ShowTable,
        *,
        quiet: bool = False,
        host: CodeHost | None = None,
        clocks: Clocks | None = None,
    ) -> None:
        self._write, self._show_table, self._quiet, self._host = write, show_table, quiet, host
        self._clocks = clocks or Clocks()
        self._began = self._clocks.monotonic()
        self._tally = Tally()
        self._errors: set[str] = set()
        self._groups = 0
        self._token: str | None = None
        """Of the commands that are stopped at the code host; None while it takes them."""
        self._title: str | None = None
        """Of the open group."""
        self._holder = ""
        """The target that the open group is about; empty for a stage of the command."""
        self._depth = 0
        """Stages of the command that are open, if they have the group."""
        self._waiting: dict[str, list[_Stamped]] = {}
        """Events of targets that began while another one had the group."""
        self._later: list[_Stamped] = []
        """Events that stand after the group."""

    def receive(self, event: Event) -> None:
        self._tally.receive(event)
        stamped = _Stamped(event, self._clocks.monotonic() - self._began)
        if self._quiet or self._host is None:
            self._print(stamped, inside=False)
        else:
            self._fold(stamped)

    def close(self) -> None:
        """Write what still waits."""
        self._commands(on=True)
        self._end_group()
        while self._waiting:
            self._next()
            self._end_group()

    # ---- lines ----

    def _print(self, stamped: _Stamped, *, inside: bool) -> None:
        event = stamped.event
        if isinstance(event, TableTold):
            self._show_table(event.columns, event.rows)
        elif wanted(event, quiet=self._quiet) and self._worth_a_line(event):
            text = "".join(f"{line}\n" for line in self._lines(stamped, inside=inside))
            if not isinstance(event, Failed) or text not in self._errors:
                self._commands(on=event.level is not Level.LOG)
                self._write(self._host.neutral(text) if self._host else text)
                for mark in self._annotations(event):
                    self._write(f"{mark}\n")
            if isinstance(event, Failed):
                self._errors.add(text)  # several targets may fail of the same

    def _annotations(self, event: Event) -> Iterator[str]:
        """Yield the commands that show mistakes in files where the code host shows the files."""
        if isinstance(event, Failed) and self._host and self._host.annotate:
            yield from (self._host.annotate(fault) for fault in event.faults if fault.line)

    @staticmethod
    def _worth_a_line(event: Event) -> bool:
        if not isinstance(event, (StageEnded, StepEnded)):
            return True
        return event.outcome in {"failed", "stopped"} or (event.outcome == "ok" and event.seconds >= _WORTH_A_LINE)

    def _lines(self, stamped: _Stamped, *, inside: bool) -> Iterator[str]:
        event = stamped.event
        subject = "" if inside or not event.subject else f"{event.subject}: "
        if event.level is Level.PHASE:
            minutes, seconds = divmod(int(stamped.seconds), 60)
            yield foreign.line(f"[{minutes}:{seconds:02}] {subject}{event.words}")
        elif event.level is Level.LOG:
            yield foreign.output(f"{subject}{event.words}")
        elif isinstance(event, TargetEnded):
            yield foreign.line(self._tally.words(event))
        else:
            yield from lines(event)

    def _commands(self, *, on: bool) -> None:
        """Let the code host take commands from the next line on, or not: the output of programs holds none of ours."""
        if self._host is None or self._host.stop is None or self._host.resume is None or on is (self._token is None):
            return
        if on:
            self._write(self._host.resume(str(self._token)) + "\n")
            self._token = None
        else:
            self._token = self._clocks.token()
            self._write(self._host.stop(self._token) + "\n")

    # ---- groups ----

    def _fold(self, stamped: _Stamped) -> None:
        event = stamped.event
        if self._title is None:
            self._outside(stamped)
        elif event.subject in self._waiting or (isinstance(event, TargetBegun) and event.subject != self._holder):
            self._waiting.setdefault(event.subject, []).append(stamped)
        else:
            self._inside(stamped)
            self._next()

    def _outside(self, stamped: _Stamped) -> None:
        event = stamped.event
        if isinstance(event, TargetBegun):
            self._begin_group(event.subject, f"{event.subject} on {event.where}" if event.where else event.subject)
        elif isinstance(event, StageBegun) and not event.subject:
            self._begin_group("", event.words)
            self._depth = 1
        else:
            self._print(stamped, inside=False)

    def _inside(self, stamped: _Stamped) -> None:
        """Handle an event that is not about a waiting target while a group is open."""
        event = stamped.event
        own = event.subject == self._holder
        if isinstance(event, TargetEnded) and own:
            self._later.insert(0, stamped)
            self._end_group()
        elif event.level >= Level.RESULT or not (own or not self._holder):
            self._later.append(stamped)
        else:
            self._print(stamped, inside=own)
            if own and not self._holder:
                self._depth += isinstance(event, StageBegun)
                self._depth -= isinstance(event, StageEnded)
                if not self._depth:
                    self._end_group()

    def _begin_group(self, holder: str, title: str) -> None:
        self._holder, self._title = holder, foreign.line(title)
        self._groups += 1
        if self._host:
            self._title = self._host.neutral(self._title)
            self._commands(on=True)
            self._write(self._host.begin(self._title, self._groups, int(self._clocks.epoch())) + "\n")

    def _end_group(self) -> None:
        if self._title is not None and self._host and self._host.end:
            self._commands(on=True)
            self._write(self._host.end(self._title, self._groups, int(self._clocks.epoch())) + "\n")
        self._title, self._depth = None, 0
        later, self._later = self._later, []
        for stamped in later:
            self._print(stamped, inside=False)

    def _next(self) -> None:
        """Give the group to the targets that wait, one after the other, until one of them is not done."""
        while self._title is None and self._waiting:
            name = next(iter(self._waiting))
            for stamped in self._waiting.pop(name):
                self._replay(stamped)

    def _replay(self, stamped: _Stamped) -> None:
        if self._title is None:
            self._outside(stamped)
        else:
            self._inside(stamped)
