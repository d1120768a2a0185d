"""The report as JUnit XML, which code hosts display: a suite for each recipe, a case for each target."""

import xml.etree.ElementTree as ET
from collections import defaultdict

from builder.base.foreign import line, output
from builder.nightly.records import Failure
from builder.report.data import Report, ReportRow
from builder.smoke.record import lines, state


def render(report: Report) -> str:
    """Return the text of junit.xml."""
    root = ET.Element("testsuites", name="layerwright")
    suites: dict[str, list[ReportRow]] = defaultdict(list)
    for row in report.rows:
        suites[row.record.recipe].append(row)
    for name, rows in suites.items():
        suite = ET.SubElement(
            root, "testsuite", name=line(name), tests=str(len(rows)), failures=str(sum(row.failed for row in rows))
        )
        for row in rows:
            _case(suite, row)
    for name, error in report.broken.items():
        suite = ET.SubElement(root, "testsuite", name=line(name), tests="1", failures="1")
        _failed(ET.SubElement(suite, "testcase", classname=line(name), name="recipe.toml"), error)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _case(suite: ET.Element, row: ReportRow) -> None:
    last = row.record.last
    seconds = last.seconds if last and row.state != "unchanged" else 0.0
    named = {"classname": line(row.record.recipe), "name": line(row.record.target)}
    case = ET.SubElement(suite, "testcase", named, time=f"{seconds:.2f}")
    if row.failed:
        _failed(case, row.failure or Failure(what="failed"))
    elif row.state == "unchanged":
        ET.SubElement(case, "skipped", message="nothing changed")
    ET.SubElement(case, "system-out").text = "\n".join(map(output, lines(row.tested))) or state(row.tested)


def _failed(case: ET.Element, error: Failure) -> None:
    lines = [*error.why, *([f"hint: {error.hint}"] if error.hint else []), *error.tail]
    failure = ET.SubElement(case, "failure", message=line(error.what))
    failure.text = "\n".join(map(output, lines))
