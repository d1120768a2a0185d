"""What a running build says, from BuildKit's events or from plain lines: steps, their output, what failed."""

import json
import re
from base64 import b64decode
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TextIO

_STAGE = re.compile(r"^\[(?:[^\]]*\s)?(?P<stage>[A-Za-z0-9_.-]+)\s+\d+/\d+\]")
PLAIN = "plain"
"""The step of a client without events: its last one, which is the one that broke."""
_TAIL = 400
"""Lines of each step that are remembered for the message; the log file has all of them."""


@dataclass(slots=True)
class BuildStep:
    """One instruction that runs or ran."""

    name: str
    stage: str
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=_TAIL))
    error: str | None = None
    rest: str = ""


class BuildProgress:
    """Follows a build. `show` gets the stage and its last line; `log` gets everything."""

    def __init__(self, show: Callable[[str, str], None], log: TextIO) -> None:
        self._show = show
        self._log = log
        self._steps: dict[str, BuildStep] = {}
        self.other: list[str] = []
        """What the client itself said, outside of any step."""

    @property
    def failed(self) -> BuildStep | None:
        """The step that broke; those that were only cancelled because of it do not count."""
        broken = [step for step in self._steps.values() if step.error and "context canceled" not in step.error]
        return broken[0] if broken else self._steps.get(PLAIN)

    def event(self, found: dict[str, Any]) -> None:
        """Take one event of `--progress rawjson`."""
        for vertex in found.get("vertexes") or ():
            self._vertex(vertex)
        for line in found.get("logs") or ():
            step = self._steps.get(line.get("vertex", ""))
            if step:
                self._output(step, b64decode(line.get("data") or "").decode(errors="replace"))

    def line(self, text: str) -> None:
        """Take one line of a client that has no events."""
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
        *whole, step.rest = (step.rest + text).replace("\r\n", "\n").replace("\r", "\n").split("\n")
        for line in whole:
            step.lines.append(line)
            if line.strip():
                self._show(step.stage, line.strip())


def read_events(chunks: Callable[[], bytes], progress: BuildProgress) -> None:
    """Read BuildKit's events to their end: JSON documents one after another, between them lines of the client."""
    decoder = json.JSONDecoder()
    buffer = ""
    pending = b""
    while chunk := chunks():
        pending += chunk
        text = pending.decode("utf-8", errors="ignore") if _ends_whole(pending) else None
        if text is None:
            continue
        pending = b""
        buffer = _consume(decoder, buffer + text, progress)
    for line in (buffer + pending.decode("utf-8", errors="replace")).splitlines():
        if line.strip():
            progress.other.append(line.strip())


def _ends_whole(data: bytes) -> bool:
    """Tell whether the bytes end between two characters."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start < len(data) - 4
    return True


def _consume(decoder: json.JSONDecoder, buffer: str, progress: BuildProgress) -> str:
    """Take all whole documents and lines from the buffer and return the rest."""
    while True:
        buffer = buffer.lstrip()
        if buffer.startswith("{"):
            try:
                found, end = decoder.raw_decode(buffer)
            except ValueError:
                return buffer
            progress.event(found)
            buffer = buffer[end:]
        elif "\n" in buffer:
            line, _, buffer = buffer.partition("\n")
            progress.other.append(line.strip())
        else:
            return buffer


def read_lines(stream: Any, progress: BuildProgress) -> None:  # noqa: ANN401
    """Read the output of a client that speaks in plain lines."""
    for line in stream:
        progress.line(line.decode(errors="replace").rstrip("\n"))
