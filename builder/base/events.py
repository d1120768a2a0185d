"""The progress of a command, as values. Rooms emit them through `builder.base.emitter`; listeners in `cli/` show them.

A new kind of event is a subclass of `Event`, in the room that emits it. An event has its own words, so views need no
change for it.
"""

from collections.abc import Mapping
from dataclasses import field
from enum import IntEnum
from typing import ClassVar, Literal, Protocol

from builder.base.errors import Fault
from builder.base.frozen import dataclass

Outcome = Literal["ok", "cached", "failed", "stopped"]
"""How a stage or a step ended. `stopped`: another target failed, or the command was interrupted."""
_STEP_WIDTH = 120


class Level(IntEnum):
    """How much an event matters, in ascending order."""

    LOG = 0
    PHASE = 1
    NOTE = 2
    RESULT = 3
    WARNING = 4
    ERROR = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """Something that happened to a subject."""

    kind: ClassVar[str]
    """Name of the kind for programs; it never changes."""
    level: ClassVar[Level] = Level.PHASE
    subject: str = ""
    """The target, recipe or region; empty for the command as a whole."""

    @property
    def words(self) -> str:
        """The event in English, without its subject; empty if a log need not mention it."""
        return ""


class Listener(Protocol):
    """Receives events: from several threads, but never two at the same time, so that it needs no lock for them."""

    def receive(self, event: Event) -> None:
        """Take note of an event. It must not take long: the work that emitted the event waits."""


# ---- the course of the work ------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetsPlanned(Event):
    """The targets are known that are going to be built."""

    kind: ClassVar[str] = "targets_planned"
    level: ClassVar[Level] = Level.NOTE
    targets: Mapping[str, float | None]
    """Expected seconds of each; None if unknown."""
    parallel: int
    """Targets that are built at the same time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetBegun(Event):
    """The work on the subject begins."""

    kind: ClassVar[str] = "target_begun"
    where: str = ""
    """The host or the node of the engine, if there are several."""

    @property
    def words(self) -> str:
        return f"begins on {self.where}" if self.where else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetEnded(Event):
    """The work on the subject ended."""

    kind: ClassVar[str] = "target_ended"
    level: ClassVar[Level] = Level.NOTE
    outcome: str
    """built, same, unchanged, failed or stopped."""
    seconds: float
    path: str | None = None
    """The zip, if there is one."""
    attempts: int = 1
    reason: str = ""
    """Why it failed, on one line; empty if the error follows as an event of its own."""

    @property
    def words(self) -> str:
        if self.path:
            return f"{self.path}  {self.outcome}" + ("" if self.outcome == "unchanged" else f" in {self.seconds:.1f} s")
        attempts = f", {self.attempts} attempts" if self.attempts > 1 else ""
        return f"{self.outcome} {self.subject} ({self.seconds:.1f} s{attempts})" + (self.reason and f": {self.reason}")


@dataclass(frozen=True, kw_only=True, slots=True)
class StageBegun(Event):
    """A stage of the work on the subject begins. Stages of one subject nest; they do not overlap."""

    kind: ClassVar[str] = "stage_begun"
    stage: str
    detail: str = ""

    @property
    def words(self) -> str:
        return f"{self.stage} ({self.detail})" if self.detail else self.stage


@dataclass(frozen=True, kw_only=True, slots=True)
class StageEnded(Event):
    """A stage ended; the innermost one that was begun."""

    kind: ClassVar[str] = "stage_ended"
    stage: str
    seconds: float
    outcome: Outcome

    @property
    def words(self) -> str:
        return _ended(self.stage, self.seconds, self.outcome)


@dataclass(frozen=True, kw_only=True, slots=True)
class StepBegun(Event):
    """An instruction in a container begins. Several may run at the same time, also of one stage."""

    kind: ClassVar[str] = "step_begun"
    stage: str
    """The stage of the Dockerfile, for example `step-01`."""
    step: int
    """Number of the step in its build, which its end repeats."""
    instruction: str

    @property
    def words(self) -> str:
        return f"{self.stage}: {self.instruction[:_STEP_WIDTH]}"


@dataclass(frozen=True, kw_only=True, slots=True)
class StepEnded(Event):
    """An instruction in a container ended."""

    kind: ClassVar[str] = "step_ended"
    stage: str
    step: int
    seconds: float
    outcome: Outcome

    @property
    def words(self) -> str:
        return _ended(self.stage, self.seconds, self.outcome)


@dataclass(frozen=True, kw_only=True, slots=True)
class LogLine(Event):
    """A line of output of a step, as the step wrote it: it may contain control characters."""

    kind: ClassVar[str] = "log_line"
    level: ClassVar[Level] = Level.LOG
    stage: str
    text: str

    @property
    def words(self) -> str:
        return f"{self.stage} | {self.text}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Progressed(Event):
    """A part of the current stage is done."""

    kind: ClassVar[str] = "progressed"
    level: ClassVar[Level] = Level.LOG
    stage: str
    done: int
    total: int
    unit: str


# ---- what the user is told -------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Noted(Event):
    """A fact about the work."""

    kind: ClassVar[str] = "noted"
    level: ClassVar[Level] = Level.NOTE
    text: str

    @property
    def words(self) -> str:
        return self.text


@dataclass(frozen=True, kw_only=True, slots=True)
class ResultTold(Event):
    """A result of the command."""

    kind: ClassVar[str] = "result_told"
    level: ClassVar[Level] = Level.RESULT
    text: str

    @property
    def words(self) -> str:
        return self.text


@dataclass(frozen=True, kw_only=True, slots=True)
class TableTold(Event):
    """A result of several rows. It is data: views of text print it to stdout."""

    kind: ClassVar[str] = "table_told"
    level: ClassVar[Level] = Level.RESULT
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Warned(Event):
    """A fact that the user should act on."""

    kind: ClassVar[str] = "warned"
    level: ClassVar[Level] = Level.WARNING
    text: str

    @property
    def words(self) -> str:
        return self.text


@dataclass(frozen=True, kw_only=True, slots=True)
class Failed(Event):
    """An error, in the parts of a LayerwrightError."""

    kind: ClassVar[str] = "failed"
    level: ClassVar[Level] = Level.ERROR
    what: str
    why: tuple[str, ...] = ()
    hint: str | None = None
    exit_code: int = 1
    faults: tuple[Fault, ...] = ()
    """The mistakes in files that it is about; `why` has them as text."""

    @property
    def words(self) -> str:
        return self.what


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandEnded(Event):
    """The last event of every command."""

    kind: ClassVar[str] = "command_ended"
    exit_code: int
    seconds: float = field(compare=False)


def _ended(name: str, seconds: float, outcome: Outcome) -> str:
    return f"{name} {'ended' if outcome == 'ok' else outcome} after {seconds:.1f} s"
