"""Builds of many targets: concurrent, reported in order, and stopped cleanly."""

import gc
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from builder.base import caches, processes, remote
from builder.base.emitter import Events
from builder.base.errors import LayerwrightError, StoppedError
from builder.base.events import TargetsPlanned
from builder.base.frozen import dataclass
from builder.building.job import Options
from builder.building.layer import Built, build
from builder.model.recipes import Loaded
from builder.model.target import Target


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchOptions:
    """Options of a batch of builds."""

    jobs: int
    """Maximum number of concurrent builds."""
    keep_going: bool
    """Continue with the other targets after a failure."""
    verify: bool = False
    """Build each target twice from nothing and compare."""


def build_all(
    pairs: Sequence[tuple[Loaded, Target]], options: Options, batch: BatchOptions, events: Events
) -> tuple[list[Built], list[LayerwrightError]]:
    """Build targets; return the results, in the given order, and the errors, whose subject is their target."""
    gc.freeze()  # what has been imported stays, and is not searched for cycles again
    remote.validate()
    caches.limit()
    stop = threading.Event()
    checked = events.checked(lambda: _raise_if(stop))
    parallel = min(batch.jobs, len(pairs))
    events.emit(TargetsPlanned(targets={target.name: None for _, target in pairs}, parallel=parallel))
    futures: list[Future[Built]] = []
    with processes.pool(parallel) as pool:
        try:
            for loaded, target in pairs:
                futures.append(pool.submit(_build_one, loaded, target, options, batch, checked))
            _watch(futures, stop, batch)
        except BaseException:
            stop.set()
            for future in futures:
                future.cancel()
            processes.kill_all()
            raise
    return _results(futures)


def _raise_if(stop: threading.Event) -> None:
    if stop.is_set():
        msg = "the build was stopped"
        raise StoppedError(msg)


def _build_one(loaded: Loaded, target: Target, options: Options, batch: BatchOptions, events: Events) -> Built:
    with events.target(target.name) as inner:
        try:
            built = _build(batch)(loaded, target, options, inner)
        except LayerwrightError as error:
            error.subject = target.name
            raise
        inner.finish("unchanged" if built.unchanged else "built", path=str(built.path))
        return built


def _build(batch: BatchOptions) -> Callable[[Loaded, Target, Options, Events], Built]:
    if not batch.verify:
        return build
    from builder.building.verify import build_verified

    return build_verified


def _watch(futures: Sequence[Future[Built]], stop: threading.Event, batch: BatchOptions) -> None:
    """Wait for all targets. After a failure, start no further ones unless `keep_going` is set."""
    for future in processes.as_completed(futures):
        if not future.cancelled() and future.exception() is not None and not batch.keep_going:
            stop.set()
            for other in futures:
                other.cancel()


def _results(futures: Sequence[Future[Built]]) -> tuple[list[Built], list[LayerwrightError]]:
    """Split completed futures into results and errors. Other exceptions are raised."""
    built: list[Built] = []
    errors: list[LayerwrightError] = []
    for future in futures:
        if future.cancelled():
            continue
        error = future.exception()
        if error is None:
            built.append(future.result())
        elif isinstance(error, LayerwrightError):
            if not isinstance(error, StoppedError):
                errors.append(error)
        else:
            raise error
    return built, errors
