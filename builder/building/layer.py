"""One layer, from recipe to zip: the sequence, read from top to bottom."""

import dataclasses
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from builder.base import cache_paths, caches, files, locks
from builder.base.emitter import Events
from builder.building import describing, idle, lacking, layer_cache, oversized, pinning
from builder.building.assembling import assemble
from builder.building.describing import CheckedZip
from builder.building.layer_tests import LayerTests
from builder.engine import client
from builder.layer import archive, bytecode, checks, manifest, provenance, sbom, slim
from builder.layer.interpreters import Interpreter
from builder.layer.store import Store
from builder.layer.tree import Tree
from builder.model.limits import MB, UNZIPPED_LIMIT
from builder.model.manifest import Manifest
from builder.model.recipes import Loaded
from builder.model.target import Target
from builder.packages import table
from builder.plan.mode import EngineOptions
from builder.plan.outlook import interpreter, without_bytecode
from builder.plan.plan import Plan
from builder.plan.planning import plan
from builder.smoke import record
from builder.smoke.record import ZipTrials

if TYPE_CHECKING:
    from builder.building.artifacts import Artifact


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """Options of a build, the same for all targets."""

    output: Path
    strict: bool = False
    rebuild: bool = False
    """Build layers that are up to date, too."""
    containers: EngineOptions = field(default_factory=EngineOptions)
    wheels_only: bool = False
    """Whether packages that would have to be compiled are an error."""
    test: str = "never"
    """`always`, `never`, or `auto`: run the tests if the build needs an engine anyway, or the engine has the image."""
    catch_up: bool = True
    """Whether `auto` tests zips, too, that are up to date and were never tested. Asking an engine takes time."""
    provenance: str | None = None
    """URI of the builder. If set, a provenance statement is written beside each zip."""
    derived: Path | None = None
    """Cache of compressed and stripped files; None for the cache of all builds."""


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


BESIDE = (".json", ".cdx.json", ".intoto.json", record.SUFFIX)
"""Suffixes of the files that a build writes beside a zip."""

# ---- building ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class _Job:
    """The build of one zip."""

    loaded: Loaded
    plan: Plan
    path: Path
    options: Options
    events: Events
    store: Store
    notes: list[str] = field(default_factory=list)
    """Warnings besides those of plan and checks."""

    def interpreter(self) -> Interpreter | None:
        """Return the interpreter for the bytecode: of the host, else of the engine. None if there is neither."""
        return interpreter(self.plan, self.options.containers)

    @property
    def tests(self) -> LayerTests:
        return LayerTests(
            loaded=self.loaded,
            target=self.plan.target,
            path=self.path,
            mode=self.options.test,
            catch_up=self.options.catch_up,
            containers=self.options.containers,
            events=self.events,
            notes=self.notes,
        )


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
    job = _Job(loaded=loaded, plan=planned, path=path, options=options, events=events, store=store)
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
        described, said = (current, job.tests.of_existing(current.zip.sha256)) if current else _make(job)
        if current is None:
            if said:
                job.tests.keep(said)
            layer_cache.upload(path, job.plan.digest)
        if options.provenance:  # for an existing zip, too: the statement names its current builder
            statement = manifest.text(provenance.statement(described, options.provenance))
            files.write_text(path.with_suffix(".intoto.json"), statement)
    return Built(
        target=target.name,
        path=path,
        manifest=described,
        seconds=time.monotonic() - started,
        unchanged=current is not None,
        notes=(*describing.notes(job.plan, described), *job.notes),
        tested=said,
    )


def _find(job: _Job) -> tuple[_Job, Manifest | None]:
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


def _make(job: _Job) -> tuple[Manifest, ZipTrials | None]:
    oversized.refuse_download(job.loaded, job.plan)
    artifacts = _compiled(job)
    with cache_paths.workspace() as work, job.store:
        job.events.begin("installing")
        full = assemble(job.loaded, job.plan, artifacts, work)
        if job.plan.system and (lacked := _lacking(job, full)):
            job = dataclasses.replace(job, plan=job.plan.with_libraries(lacked))
            artifacts = _compiled(job)
            (again := work / "with-libraries").mkdir()
            full = assemble(job.loaded, job.plan, artifacts, again)
        job.events.begin("slimming")
        idle.refuse_prune(job.loaded, full)
        rules = job.plan.slim
        slimmed = slim.slim(full, rules, table.leftovers(), work / "stripped" if rules.strip else None)
        job.events.begin("compiling bytecode")
        oversized.refuse(job.loaded, job.plan, slimmed.tree, strict=job.options.strict)
        final, left_out = _with_bytecode(slimmed.tree, job, work / "bytecode")
        if left_out:
            size = f"{left_out.files} files, {left_out.bytes / MB:.0f} MB"
            job.notes.append(f"{job.plan.target.name}: bytecode that would not fit is left out: {size}")
            slimmed = dataclasses.replace(slimmed, savings=(*slimmed.savings, left_out))
        return _finish(job, final, slimmed, artifacts)


def _compiled(job: _Job) -> "Mapping[str, Artifact]":
    if job.plan.container is None:
        return {}
    from builder.building import compiling

    folder, options = job.loaded.folder, job.options.containers
    return compiling.make(compiling.Work(container=job.plan.container, folder=folder, options=options), job.events)


def _lacking(job: _Job, content: Tree) -> tuple[str, ...]:
    """Return the libraries that packages of the system are to bring; none without an engine, which the checks tell."""
    sonames = lacking.sonames(content, job.plan.target)
    if not sonames and job.loaded.adhoc:
        lacking.tell_unused(job.plan, job.events)
    options = job.options.containers
    return sonames if sonames and client.present(options.kind, options.builder) else ()


def _finish(
    job: _Job, final: Tree, slimmed: slim.Slimmed, artifacts: "Mapping[str, Artifact]"
) -> tuple[Manifest, ZipTrials | None]:
    """Check, write and test the zip. It is moved to its final path only if nothing fails.

    Checks run while all cores compress. If they fail, writing stops at the next file.
    """
    job.events.begin("checking and compressing")
    total = final.unzipped_bytes or 1
    paths = [job.path, *(job.path.with_suffix(suffix) for suffix in (".cdx.json", ".json"))]
    pruned = slimmed.lazily if job.plan.slim.keep_imported else slimmed.pruned  # of which nothing else is imported
    with files.replacing_all(paths) as (part, bill, about), ThreadPoolExecutor(1) as aside:
        checking = aside.submit(_examine, job, final, pruned)

        def progress(done: int) -> None:
            job.events.progress(done, total, "bytes")
            if checking.done():
                _judge(checking.result()[1], job)

        written = archive.write(final, part, job.store, progress)
        subject, findings = checking.result()
        weighed = checks.run(checks.weighed(subject, written.bytes), job.plan.recipe.allow, only="size")
        findings = tuple(finding for finding in findings if finding.check != "size") + weighed
        _judge(findings, job)
        said = job.tests.of_new(part, written.sha256, compiled=bool(job.plan.container))
        job.events.begin("finishing")  # the last point at which an interrupt discards the zip
        checked = CheckedZip(written=written, subject=subject, findings=findings, savings=slimmed.savings)
        described = describing.describe(job.plan, artifacts, checked)
        bill.write_text(sbom.render(described), encoding="utf-8", newline="\n")
        about.write_text(manifest.render(described), encoding="utf-8", newline="\n")
    return described, said


def _examine(job: _Job, final: Tree, pruned: frozenset[str]) -> tuple[checks.Subject, tuple[checks.Finding, ...]]:
    target = job.plan.target
    subject = checks.examine(final, target.runtimes, target.architectures, packages=table.installed(final), own=True)
    recipe = job.plan.recipe
    subject = dataclasses.replace(
        subject, pruned=pruned, dlopened=recipe.libraries.dlopen, license=recipe.layer.license
    )
    return subject, checks.run(subject, job.plan.recipe.allow)


def _with_bytecode(content: Tree, job: _Job, scratch: Path) -> tuple[Tree, slim.Saving | None]:
    """Return the tree with bytecode, with `auto` without what would not fit, and what that is."""
    python = job.interpreter()
    if python is None:
        return content, None
    full = bytecode.add(content, python, job.store, scratch)
    return bytecode.fitting(full, UNZIPPED_LIMIT) if job.plan.slim.bytecode == "auto" else (full, None)


def _up_to_date(job: _Job) -> Manifest | None:
    """Return the manifest of the existing zip if it results from the same plan; None otherwise.

    Raises CheckFailedError if its findings are errors with these options.
    """
    existing = manifest.beside(job.path)
    if existing is None or existing.plan_digest != job.plan.digest or not job.path.is_file():
        return None
    if files.sha256(job.path) != existing.zip.sha256:
        return None
    _judge(describing.findings(existing), job)
    return existing


def _judge(findings: Sequence[checks.Finding], job: _Job) -> None:
    """Raise CheckFailedError if a finding is an error, or with `strict` a warning."""
    failed = checks.failures(findings, strict=job.options.strict)
    if failed:
        raise checks.failure(job.plan.target.name, failed)
