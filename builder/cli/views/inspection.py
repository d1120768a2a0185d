"""The result of `layerwright inspect`: contents, sizes and requirements of a zip."""

from typing import Any

from builder.cli import terminal
from builder.layer.inspect import Inspection
from builder.model import manifest as model
from builder.model.limits import UNZIPPED_LIMIT
from builder.model.manifest import AnyManifest


def show(name: str, inspection: Inspection, manifest: AnyManifest | None) -> None:
    """Print sizes, machine code, packages and the largest folders; what the manifest adds comes last."""
    terminal.line(f"{name}")
    for label, value in _facts(inspection):
        terminal.line(f"  {label:<8}  {value}")
    rows = [(f"  {path}", terminal.mb(count)) for path, count in inspection.largest]
    terminal.table(("  largest", "MB"), rows, numbers=("MB",))
    if manifest:
        terminal.line(_provenance(manifest))


def document(inspection: Inspection, manifest: AnyManifest | None) -> dict[str, Any]:
    """Return the JSON document: the analysis, and the manifest if there is one."""
    return {**inspection.as_json(), "manifest": model.document(manifest) if manifest else None}


def _facts(inspection: Inspection) -> tuple[tuple[str, str], ...]:
    mb = terminal.mb
    size = f"{mb(inspection.zip_bytes)} MB, unzipped {mb(inspection.unzipped_bytes)} MB in {inspection.files} files"
    headroom = f"{mb(UNZIPPED_LIMIT - inspection.unzipped_bytes)} MB under Lambda's limit"
    machines = ", ".join(f"{count} for {machine}" for machine, count in inspection.machines)
    versions = ", ".join(f"{family} {version}" for family, version in inspection.abi.needed.items())
    packages = ", ".join(f"{package} {version}" for package, version in inspection.packages)
    return (
        ("zip", f"{size}, {headroom}"),
        ("machine code", machines or "none"),
        ("needs", versions or "no symbol versions"),
        ("from the runtime", " ".join(inspection.outside) or "no library"),
        ("packages", packages or "none recognised"),
    )


def _provenance(manifest: AnyManifest) -> str:
    where = f"{', '.join(manifest.runtimes)} on {', '.join(manifest.architectures)}"
    return f"  built for {where}; sha256 {manifest.zip.sha256}, CodeSha256 {manifest.zip.code_sha256}"
