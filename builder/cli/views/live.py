"""A night while it runs: a table that lives on a terminal, a line for each target elsewhere."""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from builder.cli import terminal
from builder.nightly.records import Record
from builder.nightly.schedule import UNSEEN, Job

_STYLES = {"built": "green", "same": "green", "failed": "bold red"}
_WIDEST = 60
_TOLD, _NAMED = 2, 6
"""Reasons of a target, and targets of a reason, that are told before the rest is counted."""


@dataclass(slots=True)
class _Running:
    place: str
    started: float
    stage: str = "waiting"


@dataclass(slots=True)
class _State:
    """What is shown; changed by many threads under one lock."""

    left: dict[str, float] = field(default_factory=dict)
    """Seconds expected of each target that is not done."""
    running: dict[str, _Running] = field(default_factory=dict)
    places: int = 1
    total: int = 0
    failed: int = 0


class Progress:
    """Tells of a night; hand it to `night.run`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._state = _State()

    def planned(self, jobs: Sequence[Job], unchanged: int, widths: Mapping[str, int]) -> None:
        seen = sorted(job.expected for job in jobs if job.expected != UNSEEN)
        usual = seen[len(seen) // 2] if seen else 0.0
        with self._lock:
            state = self._state
            state.left = {job.target.name: usual if job.expected == UNSEEN else job.expected for job in jobs}
            state.total, state.places = len(jobs), max(1, sum(widths.values()))
        where = ", ".join(f"{width} at once on {place}" for place, width in widths.items())
        terminal.note(f"{len(jobs)} to build, {unchanged} not{f': {where}' if where else ''}")
        for line in _reasons(jobs):
            terminal.note(f"  {line}")

    def begins(self, job: Job, place: str) -> None:
        with self._lock:
            self._state.running[job.target.name] = _Running(place=place, started=time.monotonic())

    def stage(self, job: Job, text: str) -> None:
        with self._lock:
            if running := self._state.running.get(job.target.name):
                running.stage = text

    def ends(self, job: Job, record: Record) -> None:
        name, last = job.target.name, record.last
        status = last.status if last else "failed"
        with self._lock:
            state = self._state
            state.left.pop(name, None)
            running = state.running.pop(name, None)
            state.failed += status == "failed"
            done = f"[{state.total - len(state.left)}/{state.total}]"
        took = f"{time.monotonic() - running.started:.1f} s" if running else ""
        said = f": {last.failure.what}" if last and last.failure else ""
        tries = f", {last.attempts} tries" if last and last.attempts > 1 else ""
        text = Text(f"{done} ") + Text(status, style=_STYLES.get(status, "")) + Text(f" {name} ({took}{tries}){said}")
        terminal.styled(text)

    def warn(self, text: str) -> None:
        terminal.warn(text)

    def __rich__(self) -> Group:
        """Return the table of this moment."""
        now = time.monotonic()
        with self._lock:
            state = self._state
            rows = [(name, one.place, one.stage, now - one.started) for name, one in sorted(state.running.items())]
            left = {**state.left, **{name: max(0.0, state.left.get(name, 0.0) - took) for name, _, _, took in rows}}
            done, total, failed = state.total - len(state.left), state.total, state.failed
            longest = max(left.values(), default=0.0)
            eta = max(longest, sum(left.values()) / state.places)
        table = Table(box=None, pad_edge=False, show_header=False)
        for name, place, stage, took in rows:
            table.add_row(Text(name), Text(place, style="dim"), Text(stage[:_WIDEST]), Text(f"{took:.0f} s"))
        foot = f"{done} of {total} done, {failed} failed" + (f", about {_spell(eta)} left" if eta else "")
        return Group(table, Text(foot, style="bold"))


def _reasons(jobs: Sequence[Job]) -> Iterator[str]:
    """Yield each reason once, with the targets that it is for; a hundred targets often have the same one."""
    found: dict[str, list[str]] = {}
    for job in jobs:
        more = f" and {len(job.reasons) - _TOLD} more" if len(job.reasons) > _TOLD else ""
        found.setdefault("; ".join(job.reasons[:_TOLD]) + more, []).append(job.target.name)
    for reason, names in found.items():
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        yield f"{reason}: {', '.join(names[:_NAMED])}{more}"


def _spell(seconds: float) -> str:
    minutes = 60
    return f"{seconds:.0f} s" if seconds < minutes else f"{seconds / minutes:.0f} min"


@contextmanager
def progress() -> Iterator[Progress]:
    """Give what tells of a night."""
    target = terminal.talk()
    if not target.is_terminal:
        yield Progress()
        return
    with Live(console=target, refresh_per_second=4, transient=True) as live:
        shown = Progress()
        live.update(shown)
        yield shown
