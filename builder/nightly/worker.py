"""One target of a run: built, retried while a service does not respond, and recorded whether it succeeded or not."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from builder.base import retries
from builder.base.errors import TRANSIENT, BuildError, EngineGoneError, LayerwrightError
from builder.base.retries import Backoff
from builder.building.compiling import log_file
from builder.building.layer import Built, Options, build
from builder.engine import client
from builder.layer import manifest, sizes
from builder.nightly.records import LastRun, Point, Record, ZipStamp, failure, now, with_point
from builder.nightly.schedule import Stop, Task
from builder.plan.mode import EngineOptions

Report = Callable[[str], None]
_FIRST, _LONGEST = 2.0, 60.0
"""Seconds of the first and the longest pause between attempts."""
_CHANGES = 40


@dataclass(frozen=True, kw_only=True, slots=True)
class Worker:
    """The engine that builds a target at first."""

    choice: EngineOptions
    lost: Callable[[], None]
    """Called when that engine does not respond any more; later attempts use any engine there is."""


class RunStoppedError(LayerwrightError):
    """The run is being stopped; nothing is wrong with the target."""


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


def build_target(task: Task, limits: Limits, report: Report, worker: Worker) -> Record:
    """Build one target and return its new record.

    Errors of the build are recorded. Raises RunStoppedError when the run is stopped.
    """
    started = time.monotonic()
    attempts = _RepeatedBuild(task, limits, _ending(report, limits, started), worker)
    before = task.record or _first_record(task)
    backoff = Backoff(first=_FIRST, longest=_LONGEST, total=limits.patience.seconds)
    try:
        built = retries.call(attempts.build, backoff, again=attempts.again, pause=attempts.pause)
    except RunStoppedError:
        raise
    except LayerwrightError as error:
        return _failed(task, before, limits, error, (attempts.count, time.monotonic() - started))
    limits.patience.reset()
    return _succeeded(task, before, limits, built, attempts.count)


class _RepeatedBuild:
    """The attempts to build one target."""

    def __init__(self, task: Task, limits: Limits, report: Report, worker: Worker) -> None:
        self._task, self._limits, self._report, self._worker = task, limits, report, worker
        self._choice = worker.choice
        self.count = 0

    def build(self) -> Built:
        self.count += 1
        options = replace(self._limits.options, containers=self._choice)
        return build(self._task.loaded, self._task.target, options, self._report)

    def again(self, error: BaseException) -> bool:
        return isinstance(error, TRANSIENT) and self._limits.patience.left()

    def pause(self, error: BaseException, seconds: float) -> None:
        """Wait before the next attempt, which takes any engine if this one was lost. Raises RunStoppedError."""
        self._report(f"{getattr(error, 'what', error)}; once more in {seconds:.0f} s")
        if self._limits.stop.wait(seconds):
            raise RunStoppedError(self._task.target.name) from error
        if isinstance(error, EngineGoneError):
            self._worker.lost()
            client.find.cache_clear()  # it may be back, or other nodes may do its work
            self._choice = self._limits.options.containers


def _ending(report: Report, limits: Limits, started: float) -> Report:
    """Return a report that ends the build when it is called after the time limit or after a stop.

    A build reports each of its steps, long ones several times, so this is checked often enough.
    """

    def checked(stage: str) -> None:
        if limits.stop.is_set():
            raise RunStoppedError(stage)
        if time.monotonic() - started > limits.limit:
            msg = f"it took longer than {limits.limit / 60:.0f} minutes"
            raise BuildError(msg, hint="--limit MINUTES allows more")
        report(stage)

    return checked


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


def _failed(task: Task, before: Record, limits: Limits, error: LayerwrightError, spent: tuple[int, float]) -> Record:
    """Return the record after a failure; `spent` are attempts and seconds."""
    attempts, seconds = spent
    log = log_file(task.target)
    current = str(log) in (error.hint or "")  # else it is the log of an earlier build
    last = LastRun(
        run=limits.run,
        at=now(),
        status="failed",
        reasons=task.reasons,
        seconds=round(seconds, 2),
        attempts=attempts,
        failure=failure(error, log if current else None),
    )
    return replace(before, **_described(task), tried=dict(task.inputs), last=last)


def _succeeded(task: Task, before: Record, limits: Limits, built: Built, attempts: int) -> Record:
    """Return the record after a build, or after finding that the zip on disk is already right."""
    described, digest = built.manifest, built.manifest.zip.sha256
    same = before.zip is not None and before.zip.sha256 == digest
    revision = before.revision if same else before.revision + 1
    last = LastRun(
        run=limits.run,
        at=now(),
        status="same" if same or built.unchanged else "built",
        reasons=task.reasons,
        seconds=round(built.seconds, 2),
        attempts=attempts,
    )
    tests = tuple(outcome.as_json() for outcome in built.tests or ())
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
