"""The view of a nightly run: a live table on a terminal, and a line for each target that is done."""

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
from builder.nightly.schedule import UNSEEN, Task

_STYLES = {"built": "green", "same": "green", "failed": "bold red"}
_WIDEST = 60
_REASONS, _NAMES = 2, 6
"""Reasons of a target, and targets of a reason, that are shown before the rest is counted."""


@dataclass(slots=True)
class _Running:
    machine: str
    started: float
    stage: str = "waiting"


@dataclass(slots=True)
class _LiveState:
    """The content of the view; changed by many threads under one lock."""

    left: dict[str, float] = field(default_factory=dict)
    """Seconds expected of each target that is not done."""
    running: dict[str, _Running] = field(default_factory=dict)
    slots: int = 1
    """Targets that are built at the same time."""
    total: int = 0
    failed: int = 0


class LiveView:
    """The listener of a nightly run that shows it on the terminal."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._state = _LiveState()

    def planned(self, tasks: Sequence[Task], unchanged: int, slots: Mapping[str, int]) -> None:
        seen = sorted(task.expected for task in tasks if task.expected != UNSEEN)
        usual = seen[len(seen) // 2] if seen else 0.0
        with self._lock:
            state = self._state
            state.left = {task.target.name: usual if task.expected == UNSEEN else task.expected for task in tasks}
            state.total, state.slots = len(tasks), max(1, sum(slots.values()))
        where = ", ".join(f"{count} at once on {machine}" for machine, count in slots.items())
        terminal.note(f"{len(tasks)} to build, {unchanged} not{f': {where}' if where else ''}")
        for line in _reasons(tasks):
            terminal.note(f"  {line}")

    def begins(self, task: Task, machine: str) -> None:
        with self._lock:
            self._state.running[task.target.name] = _Running(machine=machine, started=time.monotonic())

    def stage(self, task: Task, text: str) -> None:
        with self._lock:
            if running := self._state.running.get(task.target.name):
                running.stage = text

    def ends(self, task: Task, record: Record) -> None:
        name, last = task.target.name, record.last
        status = last.status if last else "failed"
        with self._lock:
            state = self._state
            state.left.pop(name, None)
            running = state.running.pop(name, None)
            state.failed += status == "failed"
            done = f"[{state.total - len(state.left)}/{state.total}]"
        took = f"{time.monotonic() - running.started:.1f} s" if running else ""
        reason = f": {last.failure.what}" if last and last.failure else ""
        tries = f", {last.attempts} attempts" if last and last.attempts > 1 else ""
        text = Text(f"{done} ") + Text(status, style=_STYLES.get(status, "")) + Text(f" {name} ({took}{tries}){reason}")
        terminal.styled(text)

    def warn(self, text: str) -> None:
        terminal.warn(text)

    def __rich__(self) -> Group:
        """Return the current table."""
        now = time.monotonic()
        with self._lock:
            state = self._state
            rows = [(name, row.machine, row.stage, now - row.started) for name, row in sorted(state.running.items())]
            left = {**state.left, **{name: max(0.0, state.left.get(name, 0.0) - took) for name, _, _, took in rows}}
            done, total, failed = state.total - len(state.left), state.total, state.failed
            longest = max(left.values(), default=0.0)
            eta = max(longest, sum(left.values()) / state.slots)
        table = Table(box=None, pad_edge=False, show_header=False)
        for name, machine, stage, took in rows:
            table.add_row(Text(name), Text(machine, style="dim"), Text(stage[:_WIDEST]), Text(f"{took:.0f} s"))
        foot = f"{done} of {total} done, {failed} failed" + (f", about {_duration(eta)} left" if eta else "")
        return Group(table, Text(foot, style="bold"))


def _reasons(tasks: Sequence[Task]) -> Iterator[str]:
    """Yield each reason once with its targets: a hundred targets often have the same one."""
    targets: dict[str, list[str]] = {}
    for task in tasks:
        more = f" and {len(task.reasons) - _REASONS} more" if len(task.reasons) > _REASONS else ""
        targets.setdefault("; ".join(task.reasons[:_REASONS]) + more, []).append(task.target.name)
    for reason, names in targets.items():
        more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
        yield f"{reason}: {', '.join(names[:_NAMES])}{more}"


def _duration(seconds: float) -> str:
    minutes = 60
    return f"{seconds:.0f} s" if seconds < minutes else f"{seconds / minutes:.0f} min"


@contextmanager
def view() -> Iterator[LiveView]:
    """Yield a listener that shows a nightly run: live where standard error is a terminal, else line by line."""
    target = terminal.talk()
    if not target.is_terminal:
        yield LiveView()
        return
    with Live(console=target, refresh_per_second=4, transient=True) as live:
        shown = LiveView()
        live.update(shown)
        yield shown
