"""The event that tells what a nightly run is going to build, where, and why."""

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from builder.base.events import TargetsPlanned
from builder.base.frozen import dataclass
from builder.nightly.schedule import UNSEEN, Task

_REASONS, _NAMES = 2, 6
"""Reasons of a target, and targets of a reason, that are named before the rest is counted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NightPlanned(TargetsPlanned):
    """The due targets are known."""

    kind: ClassVar[str] = "night_planned"
    unchanged: int
    """Targets that are not due."""
    slots: Mapping[str, int]
    """Targets at once by machine."""
    reasons: Mapping[str, tuple[str, ...]]
    """Why each target is due."""

    @property
    def words(self) -> str:
        where = ", ".join(f"{count} at once on {machine}" for machine, count in self.slots.items())
        first = f"{len(self.targets)} to build, {self.unchanged} not{f': {where}' if where else ''}"
        return "\n".join((first, *(f"  {line}" for line in self._by_reason())))

    def _by_reason(self) -> Iterator[str]:
        """Yield each reason once with its targets: a hundred targets often have the same one."""
        targets: dict[str, list[str]] = {}
        for name, reasons in self.reasons.items():
            more = f" and {len(reasons) - _REASONS} more" if len(reasons) > _REASONS else ""
            targets.setdefault("; ".join(reasons[:_REASONS]) + more, []).append(name)
        for reason, names in targets.items():
            more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
            yield f"{reason}: {', '.join(names[:_NAMES])}{more}"


def planned(tasks: Sequence[Task], unchanged: int, slots: Mapping[str, int]) -> NightPlanned:
    """Return the event for these tasks."""
    return NightPlanned(
        targets={task.target.name: None if task.expected == UNSEEN else task.expected for task in tasks},
        parallel=max(1, sum(slots.values())),
        unchanged=unchanged,
        slots=dict(slots),
        reasons={task.target.name: task.reasons for task in tasks},
    )
