"""Every parser of foreign input, with damaged and hostile inputs: no traceback, no wrong exit code, no end without end.

`make test-long` runs each target for its share of ten minutes; the tests of each commit try a few inputs of each.
"""

import pytest
from kit import fuzzing
from kit.fuzz import TARGETS, FuzzTarget
from kit.mutations import ODD

FEW = 40
"""Inputs of each target."""
LONG = 600.0
"""Seconds of all targets together."""


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
    assert fuzzing.for_cases(target, FEW) == FEW


@pytest.mark.long
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_no_input_of_minutes_ends_in_a_traceback(target: FuzzTarget) -> None:
    assert fuzzing.for_seconds(target, LONG / len(TARGETS))
