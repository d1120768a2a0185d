"""The result of `layerwright nightly`: one line, and the publication of its layers."""

from typing import TYPE_CHECKING

from builder.cli import terminal
from builder.nightly.journal import Run
from builder.smoke import record

if TYPE_CHECKING:
    from builder.publish.nights import RunPublication

_STATES = ("built", "same", "unchanged", "failed", "broken")


def show(run: Run) -> None:
    """Print the number of targets in each state and the duration of the run."""
    counts = {state: run.count(state) for state in _STATES}
    states = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    terminal.line(f"night {run.run}: {states or 'nothing to do'} in {run.seconds:.1f} s")


def show_untested(run: Run) -> None:
    """Name the targets of which no test has passed."""
    if run.untested:
        terminal.result(f"{record.UNTESTED}: {', '.join(run.untested)}")


def show_publication(publication: "RunPublication") -> None:
    """Print the errors, and the number of layer versions in each state; nothing if nothing was to be published."""
    for error in publication.errors:
        terminal.fail(error)
    if publication.result is None:
        return
    statuses = [outcome.status for outcome in publication.result.outcomes]
    counts = ", ".join(f"{statuses.count(status)} {status}" for status in dict.fromkeys(statuses))
    terminal.result(f"published: {counts}")
    if not publication.result.good:
        from builder.publish import run as publishing

        terminal.fail(publishing.failure(publication.result))


def show_scans(run: Run) -> None:
    """Warn of targets whose bill of materials does not pass the scanner."""
    for slot, lines in run.scans.items():
        terminal.warn(f"{slot} does not pass the scanner: {lines[0]}")
