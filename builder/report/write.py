"""Writing a report in every format into one folder; each file is replaced as a whole."""

from collections.abc import Sequence
from pathlib import Path

from builder.base import files
from builder.base.frozen import dataclass
from builder.report import data, junit, markdown, page
from builder.report.data import Report


@dataclass(frozen=True, kw_only=True, slots=True)
class WrittenReport:
    """A report and the path of its page."""

    report: Report
    page: Path


def write(outputs: Sequence[Path], to: Path) -> WrittenReport:
    """Gather the report on folders of zips and write index.html, report.json, junit.xml and summary.md."""
    report = data.gather(outputs)
    files.writable(to)
    formats = {
        "index.html": page.render(report),
        "report.json": data.text(report),
        "junit.xml": junit.render(report),
        "summary.md": markdown.render(report),
    }
    for name, text in formats.items():
        with files.replacing(to / name) as part:
            part.write_text(text, encoding="utf-8", newline="\n")
    return WrittenReport(report=report, page=to / "index.html")
