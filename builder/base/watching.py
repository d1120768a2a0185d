"""What the system tells of a running process: whether it takes more memory than it may, or has stopped for good.

Only Linux tells. Elsewhere nothing is watched.
"""

import contextlib
import dataclasses
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import field
from pathlib import Path
from typing import Literal

from builder.base.frozen import dataclass

Verdict = Literal["memory", "hung"]
_MEMORY_SECONDS = 0.01
"""A program fills some 5 MB in it."""
_HUNG_SECONDS = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Watch:
    """What a process is killed for."""

    most_memory: int | None = None
    """Bytes of its own."""
    idle: float | None = None
    """Seconds in which it takes no time of a processor, has no socket and no child: it waits for nothing then."""

    @property
    def on(self) -> bool:
        return sys.platform == "linux" and (self.most_memory is not None or self.idle is not None)


@dataclasses.dataclass(kw_only=True, slots=True)
class Watched:
    """A watched process, and what it was killed for."""

    process: "subprocess.Popen[bytes]"
    watch: Watch
    verdict: Verdict | None = None
    ended: threading.Event = field(default_factory=threading.Event)

    def follow(self) -> None:
        """Look at the process until it ends or is killed."""
        pid, ticks, since, looked = self.process.pid, -1, time.monotonic(), 0.0
        while not self.ended.wait(_HUNG_SECONDS if self.watch.most_memory is None else _MEMORY_SECONDS):
            if self.watch.most_memory is not None and memory(pid) > self.watch.most_memory:
                self._kill("memory")
                return
            now = time.monotonic()
            if self.watch.idle is None or now - looked < _HUNG_SECONDS:
                continue
            before, ticks, looked = ticks, _ticks(pid), now
            if ticks != before or _waits(pid):
                since = now
            elif now - since > self.watch.idle:
                self._kill("hung")
                return

    def _kill(self, verdict: Verdict) -> None:
        self.verdict = verdict
        self.process.kill()


@contextlib.contextmanager
def watched(process: "subprocess.Popen[bytes]", watch: Watch) -> Iterator[Watched]:
    """Watch a process in a thread of its own. Yields what it is judged by."""
    found = Watched(process=process, watch=watch)
    if watch.on:
        threading.Thread(target=found.follow, daemon=True).start()
    try:
        yield found
    finally:
        found.ended.set()


def memory(pid: int) -> int:
    """Return the bytes that a process has of its own, without files that it maps."""
    with contextlib.suppress(OSError, ValueError):
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
        return sum(int(line.split()[1]) << 10 for line in lines if line.startswith("RssAnon:"))
    return 0


def _ticks(pid: int) -> int:
    """Return the time of processors that a process and its ended children took (proc(5), fields 14 to 17 of stat)."""
    with contextlib.suppress(OSError, ValueError):
        return sum(int(each) for each in _stat(Path(f"/proc/{pid}"))[11:15])
    return -1


def _waits(pid: int) -> bool:
    """Return whether a process may wait for somebody else: for a processor, a disk, a network, or a child.

    What cannot be told counts, too.
    """
    try:
        threads = [Path(entry.path) for entry in os.scandir(f"/proc/{pid}/task")]
        states = {_stat(thread)[0] for thread in threads}
        children = "".join((thread / "children").read_text(encoding="ascii").strip() for thread in threads)
        links = [os.readlink(entry.path) for entry in os.scandir(f"/proc/{pid}/fd")]  # noqa: PTH115  called each second
    except (OSError, IndexError):
        return True
    return states != {"S"} or bool(children) or any(link.startswith("socket:") for link in links)


def _stat(folder: Path) -> list[str]:
    """Return the fields of a process or a thread behind its name (proc(5), stat): the first is its state."""
    return (folder / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
