"""Findings as SARIF 2.1.0 (OASIS), which code hosts show next to the code."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from builder.base import foreign
from builder.layer import checks, merge
from builder.layer.findings import Finding

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
RULES = {
    **{check.name: check.why for check in checks.CHECKS.values()},
    **{check.name: check.why for check in merge.CHECKS.values()},
}
"""The reason for each check that a finding can name: the checks of one layer and of several layers together."""
_BRACKETS = re.compile(r"[\\\[\]]")
"""Of links in a message (SARIF 2.1.0, 3.11.6), which a name in a zip must not make."""
_LEVELS = {"error": "error", "warning": "warning"}


def document(version: str, checked: Iterable[tuple[str, Sequence[Finding]]]) -> dict[str, Any]:
    """Return a SARIF document with one run over several zips; the location of a finding is the file in its zip."""
    names = list(RULES)
    rules = [
        {
            "id": name,
            "shortDescription": {"text": why},
            "helpUri": "https://docs.aws.amazon.com/lambda/latest/dg/chapter-layers.html",
        }
        for name, why in RULES.items()
    ]
    results = [_result(zipped, finding, names) for zipped, findings in checked for finding in findings]
    return run(version, rules, results)


def run(version: str, rules: Sequence[dict[str, Any]], results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return a document with one run of this version of layerwright."""
    driver = {"name": "layerwright", "version": version, "rules": list(rules)}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": list(results)}]}


def plain(text: str) -> str:
    """Return a message of which nothing is a link."""
    return _BRACKETS.sub(r"\\\g<0>", foreign.line(text))


def _result(zipped: str, finding: Finding, names: list[str]) -> dict[str, Any]:
    inside = f"{zipped}/{finding.path}" if finding.path else zipped
    parts = [f"{finding.path or zipped} {finding.message}", *finding.details, f"Hint: {finding.hint}"]
    text = plain(". ".join(parts))
    result: dict[str, Any] = {
        "ruleId": finding.check,
        "ruleIndex": names.index(finding.check),
        "level": _LEVELS[finding.severity],
        "message": {"text": text},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": uri(inside)}}}],
        "partialFingerprints": {"layerwright/v1": f"{finding.check}:{finding.path or ''}"},
    }
    if finding.allowed:
        result["suppressions"] = [{"kind": "external", "justification": finding.allowed}]
    return result


def uri(path: str) -> str:
    """Return the address of a file in a document."""
    from urllib.parse import quote

    return quote(path.replace("\\", "/"), errors="surrogatepass")
