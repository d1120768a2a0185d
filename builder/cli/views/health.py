"""The result of `layerwright doctor`: one line for each examined part of the host."""

from collections.abc import Sequence

from builder.cli import terminal
from builder.engine.doctor import Diagnosis

_STYLES = {"ok": "green", "warning": "yellow", "wrong": "bold red"}


def show(findings: Sequence[Diagnosis]) -> None:
    """Print the state of each part, followed by the command that repairs it."""
    for finding in findings:
        terminal.styled((f"{finding.state:<8}", _STYLES[finding.state]), (f"{finding.what:<14} {finding.found}", ""))
        if finding.mend:
            terminal.styled((f"{'':<23}{finding.mend}", "dim"))
