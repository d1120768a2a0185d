"""The report as Markdown, which code hosts display on the page of a job."""

from collections.abc import Iterator

from builder.base import foreign
from builder.model.limits import MB
from builder.nightly.records import Failure
from builder.report.data import Report, ReportRow

_MOST = 100
"""Rows of the table: GitHub's summaries are limited to 1 MiB."""


def render(report: Report) -> str:
    """Return the text of summary.md."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    states = sorted({row.state for row in report.rows})
    counts = ", ".join(f"{report.count(state)} {state}" for state in states)
    yield f"## Layers: {counts or 'none'}"
    for run in report.runs:
        yield ""
        yield f"Run {run.run}, {run.started}, {run.seconds:.0f} s"
    yield from _failures(report)
    for slot, lines in report.scans.items():
        yield ""
        yield f"### {foreign.markdown(slot)} does not pass the scanner"
        yield ""
        yield from foreign.fenced(lines[:20])
    if report.untested:
        names = ", ".join(foreign.markdown(row.record.target) for row in report.untested[:_MOST])
        more = f" and {len(report.untested) - _MOST} more" if len(report.untested) > _MOST else ""
        yield ""
        yield f"Not tested: {names}{more}"
    yield from _built(report)


def _failures(report: Report) -> Iterator[str]:
    failures = [(row.record.target, row.failure or Failure(what="failed")) for row in report.failures]
    for name, error in [*report.broken.items(), *failures]:
        yield ""
        yield f"### ✗ {foreign.markdown(name)}"
        yield ""
        yield from foreign.fenced((error.what, *error.why, *error.tail[-10:]))
        if error.hint:
            yield f"Hint: {foreign.markdown(error.hint)}"


def _built(report: Report) -> Iterator[str]:
    rows = [row for row in report.rows if row.state in {"built", "same"}]
    if not rows:
        return
    yield ""
    yield "| built | why | what changed | zip MB | unzipped MB | s |"
    yield "| --- | --- | --- | ---: | ---: | ---: |"
    yield from (_row(row) for row in rows[:_MOST])
    if len(rows) > _MOST:
        yield f"| and {len(rows) - _MOST} more | | | | | |"


def _row(row: ReportRow) -> str:
    record, last = row.record, row.record.last
    changes = [_change(change) for change in record.changes if change["kind"] in {"package", "abi", "library"}][:4]
    what = "the same bytes" if row.state == "same" else "; ".join(changes)
    cells = (
        record.target,
        "; ".join(last.reasons[:3]) if last else "",
        what,
        f"{record.manifest.zip.bytes / MB:.1f}" if record.manifest else "",
        f"{record.manifest.unzipped_bytes / MB:.1f}" if record.manifest else "",
        f"{last.seconds:.1f}" if last else "",
    )
    return f"| {' | '.join(map(foreign.markdown, cells))} |"


def _change(change: dict[str, str]) -> str:
    return f"{change['name']} {change['old'] or '(new)'} → {change['new'] or '(gone)'}"
