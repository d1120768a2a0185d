"""The progress of a build, parsed from BuildKit's events or from plain lines: steps, their output, the failed step."""

import json
import re
from base64 import b64decode
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TextIO

_STAGE = re.compile(r"^\[(?:[^\]]*\s)?(?P<stage>[A-Za-z0-9_.-]+)\s+\d+/\d+\]")
PLAIN = "plain"
"""Key of the last step of a client without events. If the build fails, it is the failed one."""
_TAIL = 400
"""Lines of output that are kept of each step, for error messages. The log file has all of them."""


@dataclass(slots=True)
class BuildStep:
    """An instruction of the Dockerfile that was started."""

    name: str
    stage: str
    """Empty for steps of BuildKit itself."""
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=_TAIL))
    error: str | None = None
    rest: str = ""
    """Output after the last line break."""


class BuildProgress:
    """Tracks the steps of a build. `show` is called with a stage and its last line; `log` receives all output."""

    def __init__(self, show: Callable[[str, str], None], log: TextIO) -> None:
        self._show = show
        self._log = log
        self._steps: dict[str, BuildStep] = {}
        self.other: list[str] = []
        """Output of the client that belongs to no step."""

    @property
    def failed(self) -> BuildStep | None:
        """The failed step; None if there is none. Steps that were cancelled because of it do not count."""
        failed = [step for step in self._steps.values() if step.error and "context canceled" not in step.error]
        return failed[0] if failed else self._steps.get(PLAIN)

    def event(self, event: dict[str, Any]) -> None:
        """Process an event of `--progress rawjson`."""
        for vertex in event.get("vertexes") or ():
            self._vertex(vertex)
        for line in event.get("logs") or ():
            step = self._steps.get(line.get("vertex", ""))
            if step:
                self._output(step, b64decode(line.get("data") or "").decode(errors="replace"))

    def line(self, text: str) -> None:
        """Process a line of a client without events."""
        self._log.write(text + "\n")
        if text.startswith(("STEP ", "[")):
            self._steps[PLAIN] = BuildStep(name=text, stage=text[:60])
        step = self._steps.setdefault(PLAIN, BuildStep(name="build", stage="build"))
        step.lines.append(text)
        self._show(step.stage, text)
        self.other = [*self.other[-20:], text]

    def _vertex(self, vertex: dict[str, Any]) -> None:
        name = str(vertex.get("name", ""))
        stage = _STAGE.match(name)
        step = self._steps.setdefault(vertex["digest"], BuildStep(name=name, stage=stage["stage"] if stage else ""))
        if vertex.get("started") and not vertex.get("completed"):
            self._log.write(f"==> {name}\n")
            if step.stage:
                self._show(step.stage, "")
        if vertex.get("error") and not step.error:
            step.error = str(vertex["error"])
            self._log.write(f"!!! {step.error}\n")

    def _output(self, step: BuildStep, text: str) -> None:
        self._log.write(text)
        *lines, step.rest = (step.rest + text).replace("\r\n", "\n").replace("\r", "\n").split("\n")
        for line in lines:
            step.lines.append(line)
            if line.strip():
                self._show(step.stage, line.strip())


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
            progress.other.append(line.strip())


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
            progress.other.append(line.strip())
        else:
            return buffer


def read_lines(stream: Any, progress: BuildProgress) -> None:  # noqa: ANN401
    """Read the output of a client without events until its end."""
    for line in stream:
        progress.line(line.decode(errors="replace").rstrip("\n"))
