"""Runs of the fuzz targets: for a time, or for a number of inputs.

`python -m kit.fuzzing 200000` tries so many inputs, the same number for each target, and ends with what was tried: the
proof of "so many inputs, no crash". The first input that ends in a traceback is shown, reduced.
"""

import sys
import time
from collections.abc import Callable

from hypothesis import HealthCheck, given, seed, settings

from kit.fuzz import TARGETS, FuzzTarget
from kit.mutations import mutated

SLOWEST = 10.0
"""Seconds of one input."""
BATCH = 200


def for_seconds(target: FuzzTarget, seconds: float) -> int:
    """Try at least one input, and more for a time, in batches that each begin with another seed. Returns how many."""
    end = time.monotonic() + seconds
    return _batches(target, lambda tried: not tried or time.monotonic() < end)


def for_cases(target: FuzzTarget, cases: int) -> int:
    """Try a number of inputs. Returns it."""
    return _batches(target, lambda tried: tried < cases, min(cases, BATCH))


def _batches(target: FuzzTarget, goes_on: Callable[[int], bool], size: int = BATCH) -> int:
    tried, batch = 0, 0

    @settings(max_examples=size, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(mutated(target.seeds))
    def attempt(example: bytes) -> None:
        nonlocal tried
        if not goes_on(tried):
            return
        tried += 1
        began = time.process_time()
        target.run(example)
        assert time.process_time() - began < SLOWEST

    attempt.__qualname__ = attempt.__name__ = f"attempt_{target.name}"
    while goes_on(tried):
        seed(batch)(attempt)()
        batch += 1
    return tried


def main(cases: int) -> None:
    """Try inputs with all targets and print how many. Raises what a target raises."""
    total = 0
    for target in TARGETS:
        began = time.monotonic()
        tried = for_cases(target, -(-cases // len(TARGETS)))
        total += tried
        sys.stdout.write(f"{tried:8,}  {target.name}  ({time.monotonic() - began:.0f} s)\n")
        sys.stdout.flush()
    sys.stdout.write(f"{total:8,}  inputs of {len(TARGETS)} targets, none ended in a traceback or a wrong exit code\n")


if __name__ == "__main__":
    main(int(sys.argv[1]))
