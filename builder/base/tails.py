"""The ends of what a process prints: a foreign program may print for ever, which must not take memory for ever."""

import contextlib
import subprocess
import threading
import time
from collections import deque
from typing import IO

LARGEST = 4 << 20
"""Bytes that are kept of each stream."""
_CHUNK = 1 << 16
_POLL_SECONDS = 0.2


class Tail:
    """The last bytes of a stream."""

    def __init__(self) -> None:
        self._chunks: deque[bytes] = deque()
        self._size = 0
        self.dropped = 0
        """Bytes before those that are kept."""

    def add(self, chunk: bytes) -> None:
        self._chunks.append(chunk)
        self._size += len(chunk)
        while (excess := self._size - LARGEST) > 0:
            first = self._chunks.popleft()
            if len(first) > excess:
                self._chunks.appendleft(first[excess:])
            lost = min(len(first), excess)
            self.dropped += lost
            self._size -= lost

    def text(self) -> str:
        return b"".join(self._chunks).decode(errors="replace")


class OutputTails:
    """The ends of both streams of a process, which threads read until it closes them."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self.stdout, self.stderr = Tail(), Tail()
        pairs = ((process.stdout, self.stdout), (process.stderr, self.stderr))
        self._threads = [threading.Thread(target=_read, args=pair, daemon=True) for pair in pairs]
        for thread in self._threads:
            thread.start()

    def wait(self, seconds: float) -> bool:
        """Wait for the end of the process and of its output; return whether it came in time. Can be interrupted."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            running = [thread for thread in self._threads if thread.is_alive()]
            if running:
                running[0].join(min(left, _POLL_SECONDS))
            elif self._process.poll() is not None:
                return True
            else:
                time.sleep(min(left, _POLL_SECONDS / 10))
        return False

    @property
    def dropped(self) -> int:
        """Bytes of both streams that were not kept."""
        return self.stdout.dropped + self.stderr.dropped


def _read(stream: IO[bytes] | None, tail: Tail) -> None:
    if stream is None:
        raise AssertionError
    with contextlib.suppress(OSError, ValueError):  # closed, because nobody waits any more
        while chunk := stream.read1(_CHUNK):  # type: ignore[attr-defined]  # a pipe of Popen is buffered
            tail.add(chunk)


def note(dropped: int) -> list[str]:
    """Return the line that tells how much output was dropped; none if nothing was."""
    return [f"{dropped / 1e6:.1f} MB of output before its end were dropped"] if dropped else []
