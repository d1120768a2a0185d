"""How many of the planned targets are done, and how long the others are going to take."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from builder.base.events import Event, TargetEnded, TargetsPlanned


@dataclass(slots=True)
class Tally:
    """Counts targets from their events."""

    total: int = 0
    done: int = 0
    failed: int = 0
    parallel: int = 1
    left: dict[str, float] = field(default_factory=dict)
    """Expected seconds of each target that is not done; 0 if nothing is known."""

    def receive(self, event: Event) -> None:
        if isinstance(event, TargetsPlanned):
            known = sorted(seconds for seconds in event.targets.values() if seconds is not None)
            usual = known[len(known) // 2] if known else 0.0
            self.left = {name: usual if seconds is None else seconds for name, seconds in event.targets.items()}
            self.total, self.done, self.failed, self.parallel = len(event.targets), 0, 0, event.parallel
        elif isinstance(event, TargetEnded) and event.subject in self.left:
            del self.left[event.subject]
            self.done += 1
            self.failed += event.outcome == "failed"

    def words(self, event: TargetEnded) -> str:
        """Return the words for a target that ended, counted if there are several."""
        return f"[{self.done}/{self.total}] {event.words}" if self.total > 1 else event.words

    def remaining(self, running: Mapping[str, float]) -> float:
        """Return the seconds that the rest is expected to take; `running` are the times at which targets began."""
        now = time.monotonic()
        left = [max(0.0, seconds - (now - running.get(name, now))) for name, seconds in self.left.items()]
        return max(max(left, default=0.0), sum(left) / self.parallel)
