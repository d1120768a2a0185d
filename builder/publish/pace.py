"""Rate limit of the requests to one region.

Lambda allows 15 control plane API requests per second for each account and region, not adjustable
(https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
"""

import threading
import time
from collections.abc import Callable

RATE = 13.0
"""Requests per second. Two below the limit: networks bunch requests up, and other clients share the quota."""
_SLOWEST = 1.0
_RECOVERY = 1.0
"""Increase of the rate, in requests per second, for each second without throttling."""


class Pace:
    """A token bucket with one token, shared by all threads and clients of one region."""

    def __init__(
        self,
        rate: float = RATE,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._maximum = self._rate = rate
        self._clock, self._sleep = clock, sleep
        self._lock = threading.Lock()
        self._next = 0.0
        self._changed = 0.0
        """Time of the last change of the rate."""

    def wait(self) -> None:
        """Block until the next request may be sent. Requests are evenly spaced, in the order of the calls."""
        with self._lock:
            now = self._clock()
            self._rate = min(self._maximum, self._rate + _RECOVERY * (now - self._changed))
            self._changed = now
            turn = max(now, self._next)
            self._next = turn + 1.0 / self._rate
        if turn > now:
            self._sleep(turn - now)

    def slow_down(self) -> None:
        """Halve the rate, after the region throttled a request."""
        with self._lock:
            self._rate = max(_SLOWEST, self._rate / 2)
            self._changed = self._clock()
