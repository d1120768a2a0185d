"""The order of builds and the machine of each: the longest first, each machine as many at once as it has slots."""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future

from builder.base import processes
from builder.base.frozen import dataclass
from builder.engine.client import Engine
from builder.engine.nodes import Node
from builder.model.recipes import Loaded
from builder.model.target import Target
from builder.nightly.records import Record

HOST = "this host"
"""The machine for wheels and other prebuilt packages: they need no engine."""
UNSEEN = float("inf")
"""Seconds expected of a target that was never built: it may take long, so it begins early."""
_LOOK = 0.2
"""Seconds between looks: on some systems a wait without an end ignores Ctrl-C."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """A target that is due."""

    loaded: Loaded
    target: Target
    slot: str
    """The target without its version: the name of its record."""
    reasons: tuple[str, ...]
    inputs: Mapping[str, str]
    record: Record | None
    """None when the target was never built."""

    @property
    def expected(self) -> float:
        """Seconds of the last build, or UNSEEN."""
        return self.record.history[-1].seconds if self.record and self.record.history else UNSEEN

    @property
    def compiles(self) -> bool:
        return compiles(self.loaded, self.record)


def compiles(loaded: Loaded, record: Record | None) -> bool:
    """Tell whether a target needs an engine: from the manifest of its last build, else from the recipe's steps."""
    if record and record.manifest:
        return record.manifest.build_image is not None
    return any(step.needs_engine for step in loaded.recipe.step)


def ordered(tasks: Iterable[Task]) -> list[Task]:
    """Sort by expected time, the longest first, so that no long build is left over at the end; equals by name."""
    return sorted(tasks, key=lambda task: (-task.expected, task.target.name))


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """Where targets are built: this host, or a node of the engine."""

    name: str
    slots: int
    """Number of targets that are built there at the same time."""
    node: Node | None = None
    """None for this host."""


class Machines:
    """All machines, and which of them may build a target: nodes of its own architecture before those that emulate."""

    def __init__(self, engine: Engine | None, jobs: int, compiles: int) -> None:
        nodes = engine.nodes if engine else ()
        self.every = (
            Machine(name=HOST, slots=jobs),
            *(Machine(name=node.name, slots=compiles, node=node) for node in nodes),
        )
        self._lost: set[str] = set()

    def lose(self, machine: Machine) -> None:
        """Give no more tasks to a node that does not respond, as long as other nodes can take them."""
        self._lost.add(machine.name)

    def slots(self, tasks: Iterable[Task]) -> dict[str, int]:
        """Return the slots of each machine that may get one of these tasks, by the machine's name."""
        used = {name for task in tasks for name in self.able(task)}
        return {machine.name: machine.slots for machine in self.every if machine.name in used}

    def able(self, task: Task) -> set[str]:
        """Return the names of the machines that may build a target now."""
        nodes = [machine for machine in self.every if machine.node]
        if not task.compiles or not nodes:
            return {HOST}
        alive = [machine for machine in nodes if machine.name not in self._lost] or nodes
        platform = task.target.arch.docker
        native = {machine.name for machine in alive if machine.node and machine.node.native == platform}
        emulating = {machine.name for machine in alive if machine.node and platform in machine.node.platforms}
        return native or emulating or {alive[0].name}


class Stop(threading.Event):
    """Set when no new build may begin and running builds end at their next step."""


class _Queue:
    """The tasks that no slot has taken yet."""

    def __init__(self, tasks: Sequence[Task], machines: Machines, stop: Stop) -> None:
        self._left = list(tasks)
        self._machines, self._stop = machines, stop
        self._lock = threading.Condition()

    def take(self, machine: Machine) -> Task | None:
        """Return the next task, or None at the end. A task of another machine may become this one's, so wait."""
        with self._lock:
            while self._left and not self._stop.is_set():
                if task := next((task for task in self._left if machine.name in self._machines.able(task)), None):
                    self._left.remove(task)
                    self._lock.notify_all()
                    return task
                self._lock.wait(_LOOK)
        return None


def run(
    tasks: Sequence[Task],
    machines: Machines,
    work: Callable[[Task, Machine], bool],
    stop: Stop,
    *,
    fail_fast: bool,
) -> None:
    """Give each free slot the first task that its machine may take, until none is left.

    `work` builds one task and returns whether it succeeded. An interrupt, or an exception from `work`, kills all
    processes and is raised again.
    """
    queue = _Queue(tasks, machines, stop)

    def fill_slot(machine: Machine) -> None:
        while task := queue.take(machine):
            if not work(task, machine) and fail_fast:
                stop.set()

    slots = [machine for machine in machines.every for _ in range(machine.slots)]
    futures: set[Future[None]] = set()
    with processes.pool(len(slots)) as pool:
        try:
            for machine in slots:
                futures.add(pool.submit(fill_slot, machine))
            for future in processes.as_completed(futures):
                future.result()  # raises what the slot's thread raised
        except BaseException:
            stop.set()
            processes.kill_all()
            raise
