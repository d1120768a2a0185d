"""Builds of many targets: concurrent, reported in order, and stopped cleanly."""

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from builder.base import caches, processes, remote
from builder.base.errors import LayerwrightError
from builder.base.talk import Talk
from builder.building.layer import Built, Options, build
from builder.building.verify import build_verified
from builder.model.recipes import Loaded
from builder.model.target import Target


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchOptions:
    """Options of a batch of builds."""

    talk: Talk
    jobs: int
    """Maximum number of concurrent builds."""
    keep_going: bool
    """Continue with the other targets after a failure."""
    verify: bool = False
    """Build each target twice from nothing and compare."""


class _BatchStoppedError(LayerwrightError):
    """The build was stopped because another one failed, or because of an interrupt."""


def build_all(
    pairs: Sequence[tuple[Loaded, Target]], options: Options, batch: BatchOptions
) -> tuple[list[Built], list[LayerwrightError]]:
    """Build targets; return the results, in the given order, and the errors."""
    remote.validate()
    caches.limit()
    stop = threading.Event()
    with batch.talk.working("starting") as show, batch.talk.group("layerwright build"):

        def build_one(pair: tuple[Loaded, Target]) -> Built:
            loaded, target = pair

            def report(stage: str) -> None:
                if stop.is_set():
                    raise _BatchStoppedError(target.name)
                show(f"{target.name}: {stage}")

            return (build_verified if batch.verify else build)(loaded, target, options, report)

        with ThreadPoolExecutor(min(batch.jobs, len(pairs))) as pool:
            futures = [pool.submit(build_one, pair) for pair in pairs]
            try:
                _watch(futures, stop, batch)
            except BaseException:
                stop.set()
                for future in futures:
                    future.cancel()
                processes.kill_all()
                raise
    return _results(futures)


def _watch(futures: Sequence[Future[Built]], stop: threading.Event, batch: BatchOptions) -> None:
    """Report each target when it completes. After a failure, start no further ones unless `keep_going` is set."""
    for future in processes.as_completed(futures):
        if future.cancelled():
            continue
        error = future.exception()
        if error is None:
            built = future.result()
            state = "unchanged" if built.unchanged else f"built in {built.seconds:.1f} s"
            batch.talk.note(f"{built.path}  {state}")
        elif not batch.keep_going:
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
            if not isinstance(error, _BatchStoppedError):
                errors.append(error)
        else:
            raise error
    return built, errors
