"""How fast one region is asked: never more than Lambda's control plane takes, and less when it says so.

"Control plane API requests": 15 a second for each account and region, not adjustable
(https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
"""

import threading
import time
from collections.abc import Callable

RATE = 13.0
"""Requests a second; two less than the limit: networks bunch requests up, and others work in the account, too."""
_SLOWEST = 1.0
_RECOVERY = 1.0
"""Requests a second more, for each second without a complaint."""


class Pace:
    """A bucket that holds one token, shared by all threads and clients that ask one region."""

    def __init__(
        self,
        rate: float = RATE,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._most = self._rate = rate
        self._clock, self._sleep = clock, sleep
        self._lock = threading.Lock()
        self._next = 0.0
        self._told = 0.0
        """When the rate was last changed."""

    def wait(self) -> None:
        """Return when the next request may be sent: requests stand in a row, each a step after the one before."""
        with self._lock:
            now = self._clock()
            self._rate = min(self._most, self._rate + _RECOVERY * (now - self._told))
            self._told = now
            turn = max(now, self._next)
            self._next = turn + 1.0 / self._rate
        if turn > now:
            self._sleep(turn - now)

    def complain(self) -> None:
        """Go at half the speed: the region said that this is too fast."""
        with self._lock:
            self._rate = max(_SLOWEST, self._rate / 2)
            self._told = self._clock()
