"""The report as JUnit XML, which code hosts display: a suite for each recipe, a case for each target."""

import re
import xml.etree.ElementTree as ET
from collections import defaultdict

from builder.nightly.records import Failure
from builder.report.data import Report, ReportRow

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 does not allow, escaped or not: logs contain colours."""


def render(report: Report) -> str:
    """Return the text of junit.xml."""
    root = ET.Element("testsuites", name="layerwright")
    suites: dict[str, list[ReportRow]] = defaultdict(list)
    for row in report.rows:
        suites[row.record.recipe].append(row)
    for name, rows in suites.items():
        suite = ET.SubElement(
            root, "testsuite", name=name, tests=str(len(rows)), failures=str(sum(row.failed for row in rows))
        )
        for row in rows:
            _case(suite, row)
    for name, error in report.broken.items():
        suite = ET.SubElement(root, "testsuite", name=name, tests="1", failures="1")
        _failed(ET.SubElement(suite, "testcase", classname=name, name="recipe.toml"), error)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _case(suite: ET.Element, row: ReportRow) -> None:
    last = row.record.last
    seconds = last.seconds if last and row.state != "unchanged" else 0.0
    case = ET.SubElement(suite, "testcase", classname=row.record.recipe, name=row.record.target, time=f"{seconds:.2f}")
    if row.failed:
        _failed(case, row.failure or Failure(what="failed"))
    elif row.state == "unchanged":
        ET.SubElement(case, "skipped", message="nothing changed")


def _failed(case: ET.Element, error: Failure) -> None:
    lines = [*error.why, *([f"hint: {error.hint}"] if error.hint else []), *error.tail]
    failure = ET.SubElement(case, "failure", message=_NOT_XML.sub("", error.what))
    failure.text = _NOT_XML.sub("", "\n".join(lines))
