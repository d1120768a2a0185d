"""What is made of a plan: the content from its packages and artifacts, checked and compressed, with its manifest."""

import dataclasses
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from builder.base import allocator, cache_paths, files
from builder.building import describing, idle, lacking, oversized
from builder.building.assembling import assemble
from builder.building.describing import CheckedZip
from builder.building.job import Job
from builder.engine import client
from builder.layer import archive, bytecode, checks, findings, manifest, sbom, slim
from builder.layer.findings import Finding
from builder.layer.packing import StaleError
from builder.layer.tree import Tree
from builder.model.limits import MB, UNZIPPED_LIMIT
from builder.model.manifest import Manifest
from builder.packages import table
from builder.smoke.record import ZipTrials

if TYPE_CHECKING:
    from builder.building.artifacts import Artifact


def make(job: Job) -> tuple[Manifest, ZipTrials | None]:
    """Make the zip of a job with its manifest. Raises LayerwrightError, and then leaves existing files unchanged."""
    allocator.give_back()
    try:
        return _make(job)
    except StaleError:
        return _make(job)  # what did not hold has been made anew, and is remembered as it is now


def _make(job: Job) -> tuple[Manifest, ZipTrials | None]:
    oversized.refuse_download(job.loaded, job.plan)
    artifacts = _compiled(job)
    with cache_paths.workspace() as work, job.store:
        job.events.begin("installing")
        full = assemble(job.loaded, job.plan, artifacts, work, job.store)
        if job.plan.system and (lacked := _lacking(job, full)):
            job = dataclasses.replace(job, plan=job.plan.with_libraries(lacked))
            artifacts = _compiled(job)
            (again := work / "with-libraries").mkdir()
            full = assemble(job.loaded, job.plan, artifacts, again, job.store)
        job.events.begin("slimming")
        idle.refuse_prune(job.loaded, full)
        rules = job.plan.slim
        slimmed = slim.slim(full, rules, table.leftovers(), work / "stripped" if rules.strip else None, job.store)
        job.events.begin("compiling bytecode")
        oversized.refuse(job.loaded, job.plan, slimmed.tree, strict=job.options.strict)
        final, left_out = _with_bytecode(slimmed.tree, job, work / "bytecode")
        if left_out:
            size = f"{left_out.files} files, {left_out.bytes / MB:.0f} MB"
            job.notes.append(f"{job.plan.target.name}: bytecode that would not fit is left out: {size}")
            slimmed = dataclasses.replace(slimmed, savings=(*slimmed.savings, left_out))
        return _finish(job, final, slimmed, artifacts)


def _compiled(job: Job) -> "Mapping[str, Artifact]":
    if job.plan.container is None:
        return {}
    from builder.building import compiling

    folder, options = job.loaded.folder, job.options.containers
    return compiling.make(compiling.Work(container=job.plan.container, folder=folder, options=options), job.events)


def _lacking(job: Job, content: Tree) -> tuple[str, ...]:
    """Return the libraries that packages of the system are to bring; none without an engine, which the checks tell."""
    sonames = lacking.sonames(content, job.plan.target)
    if not sonames and job.loaded.adhoc:
        lacking.tell_unused(job.plan, job.events)
    options = job.options.containers
    return sonames if sonames and client.present(options.kind, options.builder) else ()


def _finish(
    job: Job, final: Tree, slimmed: slim.Slimmed, artifacts: "Mapping[str, Artifact]"
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
        subject, found = checking.result()
        weighed = checks.run(checks.weighed(subject, written.bytes), job.plan.recipe.allow, only="size")
        found = tuple(finding for finding in found if finding.check != "size") + weighed
        _judge(found, job)
        said = job.tests.of_new(part, written.sha256, compiled=bool(job.plan.container))
        job.events.begin("finishing")  # the last point at which an interrupt discards the zip
        checked = CheckedZip(written=written, subject=subject, findings=found, savings=slimmed.savings)
        described = describing.describe(job.plan, artifacts, checked)
        bill.write_text(sbom.render(described), encoding="utf-8", newline="\n")
        about.write_text(manifest.render(described), encoding="utf-8", newline="\n")
    return described, said


def _examine(job: Job, final: Tree, pruned: frozenset[str]) -> tuple[checks.Subject, tuple[Finding, ...]]:
    target = job.plan.target
    subject = checks.examine(
        final, target.runtimes, target.architectures, packages=table.installed(final), own=True, store=job.store
    )
    recipe = job.plan.recipe
    subject = dataclasses.replace(
        subject, pruned=pruned, dlopened=recipe.libraries.dlopen, license=recipe.layer.license
    )
    return subject, checks.run(subject, job.plan.recipe.allow)


def _with_bytecode(content: Tree, job: Job, scratch: Path) -> tuple[Tree, slim.Saving | None]:
    """Return the tree with bytecode, with `auto` without what would not fit, and what that is."""
    python = job.interpreter()
    if python is None:
        return content, None
    full = bytecode.add(content, python, job.store, scratch)
    return bytecode.fitting(full, UNZIPPED_LIMIT, job.store) if job.plan.slim.bytecode == "auto" else (full, None)


def _judge(found: Sequence[Finding], job: Job) -> None:
    findings.refuse(job.plan.target.name, found, strict=job.options.strict)
