"""The result of `layerwright check`: findings and a verdict for each zip, and for the layers of one function."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from builder import __version__
from builder.building.checking import Together, Verdict
from builder.cli import terminal
from builder.layer import sarif
from builder.layer.findings import Finding

_MOST = 30
"""Findings of one check that are all shown."""
_SHOWN = 20
"""Of more, those that are."""
_STYLES = {"error": "bold red", "warning": "yellow"}


def show(verdict: Verdict, *, strict: bool) -> None:
    """Print the findings on one zip, then one line: whether it works there."""
    _show_findings(verdict.findings)
    where = " on ".join(verdict.destination.names)
    state = _state(fit=verdict.fit(strict=strict))
    terminal.line(f"{verdict.path.name}: {state} for {where} ({len(verdict.findings)} findings)")


def show_together(together: Together, *, strict: bool) -> None:
    """Print the findings on the layers of one function, then one line: whether they work together."""
    _show_findings(together.findings)
    state = _state(fit=together.fit(strict=strict))
    terminal.line(f"together, in this order: {state} ({len(together.findings)} findings)")


def _state(*, fit: bool) -> str:
    return "no error found" if fit else "will not work"


def _show_findings(findings: Sequence[Finding]) -> None:
    """Print findings. Of one check with thousands, the first are shown and the others counted."""
    alike: dict[tuple[str, str, str | None], list[Finding]] = defaultdict(list)
    for finding in findings:
        alike[finding.severity, finding.check, finding.allowed].append(finding)
    for (severity, check, _), group in alike.items():
        _show_all(group if len(group) <= _MOST else group[:_SHOWN])
        if len(group) > _MOST:
            more = f"[{check}] {len(group) - _SHOWN:,} more like these; `--json` has all of them"
            terminal.styled((f"{severity}: ", _STYLES[severity]), (more, ""))


def _show_all(findings: Sequence[Finding]) -> None:
    for finding in findings:
        message = f"[{finding.check}] {finding.path or ''} {finding.message}".strip()
        terminal.styled((f"{finding.severity}: ", _STYLES[finding.severity]), (message, ""))
        for detail in finding.details:
            terminal.line(f"    {detail}")
        advice = f"allowed: {finding.allowed}" if finding.allowed else f"hint: {finding.hint}"
        terminal.styled((f"  {advice}", "dim"))


def document(verdicts: Sequence[Verdict], together: Together | None, *, strict: bool) -> dict[str, Any]:
    """Return the JSON document."""
    return {
        "checked": [verdict.as_json(strict=strict) for verdict in verdicts],
        "together": together.as_json(strict=strict) if together else None,
    }


def sarif_document(verdicts: Sequence[Verdict], together: Together | None) -> dict[str, Any]:
    """Return the SARIF document. A zip that could not be read has no findings and is left out."""
    rows = [(verdict.path.as_posix(), verdict.findings) for verdict in verdicts if verdict.error is None]
    rows += [("layers together", together.findings)] if together else []
    return sarif.document(__version__, rows)
