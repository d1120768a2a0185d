"""One layer, from recipe to zip: the sequence, read from top to bottom."""

import dataclasses
import time
from pathlib import Path

from builder.base import cache_paths, caches, files, locks
from builder.base.emitter import Events
from builder.base.frozen import dataclass
from builder.building import layer_cache, pinning, remarks, zip_hashes
from builder.building.job import Job, Options
from builder.building.layer_tests import Lack
from builder.layer import findings, manifest, provenance
from builder.layer.store import Store
from builder.model.manifest import Manifest
from builder.model.recipes import Loaded
from builder.model.target import Target
from builder.plan.outlook import without_bytecode
from builder.plan.plan import Plan
from builder.plan.planning import plan
from builder.smoke import record
from builder.smoke.record import ZipTrials


@dataclass(frozen=True, kw_only=True, slots=True)
class Built:
    """The result of a build."""

    target: str
    path: Path
    manifest: Manifest
    seconds: float
    unchanged: bool
    notes: tuple[str, ...]
    tested: ZipTrials | None = None
    """What its tests said; None if they did not run."""
    lack: Lack | None = None
    """What the engine has not for its tests; None if it has all, is not there, or was not asked."""


BESIDE = (".json", ".cdx.json", ".intoto.json", record.SUFFIX)
"""Suffixes of the files that a build writes beside a zip."""

# ---- building ------------------------------------------------------------------------------------------------------


@caches.within_limit()
def build(loaded: Loaded, target: Target, options: Options, events: Events) -> Built:
    """Build one zip with its manifest, or return the existing zip if it is up to date.

    Raises CheckFailedError, SmokeFailedError or another LayerwrightError, and then leaves existing files unchanged.
    """
    started = time.monotonic()
    files.output(options.output)
    events.begin("planning")
    path = options.output / f"{target.name}.zip"
    store = Store(options.derived or cache_paths.folder("derived"))
    planned = plan(loaded, target, wheels_only=options.wheels_only)
    job = Job(loaded=loaded, plan=planned, path=path, options=options, events=events, store=store)
    with (
        files.enough_disk(),
        locks.exclusive(path, lambda: events.begin("waiting for another build of the same target"), BESIDE),
    ):
        manifest.at(path).read()  # refuse that of a newer layerwright before any work
        job, current = _find(job)
        for reason in _reasons(loaded, planned) if current is None else ():
            events.warn(reason)
        if current is None and pinning.pin_images(job.plan, options.containers, events):
            planned = plan(loaded, target, wheels_only=options.wheels_only)
            job, current = _find(dataclasses.replace(job, plan=planned))
        described, said = (current, job.tests.of_existing(current.zip.sha256)) if current else _made(job)
        if current is None:
            if said:
                job.tests.keep(said)
            layer_cache.upload(path, job.plan.digest)
        _state_builder(path, described, options.provenance)
    return Built(
        target=target.name,
        path=path,
        manifest=described,
        seconds=time.monotonic() - started,
        unchanged=current is not None,
        notes=(*remarks.notes(job.plan, described), *job.notes),
        tested=said,
        lack=job.lacks[-1] if job.lacks else None,
    )


def _state_builder(path: Path, described: Manifest, builder: str | None) -> None:
    """Write the provenance statement if one is asked for, of an existing zip, too: it names its current builder."""
    if builder:
        statement = manifest.text(provenance.statement(described, builder))
        files.write_text(path.with_suffix(".intoto.json"), statement)


def _find(job: Job) -> tuple[Job, Manifest | None]:
    """Return the manifest of a zip that is up to date, on disk or in the shared cache; None if it must be built.

    The returned job has a plan without bytecode if no interpreter can compile it.
    """
    options = job.options
    current = None if options.rebuild else _up_to_date(job)
    if current is None and job.plan.interpreter and job.interpreter() is None:
        job = dataclasses.replace(job, plan=without_bytecode(job.plan))
        current = None if options.rebuild else _up_to_date(job)
    if current or options.rebuild:
        return job, current
    return job, _up_to_date(job) if layer_cache.fetch(job.path, job.plan.digest) else None


def _reasons(loaded: Loaded, planned: Plan) -> tuple[str, ...]:
    """Return why a container is needed, before anything is pulled: a recipe asks for most of it itself."""
    return planned.reasons_for_container if loaded.adhoc else planned.reasons_to_compile


def _made(job: Job) -> tuple[Manifest, ZipTrials | None]:
    from builder.building import making  # much code, which is imported if there is something to make

    return making.make(job)


def _up_to_date(job: Job) -> Manifest | None:
    """Return the manifest of the existing zip if it results from the same plan; None otherwise.

    Raises CheckFailedError if its findings are errors with these options.
    """
    existing = manifest.beside(job.path)
    if existing is None or existing.plan_digest != job.plan.digest or not job.path.is_file():
        return None
    if zip_hashes.sha256(job.path, job.store) != existing.zip.sha256:
        return None
    findings.refuse(job.plan.target.name, remarks.findings(existing), strict=job.options.strict)
    return existing
