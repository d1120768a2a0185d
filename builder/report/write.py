"""Writing a report: every form of it into one folder, each file as a whole or not at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from builder.base import files
from builder.layer import manifest
from builder.report import data, junit, markdown, page
from builder.report.data import Report


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    report: Report
    page: Path


def write(outputs: Sequence[Path], to: Path) -> Written:
    """Gather what lies in folders of zips and write index.html, report.json, junit.xml and summary.md."""
    found = data.gather(outputs)
    files.writable(to)
    forms = {
        "index.html": page.render(found),
        "report.json": manifest.text(data.summary(found)),
        "junit.xml": junit.render(found),
        "summary.md": markdown.render(found),
    }
    for name, text in forms.items():
        with files.replacing(to / name) as part:
            part.write_text(text, encoding="utf-8", newline="\n")
    return Written(report=found, page=to / "index.html")
