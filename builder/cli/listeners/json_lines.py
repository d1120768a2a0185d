"""The view of programs: one JSON document a line."""

import json
from collections.abc import Callable
from dataclasses import asdict, fields
from datetime import datetime, timezone

from builder.base.events import Event, TableTold
from builder.cli.listeners.plain import ShowTable

VERSION = 1
"""Of the format. New kinds and new fields do not change it."""


def _now() -> datetime:
    return datetime.now(tz=timezone.utc)


class JsonView:
    """The listener that writes documents. Called by one thread at a time, which is the emitters' promise."""

    def __init__(
        self, write: Callable[[str], object], show_table: ShowTable, clock: Callable[[], datetime] = _now
    ) -> None:
        self._write, self._show_table, self._clock = write, show_table, clock
        self._names: dict[type[Event], tuple[str, ...]] = {}

    def receive(self, event: Event) -> None:
        document = {
            "version": VERSION,
            "time": self._clock().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "kind": event.kind,
            **{name: getattr(event, name) for name in self._fields(type(event))},
        }
        self._write(json.dumps(document, separators=(",", ":"), default=asdict) + "\n")
        if isinstance(event, TableTold):
            self._show_table(event.columns, event.rows)

    def close(self) -> None:
        pass

    def _fields(self, cls: type[Event]) -> tuple[str, ...]:
        if cls not in self._names:
            self._names[cls] = tuple(field.name for field in fields(cls))
        return self._names[cls]
