"""One target of a run: built, retried while a service does not respond, and recorded whether it succeeded or not."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from builder.base import retries
from builder.base.clock import now
from builder.base.emitter import Events
from builder.base.errors import TRANSIENT, BuildError, EngineGoneError, LayerwrightError, StoppedError
from builder.base.events import Event, StageEnded
from builder.base.frozen import dataclass
from builder.base.retries import Backoff
from builder.building.job import Options
from builder.building.layer import Built, build
from builder.engine import client
from builder.layer import manifest, sizes
from builder.nightly.records import LastRun, Point, Record, ZipStamp, failure, with_point
from builder.nightly.schedule import Stop, Task
from builder.plan.mode import EngineOptions

_FIRST, _LONGEST = 2.0, 60.0
"""Seconds of the first and the longest pause between attempts."""
_CHANGES = 40


@dataclass(frozen=True, kw_only=True, slots=True)
class Worker:
    """The engine that builds a target at first."""

    choice: EngineOptions
    lost: Callable[[], None]
    """Called when that engine does not respond any more; later attempts use any engine there is."""


class Patience:
    """The time that a run waits for services that do not respond. All targets wait at the same time.

    The clock starts with the first failure and is reset by each success. Safe for several threads.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._since: float | None = None
        self._lock = threading.Lock()

    def left(self) -> bool:
        """Tell, after a failure, whether another attempt is allowed."""
        with self._lock:
            self._since = self._since or time.monotonic()
            return time.monotonic() - self._since < self.seconds

    def reset(self) -> None:
        """Start anew after a success."""
        with self._lock:
            self._since = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How a run builds its targets, and how long."""

    options: Options
    run: str
    """Number of the run."""
    patience: Patience
    limit: float
    """Seconds for one target, attempts and pauses included."""
    stop: Stop


def build_target(task: Task, limits: Limits, events: Events, worker: Worker) -> Record:
    """Build one target and return its new record.

    Errors of the build are recorded. Raises StoppedError when the run is stopped.
    """
    started, times = time.monotonic(), StageTimes()
    heard = events.heard_by(times)
    attempts = _RepeatedBuild(task, limits, heard.checked(lambda: _raise_if_over(limits, started)), worker)
    before = task.record or _first_record(task)
    backoff = Backoff(first=_FIRST, longest=_LONGEST, total=limits.patience.seconds)
    try:
        built = retries.call(attempts.build, backoff, again=attempts.again, pause=attempts.pause)
    except StoppedError:
        raise
    except LayerwrightError as error:
        heard.end("failed")
        spent = _Spent(attempts=attempts.count, seconds=time.monotonic() - started, stages=times.seconds)
        return _failed(task, before, limits, error, spent)
    heard.end()
    limits.patience.reset()
    spent = _Spent(attempts=attempts.count, seconds=built.seconds, stages=times.seconds)
    return _succeeded(task, before, limits, built, spent)


class _RepeatedBuild:
    """The attempts to build one target."""

    def __init__(self, task: Task, limits: Limits, events: Events, worker: Worker) -> None:
        self._task, self._limits, self._events, self._worker = task, limits, events, worker
        self._choice = worker.choice
        self.count = 0

    def build(self) -> Built:
        self.count += 1
        options = replace(self._limits.options, containers=self._choice)
        return build(self._task.loaded, self._task.target, options, self._events)

    def again(self, error: BaseException) -> bool:
        return isinstance(error, TRANSIENT) and self._limits.patience.left()

    def pause(self, error: BaseException, seconds: float) -> None:
        """Wait before the next attempt, which takes any engine if this one was lost. Raises StoppedError."""
        self._events.end("failed")
        self._events.begin("waiting", f"{getattr(error, 'what', error)}; once more in {seconds:.0f} s")
        if self._limits.stop.wait(seconds):
            raise StoppedError(self._task.target.name) from error
        if isinstance(error, EngineGoneError):
            self._worker.lost()
            client.find.cache_clear()  # it may be back, or other nodes may do its work
            self._choice = self._limits.options.containers


def _raise_if_over(limits: Limits, started: float) -> None:
    """End a build after the time limit or after a stop. Builds emit events often enough for this to be their check."""
    if limits.stop.is_set():
        msg = "the run was stopped"
        raise StoppedError(msg)
    if time.monotonic() - started > limits.limit:
        msg = f"it took longer than {limits.limit / 60:.0f} minutes"
        raise BuildError(msg, hint="--limit MINUTES allows more")


class StageTimes:
    """Listens to the events of one target and adds up the seconds of each stage."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}

    def receive(self, event: Event) -> None:
        if isinstance(event, StageEnded):
            self._seconds[event.stage] = self._seconds.get(event.stage, 0.0) + event.seconds

    @property
    def seconds(self) -> dict[str, float]:
        return {stage: round(seconds, 2) for stage, seconds in self._seconds.items()}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Spent:
    """The time that a target took."""

    attempts: int
    seconds: float
    stages: Mapping[str, float]


# ---- records -------------------------------------------------------------------------------------------------------


def _first_record(task: Task) -> Record:
    return Record(slot=task.slot, **_described(task))


def _described(task: Task) -> dict[str, Any]:
    """Return the fields of a record that come from the recipe as it is today."""
    target = task.target
    return {
        "target": target.name,
        "recipe": task.loaded.name,
        "layer_version": target.version,
        "runtimes": tuple(runtime.name for runtime in target.runtimes),
        "architectures": tuple(arch.name for arch in target.architectures),
        "description": task.loaded.recipe.layer.description,
    }


def _failed(task: Task, before: Record, limits: Limits, error: LayerwrightError, spent: _Spent) -> Record:
    """Return the record after a failure."""
    last = LastRun(
        run=limits.run,
        at=now(),
        status="failed",
        reasons=task.reasons,
        seconds=round(spent.seconds, 2),
        stages=dict(spent.stages),
        attempts=spent.attempts,
        failure=failure(error),
    )
    return replace(before, **_described(task), tried=dict(task.inputs), last=last)


def _succeeded(task: Task, before: Record, limits: Limits, built: Built, spent: _Spent) -> Record:
    """Return the record after a build, or after finding that the zip on disk is already right."""
    described, digest = built.manifest, built.manifest.zip.sha256
    same = before.zip is not None and before.zip.sha256 == digest
    revision = before.revision if same else before.revision + 1
    last = LastRun(
        run=limits.run,
        at=now(),
        status="same" if same or built.unchanged else "built",
        reasons=task.reasons,
        seconds=round(spent.seconds, 2),
        stages=dict(spent.stages),
        attempts=spent.attempts,
    )
    tests = tuple(outcome.as_json() for outcome in (built.tested.results if built.tested else ()))
    record = replace(
        before,
        **_described(task),
        inputs=dict(task.inputs),
        tried=dict(task.inputs),
        zip=stamp(built.path, digest),
        revision=revision,
        last=last,
        manifest=described,
        content=tuple(sizes.content(built.path)),
        changes=before.changes if same else tuple(manifest.changes(before.manifest, described)[:_CHANGES]),
        tests=tests or (before.tests if same else ()),
    )
    if built.unchanged and before.history:
        return record  # nothing was measured
    point = Point(
        run=limits.run,
        at=last.at,
        revision=revision,
        bytes=described.zip.bytes,
        unzipped_bytes=described.unzipped_bytes,
        seconds=last.seconds,
        cold_ms=_cold(tests),
    )
    return with_point(record, point)


def stamp(path: Path, digest: str) -> ZipStamp:
    """Return a zip's digest with its size and time of modification."""
    status = path.stat()
    return ZipStamp(sha256=digest, bytes=status.st_size, mtime_ns=status.st_mtime_ns)


def _cold(tests: tuple[dict[str, Any], ...]) -> float | None:
    """Return the slowest start among the tests in milliseconds; emulated ones do not count."""
    return max((float(test["cold_ms"]) for test in tests if test["cold_ms"] and not test["emulated"]), default=None)
