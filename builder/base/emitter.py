"""Emitters of events: each is about one subject, so that code says only what happens: `events.begin("slimming")`."""

import contextlib
import dataclasses
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import field

from builder.base import events
from builder.base.errors import LayerwrightError, StoppedError
from builder.base.events import Event, Listener, Outcome
from builder.base.frozen import dataclass

Check = Callable[[], None]
_PERCENT = 100


@dataclasses.dataclass(slots=True)
class _SubjectState:
    """What is going on with a subject. It changes in one thread at a time: that of the work on the subject."""

    subject: str
    within: str = ""
    """The surrounding stage."""
    stage: str | None = None
    began: float = 0.0
    percent: int = -1
    """The last one that was emitted of the stage."""
    target_began: float | None = None
    """None for what is no target, and after its end."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Audience:
    """The listeners of a command, and the lock under which they are called."""

    listeners: tuple[Listener, ...]
    lock: threading.Lock = field(default_factory=threading.Lock)


class Events:
    """Emits events about a subject to listeners.

    Safe for several threads: the emitters that derive from one share its lock, so their events reach every listener one
    at a time and in the same order. An emitter may have a check, which is called before each stage, step, line and
    progress, and raises to stop the work: these are the points at which it can be stopped.
    """

    def __init__(
        self,
        *listeners: Listener,
        audience: _Audience | None = None,
        state: _SubjectState | None = None,
        check: Check | None = None,
    ) -> None:
        self._audience = audience or _Audience(listeners=listeners)
        self._state = state or _SubjectState(subject="")
        self._check = check

    @property
    def subject(self) -> str:
        return self._state.subject

    # ---- derived emitters ----

    def of(self, subject: str) -> "Events":
        """Return an emitter for another subject."""
        return Events(audience=self._audience, state=_SubjectState(subject=subject), check=self._check)

    def checked(self, check: Check) -> "Events":
        """Return an emitter for the same subject with one more check."""
        own = self._check

        def both() -> None:
            if own:
                own()
            check()

        return Events(audience=self._audience, state=self._state, check=both)

    def heard_by(self, listener: Listener) -> "Events":
        """Return an emitter for the same subject with one more listener."""
        audience = _Audience(listeners=(*self._audience.listeners, listener), lock=self._audience.lock)
        return Events(audience=audience, state=self._state, check=self._check)

    # ---- targets and stages ----

    @contextlib.contextmanager
    def target(self, name: str, where: str = "") -> Iterator["Events"]:
        """Begin a target and end it with the block, whatever happens in it. Yields the emitter for the target."""
        self._checkpoint()
        self.emit(events.TargetBegun(subject=name, where=where))
        state = _SubjectState(subject=name, target_began=time.monotonic())
        target = Events(audience=self._audience, state=state, check=self._check)
        outcome: str = "built"
        try:
            yield target
        except BaseException as error:
            outcome = self._outcome(error)
            raise
        finally:
            target.finish(outcome)

    def finish(self, outcome: str, *, path: str | None = None, attempts: int = 1, reason: str = "") -> None:
        """End the target; `outcome` is one of `TargetEnded`. Does nothing if it has ended."""
        state = self._state
        if state.target_began is None:
            return
        began, state.target_began = state.target_began, None
        self.end("failed" if outcome == "failed" else "stopped" if outcome == "stopped" else "ok")
        ended = events.TargetEnded(
            subject=state.subject,
            outcome=outcome,
            seconds=_since(began),
            path=path,
            attempts=attempts,
            reason=reason,
        )
        self.emit(ended)

    @contextlib.contextmanager
    def stage(self, name: str, detail: str = "") -> Iterator["Events"]:
        """Begin a stage and end it with the block. Yields an emitter for stages and events inside of it."""
        self._checkpoint()
        self.emit(events.StageBegun(subject=self.subject, stage=name, detail=detail))
        began = time.monotonic()
        inner = Events(
            audience=self._audience, state=_SubjectState(subject=self.subject, within=name), check=self._check
        )
        outcome: Outcome = "ok"
        try:
            yield inner
        except BaseException as error:
            outcome = self._outcome(error)
            raise
        finally:
            inner.end(outcome)
            self.emit(events.StageEnded(subject=self.subject, stage=name, seconds=_since(began), outcome=outcome))

    def begin(self, stage: str, detail: str = "") -> None:
        """End the current stage and begin the next. The last one ends with the surrounding stage or target."""
        self._checkpoint()
        self.end()
        state = self._state
        state.stage, state.began, state.percent = stage, time.monotonic(), -1
        self.emit(events.StageBegun(subject=state.subject, stage=stage, detail=detail))

    def end(self, outcome: Outcome = "ok") -> None:
        """End the current stage, if there is one."""
        state = self._state
        if state.stage is not None:
            stage, state.stage = state.stage, None
            self.emit(
                events.StageEnded(subject=state.subject, stage=stage, seconds=_since(state.began), outcome=outcome)
            )

    def progress(self, done: int, total: int, unit: str) -> None:
        """Report how much of the current stage is done. Listeners are told once for each per cent."""
        self._checkpoint()
        state = self._state
        stage = state.within if state.stage is None else state.stage
        percent = _PERCENT * done // (total or 1)
        if percent != state.percent:
            state.percent = percent
            self.emit(events.Progressed(subject=state.subject, stage=stage, done=done, total=total, unit=unit))

    # ---- steps in containers ----

    def log(self, stage: str, text: str) -> None:
        """Report a line of output."""
        self._checkpoint()
        self.emit(events.LogLine(subject=self.subject, stage=stage, text=text))

    def step(self, stage: str, step: int, instruction: str) -> None:
        """Report that an instruction begins."""
        self._checkpoint()
        self.emit(events.StepBegun(subject=self.subject, stage=stage, step=step, instruction=instruction))

    def step_ended(self, stage: str, step: int, seconds: float, outcome: Outcome) -> None:
        """Report that an instruction ended."""
        ended = events.StepEnded(subject=self.subject, stage=stage, step=step, seconds=seconds, outcome=outcome)
        self.emit(ended)

    # ---- what the user is told ----

    def note(self, text: str) -> None:
        """Tell a fact about the work."""
        self.emit(events.Noted(subject=self.subject, text=text))

    def result(self, text: str) -> None:
        """Tell a result."""
        self.emit(events.ResultTold(subject=self.subject, text=text))

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Tell a result of several rows."""
        self.emit(
            events.TableTold(subject=self.subject, columns=tuple(columns), rows=tuple(tuple(row) for row in rows))
        )

    def warn(self, text: str) -> None:
        """Tell a fact that the user should act on."""
        self.emit(events.Warned(subject=self.subject, text=text))

    def fail(self, error: LayerwrightError) -> None:
        """Tell an error that ends the work on the subject."""
        self.emit(
            events.Failed(
                subject=error.subject or self.subject,
                what=error.what,
                why=error.why,
                hint=error.hint,
                exit_code=error.exit_code,
                faults=error.faults,
            )
        )

    def _checkpoint(self) -> None:
        if self._check:
            self._check()

    def _outcome(self, error: BaseException) -> Outcome:
        """Return how work ended that raised an error: also `failed` processes were stopped if the work was."""
        if not isinstance(error, Exception) or isinstance(error, StoppedError):
            return "stopped"
        try:
            self._checkpoint()
        except StoppedError:
            return "stopped"
        except LayerwrightError:
            pass  # a limit of time, which is a failure
        return "failed"

    def emit(self, event: Event) -> None:
        """Emit an event of any kind, without a check."""
        audience = self._audience
        with audience.lock:
            for listener in audience.listeners:
                listener.receive(event)


def _since(moment: float) -> float:
    return round(time.monotonic() - moment, 3)
