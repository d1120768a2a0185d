"""One layer, from recipe to zip: the sequence, read from top to bottom."""

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from builder.base import cache_paths, files, locks
from builder.base.errors import EngineError
from builder.building import compiling, describing, layer_cache, tested
from builder.building.artifacts import Artifact
from builder.building.assembling import assemble
from builder.building.describing import CheckedZip
from builder.engine import client, containers
from builder.engine.failure import NoImageError
from builder.layer import archive, bytecode, checks, manifest, provenance, sbom, slim
from builder.layer.interpreters import Interpreter
from builder.layer.store import Store
from builder.layer.tree import Tree
from builder.model.images import run_image
from builder.model.manifest import Manifest
from builder.model.recipes import Loaded
from builder.model.target import Target
from builder.packages import table
from builder.plan.mode import EngineOptions
from builder.plan.outlook import interpreter, without_bytecode
from builder.plan.plan import Plan
from builder.plan.planning import plan
from builder.smoke import run
from builder.smoke.run import SmokeResult

Report = Callable[[str], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What the command line decides for all targets of a call."""

    output: Path
    strict: bool = False
    rebuild: bool = False
    """Build even what is there already."""
    containers: EngineOptions = field(default_factory=EngineOptions)
    wheels_only: bool = False
    """Compile nothing."""
    test: str = "never"
    """`always`, `never`, or `auto`: run the layer's tests where an engine was needed anyway, or has the image."""
    provenance: str | None = None
    """URI of who builds: a statement of how each zip came to be is written beside it."""
    derived: Path | None = None
    """Where what is compressed and stripped is kept; None is the cache of all builds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Built:
    """A zip that is there."""

    target: str
    path: Path
    manifest: Manifest
    seconds: float
    unchanged: bool
    notes: tuple[str, ...]
    tests: tuple[SmokeResult, ...] | None = None
    """What was tried in the runtime's image and works; None when nothing was tried."""


BESIDE = (".json", ".cdx.json", ".intoto.json")
"""Suffixes of what a build writes beside a zip."""

# ---- building ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class _Job:
    """One zip in the making."""

    loaded: Loaded
    plan: Plan
    path: Path
    options: Options
    report: Report
    store: Store
    notes: list[str] = field(default_factory=list)
    """What turned up on the way, beside what plan and checks say."""

    def interpreter(self) -> Interpreter | None:
        """Return what compiles the bytecode; asks the engine where the host has no such Python."""
        return interpreter(self.plan, self.options.containers)


def build(loaded: Loaded, target: Target, options: Options, report: Report) -> Built:
    """Make one zip with its manifest, or raise and leave everything as it was."""
    started = time.monotonic()
    files.writable(options.output)
    report("planning")
    path = options.output / f"{target.name}.zip"
    store = Store(options.derived or cache_paths.cache() / "derived")
    planned = plan(loaded, target, wheels_only=options.wheels_only)
    job = _Job(loaded=loaded, plan=planned, path=path, options=options, report=report, store=store)
    with (
        files.enough_disk(),
        locks.exclusive(path, lambda: report("waiting for another build of the same target"), BESIDE),
    ):
        found = None if options.rebuild else _already_there(job)
        if found is None and planned.interpreter and job.interpreter() is None:
            job = dataclasses.replace(job, plan=without_bytecode(planned))
            found = None if options.rebuild else _already_there(job)
        if (
            found is None
            and not options.rebuild
            and options.test != "always"
            and layer_cache.fetch(path, job.plan.digest)
        ):
            found = _already_there(job)
        made, outcomes = (found, _tried_now(job, found)) if found else _make(job)
        if found is None:
            layer_cache.upload(path, job.plan.digest)
        if options.provenance:  # also of what was there: it names who vouches for the zip now
            _write(job, ".intoto.json", manifest.text(provenance.statement(made, options.provenance)))
    return Built(
        target=target.name,
        path=path,
        manifest=made,
        seconds=time.monotonic() - started,
        unchanged=found is not None,
        notes=(*describing.notes(job.plan, made), *job.notes),
        tests=outcomes,
    )


def _make(job: _Job) -> tuple[Manifest, tuple[SmokeResult, ...] | None]:
    inside = job.plan.container
    made: dict[str, Artifact] = {}
    if inside:
        asked = compiling.Work(container=inside, folder=job.loaded.folder, choice=job.options.containers)
        made = compiling.make(asked, job.report)
    with cache_paths.workspace() as work, job.store:
        job.report("installing")
        full = assemble(job.loaded, job.plan, made, work)
        job.report("slimming")
        rules = job.plan.slim
        slimmed = slim.slim(full, rules, table.leftovers(), work / "stripped" if rules.strip else None)
        job.report("compiling bytecode")
        final = _with_bytecode(slimmed.tree, job, work / "bytecode")
        return _finish(job, final, slimmed, made)


def _finish(
    job: _Job, final: Tree, slimmed: slim.Slimmed, made: Mapping[str, Artifact]
) -> tuple[Manifest, tuple[SmokeResult, ...] | None]:
    """Check, write, weigh, try; the zip gets its name only when nothing is wrong with it.

    Checks run while all cores compress. A layer that fails them ends the writing at its next file.
    """
    total = final.unzipped_bytes or 1
    with files.replacing(job.path) as part, ThreadPoolExecutor(1) as aside:
        checking = aside.submit(_examine, job, final, slimmed.pruned)

        def progress(done: int) -> None:
            job.report(f"checking and compressing {100 * done // total} %")
            if checking.done():
                _judge(checking.result()[1], job)

        written = archive.write(final, part, job.store, progress)
        subject, findings = checking.result()
        weighed = checks.run(checks.weighed(subject, written.bytes), job.plan.recipe.allow, only="size")
        findings = tuple(one for one in findings if one.check != "size") + weighed
        _judge(findings, job)
        outcomes = _tried(job, part, written.sha256) if _wanted(job, needed=bool(job.plan.container)) else None
        job.report("finishing")  # the last place where an interrupt keeps the zip from getting its name
        checked = CheckedZip(written=written, subject=subject, findings=findings, savings=slimmed.savings)
        described = describing.describe(job.plan, made, checked)
        _write(job, ".json", manifest.render(described))
        _write(job, ".cdx.json", sbom.render(described))
    return described, outcomes


def _write(job: _Job, suffix: str, text: str) -> None:
    """Write what belongs to a zip beside it."""
    with files.replacing(job.path.with_suffix(suffix)) as part:
        part.write_text(text, encoding="utf-8", newline="\n")


def _wanted(job: _Job, *, needed: bool) -> bool:
    """Tell whether the layer's tests are to run.

    For `auto` that is when the engine is needed anyway, or has the image and so costs no download.
    """
    options, target = job.options, job.plan.target
    if options.test != "auto":
        return options.test == "always"
    choice = options.containers
    engine = choice.engine() if needed else client.present(choice.kind, choice.builder)
    image = run_image(target.base, target.arch)
    return engine is not None and (needed or containers.has(engine, image)) and engine.can(target.arch)


def _tried_now(job: _Job, found: Manifest) -> tuple[SmokeResult, ...] | None:
    """Return what the zip that is there passed before; where that is not known and tests are wanted, run them."""
    if job.options.test == "never":
        return None
    sha256 = found.zip.sha256
    before = tested.known(tested.record(sha256, job.loaded, job.plan.target))
    if before is not None or not _wanted(job, needed=False):
        return before
    return _tried(job, job.path, sha256)


def _tried(job: _Job, zipped: Path, sha256: str) -> tuple[SmokeResult, ...] | None:
    """Run the layer's tests in the runtime's image, and keep that they passed."""
    job.report("testing in the runtime's image")
    target, recipe, folder = job.plan.target, job.plan.recipe, job.loaded.folder
    engine, required = job.options.containers.engine, job.options.test == "always"
    try:
        outcomes = tuple(run.layer(engine(), zipped, target, recipe, folder, required=required))
    except (EngineError, NoImageError) as error:
        if required:
            raise
        job.notes.append(f"{target.name}: built and not tested: {error.what}")  # the image is out of reach, say
        return None
    tested.keep(tested.record(sha256, job.loaded, target), outcomes)
    return outcomes


def _examine(job: _Job, final: Tree, pruned: frozenset[str]) -> tuple[checks.Subject, tuple[checks.Finding, ...]]:
    target = job.plan.target
    subject = checks.examine(final, target.runtimes, target.architectures, packages=table.installed(final), own=True)
    recipe = job.plan.recipe
    subject = dataclasses.replace(
        subject, pruned=pruned, dlopened=recipe.libraries.dlopen, license=recipe.layer.license
    )
    return subject, checks.run(subject, job.plan.recipe.allow)


def _with_bytecode(content: Tree, job: _Job, scratch: Path) -> Tree:
    found = job.interpreter()
    return bytecode.add(content, found, job.store, scratch) if found else content


def _already_there(job: _Job) -> Manifest | None:
    """Return the manifest when the zip on disk is what this plan would give, and still fit."""
    found = manifest.beside(job.path)
    if found is None or found.plan_digest != job.plan.digest or not job.path.is_file():
        return None
    if files.sha256(job.path) != found.zip.sha256:
        return None
    _judge(describing.findings(found), job)
    return found


def _judge(findings: Sequence[checks.Finding], job: _Job) -> None:
    """Raise CheckFailedError when the layer is unfit."""
    failed = checks.failures(findings, strict=job.options.strict)
    if failed:
        raise checks.failure(job.plan.target.name, failed)
