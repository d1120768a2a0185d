"""`dist/<target>.json`: what a zip is, for programs and for the next build."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.layer.versions import highest

if TYPE_CHECKING:  # `list` reads manifests and must not pay for what writes them
    from builder.layer.archive import WrittenZip
    from builder.layer.checks import Finding, Subject
    from builder.layer.slim import Saving

VERSION = 1
"""Of this file's format; raised when a key changes its meaning."""
_FROM_PLAN = (
    "name",
    "layer_version",
    "description",
    "license",
    "target",
    "runtimes",
    "architectures",
    "os",
    "route",
    "locked",
    "bytecode",
)
_OF_PACKAGE = ("name", "version", "ecosystem", "route", "file", "sha256")


def describe(
    plan: Mapping[str, Any],
    written: "WrittenZip",
    subject: "Subject",
    findings: "Sequence[Finding]",
    savings: "Sequence[Saving]",
) -> dict[str, Any]:
    """Return the manifest of a zip. Nothing in it depends on the host or the time of day."""
    return {
        "version": VERSION,
        **{key: plan[key] for key in _FROM_PLAN},
        "zip": {
            "path": f"{plan['target']}.zip",
            "bytes": written.bytes,
            "sha256": written.sha256,
            "code_sha256": written.code_sha256,
        },
        "unzipped_bytes": subject.tree.unzipped_bytes,
        "files": len(subject.tree),
        "abi": ceilings(subject),
        "packages": [
            {key: package[key] for key in (*_OF_PACKAGE, "integrity") if key in package} for package in plan["packages"]
        ],
        "libraries": plan.get("libraries", []),
        "sources": plan.get("sources", []),
        "licences": plan.get("licences", []),
        "notes": plan.get("notes", []),
        "savings": [{"rule": saving.rule, "files": saving.files, "bytes": saving.bytes} for saving in savings],
        "findings": [finding.as_json() for finding in findings],
        "plan_digest": plan["plan_digest"],
        "image": plan["image"],
        "build_image": plan["build_image"],
    }


def ceilings(subject: "Subject") -> dict[str, str | None]:
    """Return the highest symbol versions that the layer needs of the operating system."""
    needs = [need.version for elf in subject.elves.values() for need in elf.versions if not need.weak]
    return {family.casefold(): highest(needs, family) for family in ("GLIBC", "GLIBCXX", "CXXABI")}


def text(manifest: Mapping[str, Any]) -> str:
    return json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"


def read(path: Path) -> dict[str, Any] | None:
    """Return the manifest in a file, or None when there is none that this version understands."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and found.get("version") == VERSION and "zip" in found else None


def beside(zip_path: Path) -> dict[str, Any] | None:
    """Return the manifest that lies next to a zip."""
    return read(zip_path.with_suffix(".json"))


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what differs between two manifests, as `layerwright diff` tells it: packages, ceilings, libraries, sizes.

    Empty when there was none before. Files are not told: manifests do not list them.
    """
    if not old:
        return []
    rows = [
        *_differing("package", _versions(old, "packages", "name"), _versions(new, "packages", "name")),
        *_differing("abi", old["abi"], new["abi"]),
        *_differing("library", _versions(old, "libraries", "soname"), _versions(new, "libraries", "soname")),
    ]
    for name, before, after in (
        ("zip", old["zip"]["bytes"], new["zip"]["bytes"]),
        ("unzipped", old["unzipped_bytes"], new["unzipped_bytes"]),
    ):
        if before != after:
            rows.append(
                {"kind": "size", "name": name, "old": f"{before:,}", "new": f"{after:,}", "bytes": after - before}
            )
    return rows


def _versions(described: Mapping[str, Any], key: str, name: str) -> dict[str, str]:
    return {str(row[name]): str(row.get("version", "")) for row in described.get(key, ())}


def _differing(kind: str, old: Mapping[str, str | None], new: Mapping[str, str | None]) -> list[dict[str, Any]]:
    return [
        {"kind": kind, "name": name, "old": old.get(name), "new": new.get(name), "bytes": 0}
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    ]
