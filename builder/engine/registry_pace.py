"""The pace of requests to a registry: as fast as it answers, until it refuses; then one after the other."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

FIRST = 1.1
"""Seconds between two requests after the first refusal. ECR Public answers one a second to those who did not log in."""
_SLOWER = 1.2
LONGEST = 60.0


@dataclass(slots=True)
class RegistryPace:
    """When the next request may be sent. Safe for several threads.

    Refusals of requests that were under way when the pace was changed do not change it again.
    """

    pause: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    interval: float = 0.0
    """Seconds between two requests."""
    _next: float = 0.0
    _generation: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def turn(self) -> int:
        """Wait until a request may be sent. Returns what `refused` is told if the registry refuses it."""
        with self._lock:
            now = self.clock()
            at = max(now, self._next)
            self._next = at + self.interval
            generation = self._generation
        if at > now:
            self.pause(at - now)
        return generation

    def refused(self, generation: int, wait: float) -> bool:
        """Slow down after a refusal with its `Retry-After`. Returns whether the pace changed."""
        with self._lock:
            self._next = max(self._next, self.clock() + min(max(wait, self.interval), LONGEST))
            if generation != self._generation:
                return False
            self._generation += 1
            self.interval = min(max(FIRST, self.interval * _SLOWER), LONGEST)
            self._next = max(self._next, self.clock() + self.interval)
            return True
