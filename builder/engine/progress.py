"""The progress of a build, parsed from BuildKit's events or from plain lines: steps, their output, the failed step."""

import json
import re
import threading
import time
from base64 import b64decode
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TextIO

from builder.base import foreign
from builder.base.emitter import Events
from builder.base.events import LogLine, Outcome

_STAGE = re.compile(r"^\[(?:[^\]]*\s)?(?P<stage>[A-Za-z0-9_.-]+)\s+\d+/\d+\]")
PLAIN = "plain"
"""Key of the last step of a client without events. If the build fails, it is the failed one."""
_TAIL = 400
"""Lines of output that are kept of each step, for error messages. The log file has all of them."""
_OTHER = 20
"""Lines that are kept of the client itself."""
_LONGEST = 1 << 16
"""Characters after which output without a line break counts as a line."""
_LINE = 4096
"""Characters that are kept of a line."""
_CANCELLED = "context canceled"
"""BuildKit's error of steps that it stops because another one failed."""


@dataclass(slots=True)
class BuildStep:
    """An instruction of the Dockerfile that was started."""

    name: str
    stage: str
    """Empty for steps of BuildKit itself."""
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=_TAIL))
    number: int = 0
    began: float | None = None
    """Monotonic time; None unless the step is running."""
    error: str | None = None
    rest: str = ""
    """Output after the last line break."""

    @property
    def offline(self) -> bool:
        """Whether the instruction runs without network."""
        return "--network=none" in self.name

    @property
    def cancelled(self) -> bool:
        return self.error is not None and _CANCELLED in self.error


class BuildProgress:
    """Tracks the steps of a build and emits their events; `log` receives all output. `mask` hides secrets in it."""

    def __init__(self, events: Events, log: TextIO, mask: Callable[[str], str] = str) -> None:
        self._events = events
        self._log = log
        self._mask = mask
        self._steps: dict[str, BuildStep] = {}
        self._begun = 0
        self._lock = threading.Lock()
        self.other: deque[str] = deque(maxlen=_OTHER)
        """The last lines of the client that belong to no step."""

    @property
    def failed(self) -> BuildStep | None:
        """The failed step; None if there is none. Steps that were cancelled because of it do not count."""
        failed = [step for step in self._steps.values() if step.error and not step.cancelled]
        return failed[0] if failed else self._steps.get(PLAIN)

    def event(self, event: dict[str, Any]) -> None:
        """Process an event of `--progress rawjson`."""
        for vertex in event.get("vertexes") or ():
            self._vertex(vertex)
        for line in event.get("logs") or ():
            step = self._steps.get(line.get("vertex", ""))
            if step:
                self._output(step, b64decode(line.get("data") or "").decode(errors="replace"))

    def note(self, line: str) -> None:
        """Keep a line of the client that belongs to no step."""
        self.other.append(self._mask(line.strip())[:_LINE])

    def line(self, text: str) -> None:
        """Process a line of a client without events. Safe for two threads: such a client writes to both streams."""
        with self._lock:
            self._plain(text)

    def _plain(self, line: str) -> None:
        text = self._mask(line)
        self._log.write(foreign.output(text) + "\n")
        if text.startswith(("STEP ", "[")):
            self._end(self._steps.get(PLAIN), "ok")
            self._steps[PLAIN] = step = BuildStep(name=text, stage=text[:60])
            self._begin(step)
        step = self._steps.setdefault(PLAIN, BuildStep(name="build", stage="build"))
        step.lines.append(text[:_LINE])
        self._events.log(step.stage, text)
        self.other.append(text[:_LINE])

    def close(self, *, succeeded: bool) -> None:
        """End the steps that are still running when the client has ended."""
        for step in self._steps.values():
            rest = self._mask(step.rest)
            self._log.write(foreign.output(rest))
            if rest.strip():  # without a check: what began must end, also when the build is stopped
                self._events.emit(LogLine(subject=self._events.subject, stage=step.stage, text=rest.rstrip()))
            self._end(step, "ok" if succeeded else "failed" if step is self.failed else "stopped")

    def _vertex(self, vertex: dict[str, Any]) -> None:
        name = str(vertex.get("name", ""))
        stage = _STAGE.match(name)
        step = self._steps.setdefault(vertex["digest"], BuildStep(name=name, stage=stage["stage"] if stage else ""))
        if vertex.get("started") and not vertex.get("completed"):
            self._log.write(f"==> {foreign.text(name)}\n")
            self._begin(step)
        if vertex.get("error") and not step.error:
            step.error = self._mask(str(vertex["error"]))
            self._log.write(f"!!! {foreign.text(step.error)}\n")
        if vertex.get("completed"):
            if vertex.get("cached"):
                self._begin(step)
            self._end(step, "stopped" if step.cancelled else "failed" if step.error else _quality(vertex))

    def _begin(self, step: BuildStep) -> None:
        if step.stage and step.began is None:
            self._begun += 1
            step.number, step.began = self._begun, time.monotonic()
            self._events.step(step.stage, step.number, step.name.partition("] ")[2] or step.name)

    def _end(self, step: BuildStep | None, outcome: Outcome) -> None:
        if step and step.began is not None:
            seconds, step.began = round(time.monotonic() - step.began, 3), None
            self._events.step_ended(step.stage, step.number, seconds, outcome)

    def _output(self, step: BuildStep, text: str) -> None:
        *lines, step.rest = (step.rest + text).replace("\r\n", "\n").replace("\r", "\n").split("\n")
        if len(step.rest) > _LONGEST:
            lines, step.rest = [*lines, step.rest], ""
        for line in lines:
            self._line(step, line)

    def _line(self, step: BuildStep, text: str) -> None:
        line = self._mask(text)
        self._log.write(foreign.output(line) + "\n")
        step.lines.append(line[:_LINE])
        if line.strip():
            self._events.log(step.stage, line.rstrip())


def _quality(vertex: dict[str, Any]) -> Outcome:
    return "cached" if vertex.get("cached") else "ok"


def read_events(chunks: Callable[[], bytes], progress: BuildProgress) -> None:
    """Read BuildKit's events until the end of the stream: JSON documents, mixed with lines of the client.

    `chunks` returns the next bytes, and none at the end.
    """
    decoder = json.JSONDecoder()
    buffer = ""
    pending = b""
    while chunk := chunks():
        pending += chunk
        text = pending.decode("utf-8", errors="ignore") if _is_complete(pending) else None
        if text is None:
            continue
        pending = b""
        buffer = _consume(decoder, buffer + text, progress)
    for line in (buffer + pending.decode("utf-8", errors="replace")).splitlines():
        if line.strip():
            progress.note(line)


def _is_complete(data: bytes) -> bool:
    """Return whether the bytes end at a boundary of a UTF-8 character."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start < len(data) - 4
    return True


def _consume(decoder: json.JSONDecoder, buffer: str, progress: BuildProgress) -> str:
    """Process all complete documents and lines of the buffer, and return the rest."""
    while True:
        buffer = buffer.lstrip()
        if buffer.startswith("{"):
            try:
                event, end = decoder.raw_decode(buffer)
            except ValueError:
                return buffer
            progress.event(event)
            buffer = buffer[end:]
        elif "\n" in buffer:
            line, _, buffer = buffer.partition("\n")
            progress.note(line)
        else:
            return buffer


def read_lines(stream: Any, progress: BuildProgress) -> None:  # noqa: ANN401
    """Read the output of a client without events until its end."""
    while line := stream.readline(_LONGEST):
        progress.line(line.decode(errors="replace").rstrip("\n"))
