"""The result of `layerwright nightly`, on one line."""

from builder.cli import terminal
from builder.nightly.journal import Run

_STATES = ("built", "same", "unchanged", "failed", "broken")


def show(run: Run) -> None:
    """Print the number of targets in each state and the duration of the run."""
    counts = {state: run.count(state) for state in _STATES}
    states = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    terminal.text(f"night {run.run}: {states or 'nothing to do'} in {run.seconds:.1f} s\n")
