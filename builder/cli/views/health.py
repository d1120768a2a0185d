"""The result of `layerwright doctor`: one line for each examined part of the host."""

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from builder.engine.doctor import Diagnosis

_STYLES = {"ok": "green", "warning": "yellow", "wrong": "bold red"}


def show(findings: Sequence[Diagnosis]) -> None:
    """Print the state of each part, followed by the command that repairs it."""
    for finding in findings:
        line = Text(f"{finding.state:<8}", style=_STYLES[finding.state])
        line += Text(f"{finding.what:<14} {finding.found}")
        if finding.mend:
            line += Text(f"\n{'':<23}{finding.mend}", style="dim")
        Console(highlight=False, soft_wrap=True).print(line)
