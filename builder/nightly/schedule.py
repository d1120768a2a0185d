"""Who builds what, and in which order: every machine has so many places, and what takes longest begins first."""

import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from builder import processes
from builder.engine.client import Engine
from builder.model.recipe import Build, Gem, Packages, Pip, Script
from builder.model.recipes import Loaded
from builder.model.target import Target
from builder.nightly.records import Record

HOST = "this host"
"""Where wheels and other prebuilt packages become layers: no engine is needed."""
UNSEEN = float("inf")
"""Seconds expected of what was never built: it may be long, so it begins early."""
_LOOK = 0.2
"""Seconds between looks: a wait without an end hears no Ctrl-C everywhere."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """A target that is to be built."""

    loaded: Loaded
    target: Target
    slot: str
    reasons: tuple[str, ...]
    inputs: Mapping[str, str]
    record: Record | None
    """What is known of it."""

    @property
    def expected(self) -> float:
        """Seconds that it took the last time, or UNSEEN."""
        return self.record.history[-1].seconds if self.record and self.record.history else UNSEEN

    @property
    def compiles(self) -> bool:
        """Tell whether it needs an engine, by the last build's plan, or else by the recipe's steps."""
        if self.record and self.record.manifest:
            return bool(self.record.manifest.get("build_image"))
        return any(
            isinstance(step, (Packages, Build, Script, Gem)) or (isinstance(step, Pip) and step.wheels == "never")
            for step in self.loaded.recipe.step
        )


def ordered(jobs: Iterable[Job]) -> list[Job]:
    """Put the longest first, so that no long one is left over at the end; equals by name."""
    return sorted(jobs, key=lambda job: (-job.expected, job.target.name))


def places_at(engine: Engine | None, jobs: int, compiles: int) -> dict[str, int]:
    """Return how many targets are built at once, by where: on this host, and on each node of the engine."""
    nodes = engine.nodes if engine else ()
    return {HOST: jobs, **{node.name: compiles for node in nodes}}


def place_of(job: Job, engine: Engine | None) -> str:
    """Return where a target is built: on a node of its architecture if there is one, else on one that emulates it."""
    if engine is None or not job.compiles:
        return HOST
    native = engine.native_node(job.target.arch)
    able = (node for node in engine.nodes if job.target.arch.docker in node.platforms)
    found = native or next(able, engine.nodes[0])
    return found.name


def default_jobs() -> int:
    return min(4, os.cpu_count() or 1)


class Stop(threading.Event):
    """Set when nothing new may begin and what runs should end at its next step."""


def run(
    queues: Mapping[str, Sequence[Job]],
    widths: Mapping[str, int],
    work: Callable[[Job, str], bool],
    stop: Stop,
    *,
    fail_fast: bool,
) -> None:
    """Work through the queues, each with its own number of places; `work` says whether it went well.

    An interrupt stops everything at once, and so does what nobody expected.
    """
    pools = {name: ThreadPoolExecutor(max(1, widths.get(name, 1))) for name, jobs in queues.items() if jobs}
    futures = {pools[name].submit(work, job, name) for name, jobs in queues.items() for job in jobs}
    try:
        _watch(futures, stop, fail_fast=fail_fast)
    except BaseException:
        stop.set()
        _cancel(futures)
        processes.kill_all()
        raise
    finally:
        for pool in pools.values():
            pool.shutdown(wait=True, cancel_futures=True)


def _watch(futures: set[Future[bool]], stop: Stop, *, fail_fast: bool) -> None:
    pending = futures
    while pending:
        done, pending = wait(pending, _LOOK, return_when=FIRST_COMPLETED)
        for future in done:
            if not future.cancelled() and not future.result() and fail_fast:
                stop.set()
                _cancel(pending)


def _cancel(futures: Iterable[Future[bool]]) -> None:
    for future in futures:
        future.cancel()
