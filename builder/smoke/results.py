"""The results of tests, without what runs them."""

from collections.abc import Iterable
from dataclasses import asdict

from builder.base.frozen import dataclass
from builder.packages.default_tests import TriedCount

_LARGEST = 3
"""Imports that are named."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportCost:
    """What one import takes, beyond what was imported before it."""

    name: str
    ms: float
    mb: float


def largest(costs: Iterable[ImportCost]) -> tuple[ImportCost, ...]:
    """Return the imports that took longest and are named, in that order."""
    return tuple(sorted(costs, key=lambda cost: -cost.ms)[:_LARGEST])


@dataclass(frozen=True, kw_only=True, slots=True)
class SmokeResult:
    """A test that passed."""

    what: str
    runtime: str
    arch: str
    seconds: float
    """Duration from the creation of the container to its exit."""
    cold_ms: float | None
    """Milliseconds that the imports, or the first invocation, took in a new process; None if not measured."""
    emulated: bool
    """Whether the layer's architecture was emulated, which makes the times unreliable."""
    peak_mb: float | None = None
    """MB that the process had at most after the imports; None if not measured."""
    uncached_ms: float | None = None
    """Milliseconds of the imports when no file of the layer is in the page cache; None if not measured."""
    largest: tuple[ImportCost, ...] = ()
    """The imports that took longest, in that order."""
    tried: tuple[TriedCount, ...] = ()
    """What a default test has tried; empty for a test of a recipe."""
    untried: tuple[str, ...] = ()
    """What a default test has not tried, with the reasons."""

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def coverage(results: Iterable[SmokeResult]) -> str:
    """Return what default tests have tried and what not, in words; nothing for tests of a recipe."""
    counts: dict[str, int] = {}
    untried: dict[str, None] = {}
    for result in results:
        for each in result.tried:
            counts[each.what] = max(counts.get(each.what, 0), each.count)
        untried.update(dict.fromkeys(result.untried))
    tried = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    left = f"not tried: {', '.join(untried)}" if untried else ""
    return "; ".join(filter(None, (tried, left)))
