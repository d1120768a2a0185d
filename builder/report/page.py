"""The report as one static page: the grid is in the HTML, the rest is data that the page's script shows on demand."""

import base64
import gzip
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from builder import __version__
from builder.base import foreign
from builder.layer.licences import NONE
from builder.model import facts
from builder.model.limits import DIRECT_LIMIT, UNZIPPED_LIMIT
from builder.model.manifest import Manifest, PackageRow, document
from builder.model.runtimes import runtimes
from builder.nightly.records import LastRun
from builder.report.data import Report, ReportRow
from builder.smoke.record import lines, state

SEVERAL = "several runtimes"
_MOST_PACKAGES = 200
_ESCAPED = r"\\[bfru]"
"""What JSON in ASCII has if a text may have characters that are not shown; nearly none has."""
_TOGETHER = 200
"""Targets of one piece of the page's data."""


def render(report: Report) -> str:
    """Return the page. It loads no other resource, so it can be mailed, archived or served by any server."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    folder = facts.folder() / "report"
    jinja = Environment(
        loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined, trim_blocks=True, finalize=_shown
    )
    return jinja.get_template("page.html.j2").render(
        report=report,
        columns=_columns(report.rows),
        recipes=_recipes(report.rows),
        states=sorted({row.state for row in report.rows}),
        tool=__version__,
        style=(folder / "page.css").read_text(encoding="utf-8"),
        script=(folder / "page.js").read_text(encoding="utf-8"),
        limits={"zip": DIRECT_LIMIT, "unzipped": UNZIPPED_LIMIT},
        chunks=_chunks(report),
    )


def _shown(value: Any) -> Any:  # noqa: ANN401
    """Return a value in whose texts everything is visible that a browser would hide, or turn around."""
    if isinstance(value, str):
        return value if hasattr(value, "__html__") else foreign.text(value)
    if isinstance(value, Mapping):
        return {_shown(key): _shown(inner) for key, inner in value.items()}
    return [_shown(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def column(row: ReportRow) -> str:
    """Return the grid's column of a target."""
    runtimes = row.record.runtimes
    return runtimes[0] if len(runtimes) == 1 else SEVERAL


def _columns(rows: Sequence[ReportRow]) -> list[str]:
    present = {column(row) for row in rows}
    ordered = [name for name in runtimes() if name in present]
    return [*ordered, *sorted(present - {SEVERAL, *ordered}), *([SEVERAL] if SEVERAL in present else [])]


def _recipes(rows: Sequence[ReportRow]) -> dict[str, dict[str, list[ReportRow]]]:
    """Return the grid: recipe, then column, then the targets in it."""
    grid: dict[str, dict[str, list[ReportRow]]] = {}
    for row in rows:
        grid.setdefault(row.record.recipe, {}).setdefault(column(row), []).append(row)
    return grid


def _chunks(report: Report) -> dict[str, str]:
    """Return the data of the page's script in packed pieces, each by the last slot in it: one is read in milliseconds.

    Keys are short, since there may be thousands of targets.
    """
    rows = sorted(report.rows, key=lambda row: row.record.slot)
    pieces = [rows[at : at + _TOGETHER] for at in range(0, len(rows), _TOGETHER)]
    return {
        piece[-1].record.slot: _packed(
            {row.record.slot: _target(row, report.scans.get(row.record.slot, ())) for row in piece}
        )
        for piece in pieces
    }


def _packed(targets: Mapping[str, Any]) -> str:
    text = json.dumps(targets, separators=(",", ":"))
    if re.search(_ESCAPED, text):
        text = json.dumps(_shown(targets), separators=(",", ":"))
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode()


def _target(row: ReportRow, scan: tuple[str, ...]) -> dict[str, Any]:
    record, last, described = row.record, row.record.last, row.record.manifest
    return {
        "name": record.target,
        "about": record.description,
        "state": row.state,
        "runtimes": record.runtimes,
        "arch": record.architectures,
        "revision": record.revision,
        "last": _last(last) if last else None,
        "failure": {
            "what": row.failure.what,
            "why": row.failure.why,
            "hint": row.failure.hint,
            "tail": row.failure.tail,
        }
        if row.failure
        else None,
        "history": [
            [point.at, point.bytes, point.unzipped_bytes, point.seconds, point.cold_ms] for point in record.history
        ],
        "content": record.content,
        "changes": [
            [change["kind"], change["name"], change["old"], change["new"], change["bytes"]] for change in record.changes
        ],
        "tests": [
            [test["what"], test["runtime"], test["arch"], test["cold_ms"], test["emulated"]] for test in record.tests
        ],
        "tested": list(lines(row.tested)) or [state(row.tested)],
        "scan": scan,
        "made": {**_made(described), "arns": row.arns} if described else None,
    }


def _last(last: LastRun) -> dict[str, Any]:
    return {
        "at": last.at,
        "run": last.run,
        "s": last.seconds,
        "stages": list(last.stages.items()),
        "tries": last.attempts,
        "why": last.reasons,
    }


def _made(manifest: Manifest) -> dict[str, Any]:
    licences = {(row.package, row.version): row.license for row in manifest.licences}
    return {
        "zip": manifest.zip.bytes,
        "unzipped": manifest.unzipped_bytes,
        "files": manifest.files,
        "sha256": manifest.zip.sha256,
        "route": manifest.route,
        "abi": document(manifest.abi),
        "license": manifest.license,
        "homepage": manifest.homepage,
        "packages": [
            [row.name, row.version, row.route, _licence(row, licences)] for row in manifest.packages[:_MOST_PACKAGES]
        ],
        "libraries": [
            [row.soname, row.package or "", row.version or "", row.license or ""] for row in manifest.libraries
        ],
        "findings": [[row.severity, row.check, row.path, row.message, row.allowed] for row in manifest.findings],
        "environment": [[row.name, row.value, row.why] for row in manifest.environment or ()],
    }


def _licence(row: PackageRow, licences: Mapping[tuple[str, str], str]) -> str:
    """Return the licence that a package declares; jars have no group there."""
    expression = licences.get((row.name.rpartition(":")[2], row.version), NONE)
    return "" if expression == NONE else expression
