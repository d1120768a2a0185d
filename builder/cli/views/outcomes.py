"""Results of tests in a runtime's image."""

from collections.abc import Sequence

from builder.cli import terminal
from builder.smoke import record
from builder.smoke.record import ZipTrials
from builder.smoke.results import SmokeResult, coverage


def show(name: str, outcomes: Sequence[SmokeResult]) -> None:
    """Print one line for each test that passed."""
    for outcome in outcomes:
        where = f"{outcome.runtime} on {outcome.arch}{', emulated' if outcome.emulated else ''}"
        cold = f", {outcome.cold_ms:.0f} ms of a cold start" if outcome.cold_ms is not None else ""
        cold += f" ({outcome.uncached_ms:.0f} uncached)" if outcome.uncached_ms is not None else ""
        cold += f", {outcome.peak_mb:.0f} MB" if outcome.peak_mb is not None else ""
        told = coverage([outcome])
        more = f": {told}" if told else ""
        most = ", ".join(f"{cost.name} {cost.ms:.0f} ms and {cost.mb:.0f} MB" for cost in outcome.largest)
        more += f"; largest imports: {most}" if most else ""
        terminal.line(f"{name}: {outcome.what} passes in {where} ({outcome.seconds:.1f} s{cold}){more}")


def summary(tested: ZipTrials | None) -> str:
    """Return how many tests passed, the milliseconds that imports add to a cold start, and what was tried."""
    if tested is None:
        return "not run"
    outcomes = tested.results
    if tested.failed or not outcomes:
        return record.state(tested)
    times = [outcome.cold_ms for outcome in outcomes if outcome.cold_ms is not None]
    if any(outcome.emulated for outcome in outcomes):
        cold = f"{sum(times):.0f} ms, emulated" if times else ""
    else:
        cold = tested.cold.words(tested.before)
    passed = f"{len(outcomes)} passed" + (f" ({cold})" if cold else "")
    told = coverage(outcomes)
    return f"{passed}: {told}" if told else passed
