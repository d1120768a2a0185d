"""The sequence of a nightly run: find the targets that are due, build them, record each result as it comes."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path
from typing import Literal

from builder.base import caches, files, locks, remote
from builder.base.emitter import Events
from builder.base.errors import BuildError, EngineGoneError, LayerwrightError, StoppedError
from builder.base.frozen import dataclass
from builder.building.job import Options
from builder.building.layer import BESIDE
from builder.engine import client, registry
from builder.engine.client import Engine
from builder.model import images
from builder.model.recipes import Loaded
from builder.model.target import Target
from builder.nightly import inputs, journal, records, scanning, schedule
from builder.nightly.journal import Run
from builder.nightly.planned import planned
from builder.nightly.records import Record
from builder.nightly.schedule import Machine, Machines, Stop, Task
from builder.nightly.untested import Untested
from builder.nightly.worker import Limits, Patience, Worker, build_target
from builder.plan.mode import EngineOptions

Pair = tuple[Loaded, Target]
FORCED = "--rebuild asks for it"


@dataclass(frozen=True, kw_only=True, slots=True)
class NightlyRequest:
    """The request for a run, as the command line gives it."""

    pairs: tuple[Pair, ...]
    build: Options
    broken: Mapping[str, LayerwrightError] = field(default_factory=dict)
    """Recipes that cannot be read."""
    jobs: int = 2
    """Targets at once on this host."""
    compiles: int | None = None
    """Targets at once on each node of the engine; None derives it from the node's processors and memory."""
    patience: float = 300.0
    """Seconds to wait for services that do not respond."""
    limit: float = 4 * 3600.0
    """Seconds for one target."""
    since: Literal["last-green", "last-run"] = "last-green"
    fail_fast: bool = False
    whole: bool = False
    """Whether `pairs` are all targets of all recipes: records of other targets are then put aside."""
    scan: str | None = None
    """Command line of a scanner for bills of materials."""
    resume: bool = False

    @property
    def inputs(self) -> dict[str, str]:
        """The options that decide results, and so are an input of every target."""
        build = self.build
        route = "wheels" if build.wheels_only else build.containers.mode
        return {"--route": route, "--strict": "yes" if build.strict else "no", "--test": build.test}


def run(options: NightlyRequest, events: Events) -> Run:
    """Do the work of a run and return it; failures of targets are in their records.

    Raises UsageError for a scanner that does not exist, NothingSelectedError when there is no run to resume.
    """
    output = options.build.output
    files.output(output)
    remote.validate()
    caches.limit()  # a mistake in it is an error now, not in the morning
    if options.scan:
        scanning.words_of(options.scan)  # a typing error is an error now, not in the morning
    slots = tuple(records.slot(target) for _, target in options.pairs)
    opened = journal.resuming(output) if options.resume else journal.beginning(output, options.inputs, slots)
    with opened as begun:
        started = time.monotonic()
        untested = Untested(options=options.build)
        current = replace(begun, broken={name: records.failure(error) for name, error in options.broken.items()})
        _sweep(options)
        if options.whole and (retired := records.retire(output, slots, current.broken)):
            events.warn(f"records of targets that no recipe has any more are put aside: {', '.join(sorted(retired))}")
        with events.stage("selecting targets"):
            tasks, states = _select(options, current, untested, events)
        states.update(_build(options, current, tasks, untested, events))
        current = replace(current, untested=untested.slots)
        if options.scan:
            present = [record for _, target in options.pairs if (record := records.of(output, target))]
            with events.stage("scanning"):
                scans = scanning.scan(options.scan, output, present, options.jobs)
            current = replace(current, scans=scans)
        ended = journal.closed(replace(current, states=states), time.monotonic() - started)
        journal.write(output, ended)
        return ended


def _sweep(options: NightlyRequest) -> None:
    """Remove the leftovers of killed builds, except of targets that another process builds at this moment."""
    output = options.build.output
    if not any(output.glob(".*.part")):
        return
    for _, target in options.pairs:
        path = output / f"{target.name}.zip"
        with locks.claimed(path) as mine:
            if mine:
                locks.sweep(path, BESIDE)


# ---- due targets ---------------------------------------------------------------------------------------------------


def _select(
    options: NightlyRequest, current: Run, untested: Untested, events: Events
) -> tuple[list[Task], dict[str, str]]:
    """Return the targets that are due, and the states of those that are not."""
    output = options.build.output
    before = {slot: records.of(output, target) for slot, target in _slots(options, current)}
    digests = _image_digests(options, before, events)
    tasks: list[Task] = []
    states: dict[str, str] = {}
    for loaded, target in options.pairs:
        slot = records.slot(target)
        if slot not in before:
            continue  # the run that is resumed is about other targets
        record = before[slot]
        if record and record.last and record.last.run == current.run:
            states[slot] = record.last.status  # done before the run was interrupted
            untested.note(record, target)
            continue
        compiled = schedule.compiles(loaded, record)
        now = inputs.of(loaded, target, options.inputs, digests, compiled=compiled)
        reasons = (FORCED,) if options.build.rebuild else due(record, now, (loaded, target), output)
        if not reasons and (reason := untested.reason(record, loaded, target)):
            reasons = (reason,)
        if not reasons:
            states[slot] = "unchanged"
            untested.note(record, target)
        elif options.since == "last-run" and _broken_before(record, now):
            states[slot] = "broken"
        else:
            task = Task(loaded=loaded, target=target, slot=slot, reasons=reasons, inputs=now, record=record)
            tasks.append(task)
    return tasks, states


def _slots(options: NightlyRequest, current: Run) -> list[tuple[str, Target]]:
    about = set(current.slots)
    return [(slot, target) for _, target in options.pairs if (slot := records.slot(target)) in about]


def due(record: Record | None, now: Mapping[str, str], pair: Pair, output: Path) -> tuple[str, ...]:
    """Return the reasons to build a target; empty when it is unchanged."""
    loaded, target = pair
    if record is None:
        return ("no run has built it before",)
    if record.zip is None:
        return ("it never succeeded",)
    reasons = list(_changed(record, now, pair))
    if record.last and record.last.status == "failed":
        reasons.append("it failed the last time")
    if damage := _damage(record, output / f"{target.name}.zip"):
        reasons.append(damage)
    if not reasons and inputs.unlocked(loaded):
        reasons.append("it has no lock, so the index decides its content")
    return tuple(reasons)


def _changed(record: Record, now: Mapping[str, str], pair: Pair) -> tuple[str, ...]:
    names = tuple(inputs.differing(record.inputs, now))
    if not names:
        return ()
    known = inputs.lock_changes(*pair, names, record.manifest.packages) if record.manifest else {}
    return inputs.reasons(record.inputs, now, known)


def _damage(record: Record, path: Path) -> str | None:
    """Return a reason if the zip on disk is missing or not the recorded one; with the same size and time it is."""
    if record.zip is None or not path.is_file() or not path.with_suffix(".json").is_file():
        return f"{path.name} does not exist"
    status = path.stat()
    if (status.st_size, status.st_mtime_ns) == (record.zip.bytes, record.zip.mtime_ns):
        return None
    if status.st_size == record.zip.bytes and files.sha256(path) == record.zip.sha256:
        return None
    return f"{path.name} is not the zip that was built"


def _broken_before(record: Record | None, now: Mapping[str, str]) -> bool:
    return bool(record and record.last and record.last.status == "failed" and record.tried == dict(now))


def _image_digests(options: NightlyRequest, before: Mapping[str, Record | None], events: Events) -> dict[str, str]:
    """Return the digest of each image: from its pin, else from the registry when a target is compiled in it."""
    pins = images.pinned()
    digests: dict[str, str] = {}
    unpinned: set[str] = set()
    for loaded, target in options.pairs:
        paths = inputs.image_paths(target)
        digests.update({path: pins[path] for path in paths if path in pins})
        if schedule.compiles(loaded, before.get(records.slot(target))):
            unpinned.update(path for path in paths if path not in pins)
    if unpinned:
        digests.update(_registry_digests(sorted(unpinned), events))
    return digests


def _registry_digests(paths: list[str], events: Events) -> dict[str, str]:
    digests, errors = registry.digests(paths)
    if errors:
        events.warn(f"changes of {len(errors)} unpinned images cannot be noticed, for example {errors[0].brief}")
    return digests


# ---- building ------------------------------------------------------------------------------------------------------


def _build(
    options: NightlyRequest, current: Run, tasks: Sequence[Task], untested: Untested, events: Events
) -> dict[str, str]:
    """Build the tasks and return the state of each by slot; tasks that a stop prevents have none."""
    engine = _engine(options, tasks)
    machines = Machines(engine, options.jobs, options.compiles or (client.capacity(engine) if engine else 1))
    events.emit(planned(tasks, len(options.pairs) - len(tasks), machines.slots(tasks)))
    stop = Stop()
    patience = Patience(options.patience)
    limits = Limits(options=options.build, run=current.run, patience=patience, limit=options.limit, stop=stop)
    states: dict[str, str] = {}

    def work(task: Task, machine: Machine) -> bool:
        if stop.is_set():
            return True
        worker = Worker(choice=_choice(options, engine, machine), lost=lambda: machines.lose(machine))
        try:
            with events.target(task.target.name, machine.name) as target:
                record = build_target(task, limits, target, worker)
                _save(options.build.output, record, target)
                _finish(record, target)
                untested.note(record, task.target)
        except StoppedError:
            return True
        states[task.slot] = record.last.status if record.last else "failed"
        return states[task.slot] != "failed"

    schedule.run(schedule.ordered(tasks), machines, work, stop, fail_fast=options.fail_fast)
    return states


def _finish(record: Record, events: Events) -> None:
    if last := record.last:
        events.finish(last.status, attempts=last.attempts, reason=last.failure.what if last.failure else "")


def _choice(options: NightlyRequest, engine: Engine | None, machine: Machine) -> EngineOptions:
    """Return the engine limited to one machine: nodes of a remote builder are addressed alone, so each has work."""
    choice = options.build.containers
    if engine is None or machine.node is None:
        return choice
    try:
        return replace(choice, builder=engine.builder_of(machine.node))
    except EngineGoneError:
        return choice


def _engine(options: NightlyRequest, tasks: Sequence[Task]) -> Engine | None:
    """Return the engine if a task needs one; when it is out of reach, each target reports so itself."""
    if not any(task.compiles for task in tasks):
        return None
    choice = options.build.containers
    return client.present(choice.kind, choice.builder)


def _save(output: Path, record: Record, events: Events) -> None:
    """Write a record. On a full disk the run goes on without it, and the next run builds that target again."""
    try:
        records.write(output, record)
    except (BuildError, OSError) as error:
        events.warn(f"{record.target}: its record cannot be written: {error}")
