"""One layer, from recipe to zip: the sequence, read from top to bottom."""

import dataclasses
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder import places
from builder.errors import BuildError, UsageError
from builder.index.install import install
from builder.index.resolve import Candidate, Wanted, resolve
from builder.layer import archive, bytecode, checks, interpreters, manifest, slim, tree
from builder.layer.store import Store
from builder.layer.tree import Tree
from builder.model.limits import MB, UNZIPPED_LIMIT
from builder.model.recipe import Copy, Pip
from builder.model.recipes import Loaded
from builder.model.runtimes import refuse_blocked, today
from builder.model.target import Target
from builder.plan import known, lock
from builder.plan.plan import Copied, Plan, steps
from builder.plan.routes import route

Report = Callable[[str], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What the command line decides for all targets of a call."""

    output: Path
    strict: bool = False
    rebuild: bool = False
    """Build even what is there already."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Built:
    """A zip that is there."""

    target: str
    path: Path
    manifest: dict[str, Any]
    seconds: float
    unchanged: bool
    notes: tuple[str, ...]


# ---- planning ------------------------------------------------------------------------------------------------------


def plan(loaded: Loaded, target: Target) -> Plan:
    """Decide everything about one zip. Asks the package index; writes nothing."""
    for runtime in target.runtimes:
        refuse_blocked(runtime, today())
    chosen = steps(loaded.recipe, target)
    warnings = [text for runtime in target.runtimes if (text := runtime.warning(today()))]
    found, locked = _packages(loaded, target, chosen)
    interpreter = _interpreter(target, loaded, has_python=bool(found))
    if found and len(target.runtimes) > 1 and loaded.recipe.slim.bytecode != "off":
        warnings.append("a layer for several runtimes comes without bytecode: each Python has its own")
    elif found and interpreter is None and loaded.recipe.slim.bytecode != "off":
        warnings.append(
            f"no Python {target.base.series} on this host, so the layer comes without bytecode and starts slower; "
            f"`uv python install {target.base.series}` gives one"
        )
    routes = tuple(route(candidate, target) for candidate in found)
    if (download := sum(one.size or 0 for one in routes)) > UNZIPPED_LIMIT:
        warnings.append(f"the wheels are {download / MB:.0f} MB packed, more than Lambda takes unpacked: prune a lot")
    return Plan(
        target=target,
        recipe=loaded.recipe,
        routes=routes,
        copied=_copied(loaded, chosen),
        locked=locked,
        interpreter=interpreter.version if interpreter else None,
        compression=archive.compression(),
        warnings=tuple(warnings),
    )


def wanted(loaded: Loaded, target: Target, chosen: Sequence[Pip | Copy]) -> Wanted:
    """Collect what the pip steps of a target require."""
    pips = [step for step in chosen if isinstance(step, Pip)]
    return Wanted(
        requirements=tuple(target.expand(text) for step in pips for text in step.requirements),
        files=tuple(loaded.file(step.file) for step in pips if step.file),
    )


def _packages(loaded: Loaded, target: Target, chosen: Sequence[Pip | Copy]) -> tuple[tuple[Candidate, ...], bool]:
    asked = wanted(loaded, target, chosen)
    if not asked.requirements and not asked.files:
        return (), False
    if target.base.python is None:
        msg = f'{target.name}: `uses = "pip"` needs a Python runtime, not {target.base.name}'
        raise UsageError(msg)
    if loaded.lock is None or not loaded.lock.is_file():
        return resolve(asked, target.base, target.arch), False
    pins = lock.read(loaded.lock, target)
    if stale := lock.unfit(pins, asked.requirements, target):
        msg = f"the lock of {loaded.name} does not fit its recipe"
        raise UsageError(msg, why=stale, hint=f"`layerwright lock {loaded.name}` brings it up to date")
    fixed = tuple(f"{pin.name}=={pin.version}" for pin in pins.values())
    asked = Wanted(requirements=asked.requirements, files=asked.files, pins=fixed)
    found = known.resolved(asked, target, loaded.lock, places.cache() / "resolved")
    return tuple(lock.locked(candidate, pins, target) for candidate in found), True


def _interpreter(target: Target, loaded: Loaded, *, has_python: bool) -> interpreters.Interpreter | None:
    if not has_python or loaded.recipe.slim.bytecode == "off" or len(target.runtimes) > 1:
        return None
    return interpreters.find(target.base.series)


def _copied(loaded: Loaded, chosen: Sequence[Pip | Copy]) -> tuple[Copied, ...]:
    root = loaded.file("")
    return tuple(
        Copied(
            source=tree.layer_path(path.relative_to(root)),
            to=f"{step.to.strip('/')}/{path.name}",
            executable=step.executable,
            sha256=places.sha256(path),
        )
        for step in chosen
        if isinstance(step, Copy)
        for pattern in step.files
        for path in sorted(root.glob(pattern))
        if path.is_file()
    )


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


def build(loaded: Loaded, target: Target, options: Options, report: Report) -> Built:
    """Make one zip with its manifest, or raise and leave everything as it was."""
    started = time.monotonic()
    places.writable(options.output)
    report("planning")
    path = options.output / f"{target.name}.zip"
    store = Store(places.cache() / "derived")
    job = _Job(loaded=loaded, plan=plan(loaded, target), path=path, options=options, report=report, store=store)
    with places.exclusive(path, lambda: report("waiting for another build of the same target")):
        found = None if options.rebuild else _already_there(job)
        made = found or _make(job)
    return Built(
        target=target.name,
        path=path,
        manifest=made,
        seconds=time.monotonic() - started,
        unchanged=found is not None,
        notes=_notes(job.plan, made),
    )


def _make(job: _Job) -> dict[str, Any]:
    with places.workspace() as work, job.store:
        job.report("installing wheels")
        full = _tree(job, work)
        job.report("slimming")
        rules = job.plan.slim
        slimmed = slim.slim(
            full, prune=rules.prune, keep=rules.keep, scratch=work / "stripped" if rules.strip else None
        )
        job.report("compiling bytecode")
        final = _with_bytecode(slimmed.tree, job, work / "bytecode")
        return _finish(job, final, slimmed)


def _finish(job: _Job, final: Tree, slimmed: slim.Slimmed) -> dict[str, Any]:
    """Check, write, weigh; the zip gets its name only when nothing is wrong with it.

    Checks run while all cores compress. A layer that fails them ends the writing at its next file.
    """
    total = final.unzipped_bytes or 1
    with places.replacing(job.path) as part, ThreadPoolExecutor(1) as aside:
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
        described = manifest.describe(job.plan.as_json(), written, subject, findings, slimmed.savings)
        with places.replacing(job.path.with_suffix(".json")) as part_of_manifest:
            part_of_manifest.write_text(manifest.text(described), encoding="utf-8", newline="\n")
    return described


def _examine(job: _Job, final: Tree, pruned: frozenset[str]) -> tuple[checks.Subject, tuple[checks.Finding, ...]]:
    target = job.plan.target
    subject = checks.examine(final, target.runtimes, target.architectures, own=True)
    subject = dataclasses.replace(subject, pruned=pruned)
    return subject, checks.run(subject, job.plan.recipe.allow)


def _tree(job: _Job, work: Path) -> Tree:
    """Put the files of all steps together."""
    site_packages = work / "python"
    content = tree.Tree(())
    target = job.plan.target
    if job.plan.routes:
        install([one.package for one in job.plan.routes], target.base, target.arch, site_packages)
        content = tree.from_folder(site_packages, "python")
    content = content.with_entries(
        tree.from_file(job.loaded.file(one.source), one.to, executable=one.executable) for one in job.plan.copied
    )
    if not len(content):
        msg = f"{target.name}: the steps leave the layer empty"
        raise BuildError(msg)
    return content


def _with_bytecode(content: Tree, job: _Job, scratch: Path) -> Tree:
    interpreter = interpreters.find(job.plan.target.base.series) if job.plan.interpreter else None
    return bytecode.add(content, interpreter, job.store, scratch) if interpreter else content


def _already_there(job: _Job) -> dict[str, Any] | None:
    """Return the manifest when the zip on disk is what this plan would give, and still fit."""
    found = manifest.beside(job.path)
    if found is None or found.get("plan_digest") != job.plan.digest or not job.path.is_file():
        return None
    if places.sha256(job.path) != found["zip"].get("sha256"):
        return None
    _judge([checks.Finding.from_json(one) for one in found["findings"]], job)
    return found


def _judge(findings: Sequence[checks.Finding], job: _Job) -> None:
    """Raise CheckFailedError when the layer is unfit."""
    failed = checks.failures(findings, strict=job.options.strict)
    if failed:
        raise checks.failure(job.plan.target.name, failed)


def _notes(planned: Plan, found: dict[str, Any]) -> tuple[str, ...]:
    """Return what somebody should know who built this: warnings of the plan, of the checks, and doubled packages."""
    runtime = planned.target.base
    findings = [checks.Finding.from_json(one) for one in found["findings"]]
    suspicious = [
        f"{planned.target.name}: [{one.check}] {f'{one.path} ' if one.path else ''}{one.message}"
        for one in findings
        if one.allowed is None
    ]
    doubled = [package["name"] for package in found["packages"] if package["name"] in runtime.provides]
    brought = f"{runtime.name} brings {', '.join(doubled)} itself; the layer's copies are used instead"
    return (*planned.warnings, *([brought] if doubled else []), *suspicious)
