"""Every parser of foreign input, with damaged and hostile inputs: no traceback, no wrong exit code, no end without end.

`make test-long` runs each target for its share of ten minutes; the tests of each commit for its share of 20 seconds.
"""

import time
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, seed, settings
from kit.fuzz import ODD, TARGETS, FuzzTarget, mutated

SHORT, LONG = 20.0, 600.0
"""Seconds of all targets together."""
SLOWEST = 10.0
"""Seconds of one input."""
BATCH = 200


def fuzz(target: FuzzTarget, seconds: float) -> None:
    """Try inputs for this target's share of a time, in batches that each begin with another seed."""
    end = time.monotonic() + seconds / len(TARGETS)
    batch = 0
    while time.monotonic() < end:
        seed(batch)(_batch(target, end))()
        batch += 1


def _batch(target: FuzzTarget, end: float) -> Callable[[], None]:
    @settings(max_examples=BATCH, database=None, suppress_health_check=list(HealthCheck))
    @given(mutated(target.seeds))
    def attempt(example: bytes) -> None:
        if time.monotonic() > end:
            return
        began = time.process_time()
        target.run(example)
        assert time.process_time() - began < SLOWEST

    attempt.__qualname__ = attempt.__name__ = f"attempt_{target.name}"
    return attempt


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_seeds_are_read(target: FuzzTarget) -> None:
    for example in target.seeds:
        target.parse(example)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_odd_inputs_are_refused_or_read(target: FuzzTarget) -> None:
    for odd in ODD:
        target.run(odd)
        for example in target.seeds:
            target.run(odd + example[:5000])
            target.run(example[: len(example) // 2] + odd)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_no_input_ends_in_a_traceback(target: FuzzTarget) -> None:
    fuzz(target, SHORT)


@pytest.mark.long
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_no_input_of_minutes_ends_in_a_traceback(target: FuzzTarget) -> None:
    fuzz(target, LONG)
