"""One target of a night: tried with patience, and written down whether it went well or not."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from builder.base.errors import TRANSIENT, BuildError, EngineGoneError, LayerwrightError
from builder.building.compiling import log_file
from builder.building.layer import Built, Options, build
from builder.engine import client
from builder.layer import manifest, sizes
from builder.nightly.records import Last, Point, Record, Zip, failure, now, with_point
from builder.nightly.schedule import Job, Stop
from builder.plan.mode import EngineOptions

Report = Callable[[str], None]
_FIRST, _LONGEST = 2.0, 60.0
"""Seconds of the first and the longest pause between tries."""
_CHANGES = 40


@dataclass(frozen=True, kw_only=True, slots=True)
class Bench:
    """Where a target is built at first."""

    choice: EngineOptions
    lost: Callable[[], None]
    """Told when the engine there went away; what follows is built wherever there is one."""


class StoppedError(LayerwrightError):
    """The night ends here, for no fault of the target."""


class Patience:
    """How long a night waits for what does not answer. While nothing succeeds, all targets wait at the same time."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._since: float | None = None
        self._lock = threading.Lock()

    def left(self) -> bool:
        """Tell, after a failure, whether it may be tried again."""
        with self._lock:
            self._since = self._since or time.monotonic()
            return time.monotonic() - self._since < self.seconds

    def rewarded(self) -> None:
        """Begin anew: something answered."""
        with self._lock:
            self._since = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """What a night allows its targets."""

    options: Options
    run: str
    patience: Patience
    """For networks and engines that do not answer."""
    limit: float
    """Seconds for one target, tries and pauses included."""
    stop: Stop


def worked(job: Job, terms: Terms, report: Report, bench: Bench) -> Record:
    """Build one target and return its new record; only StoppedError and what nobody expected come out of it."""
    started, tries = time.monotonic(), 0
    heard = _listening(report, terms, started)
    pauses = _pauses(terms.patience.seconds)
    before, choice = job.record or _fresh(job), bench.choice
    while True:
        tries += 1
        try:
            options = replace(terms.options, containers=choice)
            built = build(job.loaded, job.target, options, heard)
        except StoppedError:
            raise
        except LayerwrightError as error:
            passing = isinstance(error, TRANSIENT) and terms.patience.left()
            pause = next(pauses, None) if passing else None
            if pause is None:
                return _failed(job, before, terms, error, (tries, time.monotonic() - started))
            report(f"{error.what}; once more in {pause:.0f} s")
            if terms.stop.wait(pause):
                raise StoppedError(job.target.name) from error
            if isinstance(error, EngineGoneError):
                bench.lost()
                client.find.cache_clear()  # it may be back, or other nodes may do its work
                choice = terms.options.containers
        else:
            terms.patience.rewarded()
            return _recorded(job, before, terms, built, tries)


def _listening(report: Report, terms: Terms, started: float) -> Report:
    """Return a report that ends a build from inside: builds report each step, and many times in long ones."""

    def heard(stage: str) -> None:
        if terms.stop.is_set():
            raise StoppedError(stage)
        if time.monotonic() - started > terms.limit:
            msg = f"it took longer than {terms.limit / 60:.0f} minutes"
            raise BuildError(msg, hint="--limit MINUTES allows more")
        report(stage)

    return heard


def _pauses(patience: float) -> Iterator[float]:
    """Yield pauses that double and stay within the patience; a little chance keeps many from asking at once."""
    left, pause = patience, _FIRST
    while left > 0:
        taken = min(pause * random.uniform(0.8, 1.2), left)  # noqa: S311  nothing secret
        yield taken
        left -= taken
        pause = min(2 * pause, _LONGEST)


# ---- what is written down ------------------------------------------------------------------------------------------


def _fresh(job: Job) -> Record:
    return Record(slot=job.slot, **_named(job))


def _named(job: Job) -> dict[str, Any]:
    """Return what the recipe of today says of the target."""
    target = job.target
    return {
        "target": target.name,
        "recipe": job.loaded.name,
        "layer_version": target.version,
        "runtimes": tuple(own.name for own in target.runtimes),
        "architectures": tuple(arch.name for arch in target.architectures),
        "description": job.loaded.recipe.layer.description,
    }


def _failed(job: Job, before: Record, terms: Terms, error: LayerwrightError, spent: tuple[int, float]) -> Record:
    tries, seconds = spent
    log = log_file(job.target)
    own = str(log) in (error.hint or "")  # else it is the log of an earlier build
    last = Last(
        run=terms.run,
        at=now(),
        status="failed",
        reasons=job.reasons,
        seconds=round(seconds, 2),
        attempts=tries,
        failure=failure(error, log if own else None),
    )
    return replace(before, **_named(job), tried=dict(job.inputs), last=last)


def _recorded(job: Job, before: Record, terms: Terms, built: Built, tries: int) -> Record:
    described, digest = built.manifest, built.manifest.zip.sha256
    same = before.zip is not None and before.zip.sha256 == digest
    revision = before.revision if same else before.revision + 1
    last = Last(
        run=terms.run,
        at=now(),
        status="same" if same or built.unchanged else "built",
        reasons=job.reasons,
        seconds=round(built.seconds, 2),
        attempts=tries,
    )
    tests = tuple(one.as_json() for one in built.tests or ())
    record = replace(
        before,
        **_named(job),
        inputs=dict(job.inputs),
        tried=dict(job.inputs),
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
        run=terms.run,
        at=last.at,
        revision=revision,
        bytes=described.zip.bytes,
        unzipped_bytes=described.unzipped_bytes,
        seconds=last.seconds,
        cold_ms=_cold(tests),
    )
    return with_point(record, point)


def stamp(path: Path, digest: str) -> Zip:
    """Return how a zip looks from outside."""
    seen = path.stat()
    return Zip(sha256=digest, bytes=seen.st_size, mtime_ns=seen.st_mtime_ns)


def _cold(tests: tuple[dict[str, Any], ...]) -> float | None:
    """Return the slowest start among the tests; emulated ones say nothing."""
    return max((float(one["cold_ms"]) for one in tests if one["cold_ms"] and not one["emulated"]), default=None)
