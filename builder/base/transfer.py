"""The bounds of an HTTP transfer in time and bytes, and the error of one that failed."""

import time

from builder.base import credentials
from builder.base.errors import LayerwrightError, UnreachableError, UsageError
from builder.base.frozen import dataclass
from builder.base.retries import Backoff

_MIB = 1024**2
_GONE = (404, 410)
_BUSY = (408, 425, 429)
_SERVER_ERROR = 500
"""The lowest status code of errors of the server itself."""
_SHOWN = 200
"""Characters of a reason that is told; some of them come from the server."""
_OVERHEAD, _OVERHEAD_RATIO = 16 * _MIB, 8
"""Bytes that a server may send besides the body: headers, sizes of chunks. A ratio is for chunks of one byte."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TransferLimits:
    """The bounds of one request with all its attempts. Times are in seconds, sizes in bytes."""

    backoff: Backoff
    total: float
    """For everything: attempts, redirects and pauses."""
    size: int
    """Of a body whose length the server announces."""
    unannounced: int
    """Of a body of unknown length, which may never end."""
    connect: float = 20.0
    idle: float = 60.0
    """Without a single byte."""
    pace: int = 1024
    """A transfer that brings fewer bytes than this in `window` seconds counts as broken."""
    window: float = 30.0
    redirects: int = 10


DOCUMENT = TransferLimits(backoff=Backoff(attempts=3), total=300, size=64 * _MIB, unannounced=64 * _MIB)
"""For what is read into memory."""
DOWNLOAD = TransferLimits(backoff=Backoff(attempts=3), total=3600, size=8192 * _MIB, unannounced=256 * _MIB)
"""For files. Those of indexes and mirrors announce their length, so the smaller bound meets odd servers only."""


class HttpError(Exception):
    """A request that failed. The text names the URL without credentials and query, and the reason."""

    status: int = 0
    """Zero if there was no response."""
    wait: float = 0.0
    """Seconds that the server asks to wait."""

    def __init__(self, url: str, reason: str, *, again: bool = False, passing: bool = False) -> None:
        printable = "".join(letter if letter.isprintable() else "?" for letter in credentials.redact(reason))
        short = printable if len(printable) <= _SHOWN else f"{printable[:_SHOWN]}…"
        super().__init__(f"{credentials.redact(url)}: {short}")
        self.again = again
        """Whether another attempt of the same request makes sense."""
        self.passing = again or passing
        """Whether the same request may succeed some time later."""

    @property
    def gone(self) -> bool:
        return self.status in _GONE

    def translated(self, what: str, hint: str) -> LayerwrightError:
        """Return UnreachableError if the server did not respond or is busy, UsageError if it refused the request."""
        kind = UnreachableError if self.passing else UsageError
        return kind(what, why=[str(self)], hint=hint)


class StatusError(HttpError):
    """A response other than the one that was asked for."""

    def __init__(self, url: str, status: int, reason: str, wait: float) -> None:
        busy = status in _BUSY or status >= _SERVER_ERROR
        super().__init__(url, f"{status} {reason}".strip(), again=busy)
        self.status, self.wait = status, wait


class Meter:
    """What one request has received, and when it has to stop. Counts what arrives at the socket, headers included."""

    def __init__(self, url: str, limits: TransferLimits) -> None:
        self.url = url
        self.limits = limits
        self._deadline = time.monotonic() + limits.total
        self.restart()

    def restart(self) -> None:
        """Begin another response of the same request."""
        self._received = self._delivered = 0
        self._window: float | None = None
        self._in_window = 0

    def left(self) -> float:
        """Return the seconds that are left for the request. Raises HttpError if there are none."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise HttpError(self.url, f"it took longer than {self.limits.total:g} s", passing=True)
        return left

    def idle(self) -> float:
        """Return the seconds that the next byte may take. Raises HttpError if the time of the request is over."""
        return min(self.limits.idle, self.left())

    def allows(self, pause: float) -> bool:
        """Tell whether there is time for another attempt after a pause."""
        return time.monotonic() + pause < self._deadline

    def received(self, count: int) -> None:
        """Count bytes of the socket. Raises HttpError for a transfer that is too slow or is not the body."""
        self._received += count
        self._in_window += count
        if self._received > _OVERHEAD + _OVERHEAD_RATIO * self._delivered:
            raise HttpError(self.url, "the server sends something other than the body of its response", again=True)
        now = time.monotonic()
        self._window = self._window or now  # a server may take its time before the first byte
        since = now - self._window
        if since > self.limits.window:
            if self._in_window < self.limits.pace:
                raise HttpError(self.url, f"the server sent only {self._in_window} bytes in {since:.0f} s", again=True)
            self._window, self._in_window = now, 0

    def delivered(self, count: int, before: int, length: int | None) -> None:
        """Count bytes of the body. `before` came earlier, `length` is the announced length of all. Raises HttpError."""
        self._delivered += count
        most = self.limits.unannounced if length is None else self.limits.size
        if max(before + self._delivered, length or 0) > most:
            raise HttpError(self.url, f"the body is larger than {most / _MIB:g} MiB")
