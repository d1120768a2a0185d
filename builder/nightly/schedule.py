"""Who builds what, and in which order: every machine has so many places, and what takes longest begins first."""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from builder.base import processes
from builder.engine.client import Engine
from builder.engine.nodes import Node
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
        return compiles(self.loaded, self.record)


def compiles(loaded: Loaded, record: Record | None) -> bool:
    """Tell whether a target needs an engine, by the last build's plan, or else by the recipe's steps."""
    if record and record.manifest:
        return record.manifest.build_image is not None
    return any(step.needs_engine for step in loaded.recipe.step)


def ordered(jobs: Iterable[Job]) -> list[Job]:
    """Put the longest first, so that no long one is left over at the end; equals by name."""
    return sorted(jobs, key=lambda job: (-job.expected, job.target.name))


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where targets are built: this host, or a node of the engine."""

    name: str
    width: int
    """Targets at once."""
    node: Node | None = None


class Places:
    """All places, and who may take what: a node of the target's own architecture, or else one that emulates it."""

    def __init__(self, engine: Engine | None, jobs: int, compiles: int) -> None:
        nodes = engine.nodes if engine else ()
        self.every = (
            Place(name=HOST, width=jobs),
            *(Place(name=node.name, width=compiles, node=node) for node in nodes),
        )
        self._lost: set[str] = set()

    def lose(self, place: Place) -> None:
        """Give nothing more to a node that went away, as long as others can do its work."""
        self._lost.add(place.name)

    def widths(self, jobs: Iterable[Job]) -> dict[str, int]:
        """Return how many targets are built at once where these jobs are going to be built."""
        used = {name for job in jobs for name in self.taken_by(job)}
        return {place.name: place.width for place in self.every if place.name in used}

    def taken_by(self, job: Job) -> set[str]:
        """Return the names of the places that may build a target now."""
        nodes = [place for place in self.every if place.node]
        if not job.compiles or not nodes:
            return {HOST}
        alive = [place for place in nodes if place.name not in self._lost] or nodes
        wanted = job.target.arch.docker
        native = {place.name for place in alive if place.node and place.node.native == wanted}
        able = {place.name for place in alive if place.node and wanted in place.node.platforms}
        return native or able or {alive[0].name}


class Stop(threading.Event):
    """Set when nothing new may begin and what runs should end at its next step."""


def run(
    jobs: Sequence[Job],
    places: Places,
    work: Callable[[Job, Place], bool],
    stop: Stop,
    *,
    fail_fast: bool,
) -> None:
    """Let each place take the first job that it may, until none is left; `work` says whether it went well.

    An interrupt stops everything at once, and so does what nobody expected.
    """
    left = list(jobs)
    lock = threading.Condition()

    def take(place: Place) -> Job | None:
        """Return the next job, or None at the end; while others have work left, it may become this place's."""
        with lock:
            while left and not stop.is_set():
                if found := next((job for job in left if place.name in places.taken_by(job)), None):
                    left.remove(found)
                    lock.notify_all()
                    return found
                lock.wait(_LOOK)
        return None

    def worker(place: Place) -> None:
        while job := take(place):
            if not work(job, place) and fail_fast:
                stop.set()

    workers = [place for place in places.every for _ in range(place.width)]
    with ThreadPoolExecutor(len(workers)) as pool:
        futures = {pool.submit(worker, place) for place in workers}
        try:
            for future in processes.as_completed(futures):
                future.result()  # raises what a worker raised
        except BaseException:
            stop.set()
            processes.kill_all()
            raise
