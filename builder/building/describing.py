"""The manifest of a layer, filled once from its plan, its artifacts and its zip."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from builder.base import credentials
from builder.base.frozen import dataclass
from builder.layer import licences, manifest, plugin_variables
from builder.layer.archive import WrittenZip
from builder.layer.checks import Subject
from builder.layer.findings import Finding
from builder.layer.installed import Installed
from builder.layer.slim import Saving
from builder.layer.tree import Tree
from builder.model.images import Image, run_image
from builder.model.manifest import (
    FindingRow,
    ImageRow,
    LibraryRow,
    Manifest,
    PackageRow,
    SavingRow,
    SourceRow,
    VariableRow,
    ZipFacts,
)
from builder.model.steps import Script
from builder.plan import mode
from builder.plan.container import TREE, Container
from builder.plan.plan import Plan

if TYPE_CHECKING:
    from builder.building.artifacts import Artifact

_OUTSIDE = 5
"""Files that a note names."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckedZip:
    """A zip that passed its checks, before it is moved to its final path."""

    written: WrittenZip
    subject: Subject
    findings: tuple[Finding, ...]
    savings: tuple[Saving, ...]


def describe(plan: Plan, artifacts: "Mapping[str, Artifact]", checked: CheckedZip) -> Manifest:
    """Return the manifest of a zip. Nothing in it depends on the host or the time of day."""
    layer, target, tree = plan.recipe.layer, plan.target, checked.subject.tree
    libraries = _library_rows(artifacts)
    return Manifest(
        name=layer.name,
        layer_version=target.version,
        description=layer.description,
        license=layer.license,
        target=target.name,
        runtimes=tuple(runtime.name for runtime in target.runtimes),
        architectures=tuple(arch.name for arch in target.architectures),
        os=target.base.os.name,
        route=_route(plan, artifacts),
        locked=plan.locked,
        bytecode=plan.interpreter,
        zip=_zip(target.name, checked.written),
        unzipped_bytes=tree.unzipped_bytes,
        files=len(tree),
        abi=manifest.ceilings(checked.subject),
        packages=tuple(_packages(plan, artifacts, checked.subject.packages)),
        libraries=libraries,
        sources=tuple(_sources(plan)),
        licences=(*licences.declared(tree, checked.subject.packages), *licences.brought(libraries, tree.paths())),
        notes=tuple(_notes(plan, artifacts)),
        savings=tuple(SavingRow(rule=row.rule, files=row.files, bytes=row.bytes) for row in checked.savings),
        findings=tuple(_finding_row(finding) for finding in checked.findings),
        plan_digest=plan.digest,
        image=_image(run_image(target.base, target.arch)),
        build_image=_image(plan.container.image) if plan.container else None,
        releasever=_releasever(artifacts),
        homepage=layer.homepage,
        environment=tuple(_variables(tree)) or None,
    )


def _variables(tree: Tree) -> Iterator[VariableRow]:
    for variable in plugin_variables.needed(tree):
        yield VariableRow(name=variable.name, value=variable.value, why=variable.why)


def _releasever(artifacts: "Mapping[str, Artifact]") -> str | None:
    found = (artifact.libraries().releasever for _, artifact in sorted(artifacts.items()))
    return next((release for release in found if release), None)


def _zip(target: str, written: WrittenZip) -> ZipFacts:
    return ZipFacts(path=f"{target}.zip", bytes=written.bytes, sha256=written.sha256, code_sha256=written.code_sha256)


def _image(image: Image) -> ImageRow:
    return ImageRow(name=image.name, digest=image.digest)


def _route(plan: Plan, artifacts: "Mapping[str, Artifact]") -> str:
    """Return the slowest mode in which an artifact was compiled; the plan's route if there is none."""
    modes = {artifact.mode for artifact in artifacts.values()}
    return next((name for name in reversed(mode.MODES) if name in modes), plan.route)


def _packages(plan: Plan, artifacts: "Mapping[str, Artifact]", installed: Iterable[Installed]) -> Iterator[PackageRow]:
    """Yield the packages of the plan. The route of a compiled package is the mode in which it was compiled.

    A folder or a repository that a container builds may have a version that only its backend knows: the installed one.
    """
    versions = {(each.ecosystem, canonicalize_name(each.name)): each.version for each in installed}
    for package in plan.packages:
        is_own = package.route == "compile" and bool(package.local or package.git)
        built = versions.get((package.ecosystem, canonicalize_name(package.name))) if is_own else None
        artifact = artifacts.get(package.stage or TREE) if package.route == "compile" else None
        yield PackageRow(
            name=package.name,
            version=built or package.version,
            ecosystem=package.ecosystem,
            route=artifact.mode if artifact else package.route,
            file=package.file,
            sha256=package.sha256,
            integrity=package.integrity,
            local=package.local,
            git=package.git,
            commit=package.commit,
        )


def _sources(plan: Plan) -> Iterator[SourceRow]:
    for source in plan.container.sources if plan.container else ():
        yield SourceRow(
            name=source.name or plan.recipe.layer.name,
            url=credentials.redact(source.url) if source.url else None,
            sha256=source.sha256,
            git=credentials.redact(source.git) if source.git else None,
            commit=source.commit,
        )


def _finding_row(finding: Finding) -> FindingRow:
    severity = finding.severity
    return FindingRow(
        check=finding.check,
        severity="error" if severity == "error" else "warning",
        path=finding.path,
        message=finding.message,
        hint=finding.hint,
        details=finding.details,
        allowed=finding.allowed,
    )


# ---- notes ---------------------------------------------------------------------------------------------------------


def _notes(plan: Plan, artifacts: "Mapping[str, Artifact]") -> Iterator[str]:
    """Yield remarks on the work of the containers."""
    if plan.container is None:
        return
    name = plan.target.name
    accelerated = any(artifact.mode == mode.ACCELERATED for artifact in artifacts.values())
    slow = plan.container.slow_languages if accelerated else ()
    reports = [artifact.libraries() for artifact in artifacts.values()]
    missing = {row.soname: row.by for report in reports for row in report.missing}
    refused = [row for report in reports for row in report.refused]
    yield from (f"{name}: {note}" for note in _how_notes(artifacts))
    yield from (f"{name}: {language} was compiled under emulation" for language in slow)
    yield from (f"{name}: {note}" for note in _outside_files(artifacts, plan.container))
    yield from (f"{name}: {by} needs {soname}, which the build image does not have" for soname, by in missing.items())
    yield from (f"{name}: {row.by} needs {row.soname}; a part of the C library cannot be bundled" for row in refused)


# ---- reports of the artifacts --------------------------------------------------------------------------------------


def _outside_files(by_stage: "Mapping[str, Artifact]", container: Container) -> list[str]:
    """Return warnings about files that scripts wrote outside of /opt, which are not part of the layer."""
    tree = by_stage.get(TREE)
    if tree is None:
        return []
    warnings = []
    for number, step in container.steps:
        if not isinstance(step, Script):
            continue
        listed = tree.text(f"outside/{number:02}").split("\n")[:-1]
        if listed:
            more = f" and {len(listed) - _OUTSIDE} more" if len(listed) > _OUTSIDE else ""
            names = ", ".join(listed[:_OUTSIDE])
            warnings.append(f"step {number} wrote files outside of /opt, which are not in the layer: {names}{more}")
    return warnings


def _library_rows(by_stage: "Mapping[str, Artifact]") -> tuple[LibraryRow, ...]:
    """Return the report on each bundled library, once, sorted by soname."""
    added: dict[str, LibraryRow] = {}
    for artifact in by_stage.values():
        for row in artifact.libraries().added:
            added.setdefault(row.soname, row)
    return tuple(added[name] for name in sorted(added))


def _how_notes(by_stage: "Mapping[str, Artifact]") -> list[str]:
    """Return remarks for the user on how artifacts were compiled."""
    return [f"{stage}: {note}" for stage, artifact in sorted(by_stage.items()) for note in artifact.notes]
