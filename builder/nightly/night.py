"""The sequence of a night: look at everything, build what is due, write down each result as it comes."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Protocol

from builder.base import caches, files, locks, remote
from builder.base.errors import BuildError, EngineError, EngineGoneError, LayerwrightError
from builder.building.layer import BESIDE, Options
from builder.engine import client, registry
from builder.engine.client import Engine
from builder.model import images
from builder.model.images import Image
from builder.model.recipes import Loaded
from builder.model.target import Target
from builder.nightly import inputs, journal, records, scanning, schedule
from builder.nightly.journal import Night
from builder.nightly.records import Record
from builder.nightly.schedule import Job, Place, Places, Stop
from builder.nightly.work import Bench, Patience, StoppedError, Terms, worked
from builder.plan.mode import EngineOptions

Pair = tuple[Loaded, Target]
FORCED = "--rebuild asks for it"


class Show(Protocol):
    """Who tells people what goes on."""

    def planned(self, jobs: Sequence[Job], unchanged: int, widths: Mapping[str, int]) -> None: ...
    def begins(self, job: Job, place: str) -> None: ...
    def stage(self, job: Job, text: str) -> None: ...
    def ends(self, job: Job, record: Record) -> None: ...
    def warn(self, text: str) -> None: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What the command line wants of a night."""

    pairs: tuple[Pair, ...]
    options: Options
    broken: Mapping[str, LayerwrightError] = field(default_factory=dict)
    """Recipes that cannot be read."""
    jobs: int = 2
    """Targets at once on this host."""
    compiles: int | None = None
    """Targets at once on each node of the engine; None asks it for its processors and memory."""
    patience: float = 300.0
    limit: float = 4 * 3600.0
    since: Literal["last-green", "last-run"] = "last-green"
    fail_fast: bool = False
    whole: bool = False
    """These are all targets of all recipes: what is known of others is history."""
    scan: str | None = None
    """Command line of a scanner for bills of materials."""
    resume: bool = False

    @property
    def told(self) -> dict[str, str]:
        """What of the options decides results: an input of every target."""
        own = self.options
        way = "wheels" if own.wheels_only else own.containers.mode
        return {"--route": way, "--strict": "yes" if own.strict else "no", "--test": own.test}


def run(wish: Wish, show: Show) -> Night:
    """Do the night's work and return it; what went wrong with targets stands in their records."""
    output = wish.options.output
    files.writable(output)
    remote.validate()
    room = caches.limit()
    if wish.scan:
        scanning.words_of(wish.scan)  # a typing error is told now, not in the morning
    slots = tuple(records.slot(target) for _, target in wish.pairs)
    opened = journal.resuming(output) if wish.resume else journal.beginning(output, wish.told, slots)
    with opened as begun:
        started = time.monotonic()
        night = replace(begun, broken={name: records.failure(error) for name, error in wish.broken.items()})
        _swept(wish)
        if wish.whole and (gone := records.retire(output, slots, night.broken)):
            show.warn(f"no recipe makes these any more, so their records are put aside: {', '.join(sorted(gone))}")
        jobs, states = _looked_at(wish, night, show)
        states.update(_built(wish, night, jobs, show))
        if wish.scan:
            known = [one for target in wish.pairs if (one := records.of(output, target[1]))]
            night = replace(night, scans=scanning.scan(wish.scan, output, known, wish.jobs))
        caches.prune(limit=room)
        for trouble in remote.warnings():
            show.warn(trouble)
        night = journal.closed(replace(night, states=states), time.monotonic() - started)
        journal.write(output, night)
        return night


def _swept(wish: Wish) -> None:
    """Remove what killed builds left of targets that nobody builds at this moment."""
    output = wish.options.output
    if not any(output.glob(".*.part")):
        return
    for _, target in wish.pairs:
        path = output / f"{target.name}.zip"
        with locks.claimed(path) as mine:
            if mine:
                locks.sweep(path, BESIDE)


# ---- what is due ---------------------------------------------------------------------------------------------------


def _looked_at(wish: Wish, night: Night, show: Show) -> tuple[list[Job], dict[str, str]]:
    """Return what is to be built, and the state of all that is not."""
    output = wish.options.output
    known = {slot: records.of(output, target) for slot, target in _slots(wish, night)}
    digests = _digests(wish, known, show)
    jobs: list[Job] = []
    states: dict[str, str] = {}
    for loaded, target in wish.pairs:
        slot = records.slot(target)
        if slot not in known:
            continue  # the night that goes on is about other targets
        record = known[slot]
        if record and record.last and record.last.run == night.run:
            states[slot] = record.last.status  # done before the night was stopped
            continue
        now = inputs.of(loaded, target, wish.told, digests)
        reasons = (FORCED,) if wish.options.rebuild else due(record, now, loaded, output / f"{target.name}.zip")
        if not reasons:
            states[slot] = "unchanged"
        elif wish.since == "last-run" and _broken_before(record, now):
            states[slot] = "broken"
        else:
            job = Job(loaded=loaded, target=target, slot=slot, reasons=reasons, inputs=now, record=record)
            jobs.append(job)
    return jobs, states


def _slots(wish: Wish, night: Night) -> list[tuple[str, Target]]:
    about = set(night.slots)
    return [(slot, target) for _, target in wish.pairs if (slot := records.slot(target)) in about]


def due(record: Record | None, now: Mapping[str, str], loaded: Loaded, zip_path: Path) -> tuple[str, ...]:
    """Return why a target must be built; empty when it need not."""
    if record is None:
        return ("no night has built it before",)
    if record.zip is None:
        return ("it never succeeded",)
    reasons = list(inputs.reasons(record.inputs, now))
    if record.last and record.last.status == "failed":
        reasons.append("it failed the last time")
    if damage := _damage(record, zip_path):
        reasons.append(damage)
    if not reasons and inputs.unlocked(loaded):
        reasons.append("it has no lock, so only the index knows what is in it today")
    return tuple(reasons)


def _damage(record: Record, path: Path) -> str | None:
    """Tell what is wrong with the zip that was left; a look from outside is enough if nobody touched it."""
    if record.zip is None or not path.is_file() or not path.with_suffix(".json").is_file():
        return f"{path.name} is not there"
    seen = path.stat()
    if (seen.st_size, seen.st_mtime_ns) == (record.zip.bytes, record.zip.mtime_ns):
        return None
    if seen.st_size == record.zip.bytes and files.sha256(path) == record.zip.sha256:
        return None
    return f"{path.name} is not what was built"


def _broken_before(record: Record | None, now: Mapping[str, str]) -> bool:
    return bool(record and record.last and record.last.status == "failed" and record.tried == dict(now))


def _digests(wish: Wish, known: Mapping[str, Record | None], show: Show) -> dict[str, str]:
    """Return the digest of each image: its pin, and of those that are not pinned but compiled in, the registry's."""
    pinned = images.pinned()
    digests: dict[str, str] = {}
    open_ones: set[str] = set()
    for loaded, target in wish.pairs:
        paths = inputs.image_paths(target)
        digests.update({path: pinned[path] for path in paths if path in pinned})
        if schedule.compiles(loaded, known.get(records.slot(target))):
            open_ones.update(path for path in paths if path not in pinned)
    if open_ones:
        digests.update(_asked(sorted(open_ones), wish, show))
    return digests


def _asked(paths: list[str], wish: Wish, show: Show) -> dict[str, str]:
    choice = wish.options.containers
    wanted = {f"{images.registry()}/{path}": path for path in paths}
    try:
        engine = choice.engine()
        found, errors = registry.digests(engine, [Image(name=name, digest=None) for name in wanted])
    except EngineError as error:
        show.warn(f"whether images changed cannot be asked: {error.what}")
        return {}
    if errors:
        show.warn(f"{len(errors)} of {len(wanted)} images are not pinned, and {errors[0].what}")
    return {wanted[name]: digest for name, digest in found.items()}


# ---- building ------------------------------------------------------------------------------------------------------


def _built(wish: Wish, night: Night, jobs: Sequence[Job], show: Show) -> dict[str, str]:
    engine = _engine(wish, jobs)
    places = Places(engine, wish.jobs, wish.compiles or (client.capacity(engine) if engine else 1))
    show.planned(jobs, len(wish.pairs) - len(jobs), places.widths(jobs))
    stop = Stop()
    terms = Terms(options=wish.options, run=night.run, patience=Patience(wish.patience), limit=wish.limit, stop=stop)
    states: dict[str, str] = {}

    def one(job: Job, place: Place) -> bool:
        if stop.is_set():
            return True
        show.begins(job, place.name)
        bench = Bench(choice=_choice(wish, engine, place), lost=lambda: places.lose(place))
        try:
            record = worked(job, terms, lambda text: show.stage(job, text), bench)
        except StoppedError:
            return True
        _kept(wish.options.output, record, show)
        states[job.slot] = record.last.status if record.last else "failed"
        show.ends(job, record)
        return states[job.slot] != "failed"

    schedule.run(schedule.ordered(jobs), places, one, stop, fail_fast=wish.fail_fast)
    return states


def _choice(wish: Wish, engine: Engine | None, place: Place) -> EngineOptions:
    """Return the engine as a place sees it: a node of a remote builder is addressed alone, so that all have work."""
    choice = wish.options.containers
    if engine is None or place.node is None:
        return choice
    try:
        return replace(choice, builder=engine.builder_of(place.node))
    except EngineGoneError:
        return choice


def _engine(wish: Wish, jobs: Sequence[Job]) -> Engine | None:
    """Return the engine if something needs one; when it is out of reach, each target tells so itself."""
    if not any(job.compiles for job in jobs):
        return None
    choice = wish.options.containers
    return client.present(choice.kind, choice.builder)


def _kept(output: Path, record: Record, show: Show) -> None:
    """Write a record; on a full disk the night goes on without it, and the next one builds that target again."""
    try:
        records.write(output, record)
    except (BuildError, OSError) as error:
        show.warn(f"{record.target}: its record cannot be kept: {error}")
