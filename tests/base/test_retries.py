"""Repetition after errors in passing."""

import pytest

from builder.base import retries
from builder.base.retries import Backoff


class Flaky:
    """An operation that fails a number of times."""

    def __init__(self, failures: int) -> None:
        self.failures, self.calls = failures, 0
        self.pauses: list[float] = []

    def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self.failures:
            raise ConnectionError(self.calls)
        return "done"

    def run(self, backoff: Backoff, requested: float = 0.0) -> str:
        return retries.call(
            self,
            backoff,
            again=lambda error: isinstance(error, OSError),
            requested=lambda _: requested,
            pause=lambda _, seconds: self.pauses.append(seconds),
        )


def test_the_pauses_double_with_jitter_up_to_the_longest() -> None:
    flaky = Flaky(6)
    assert flaky.run(Backoff(first=1.0, longest=8.0)) == "done"
    assert flaky.calls == 7
    for pause, most in zip(flaky.pauses, (1, 2, 4, 8, 8, 8), strict=True):
        assert most / 2 <= pause <= most


def test_the_error_of_the_last_attempt_is_raised() -> None:
    flaky = Flaky(9)
    with pytest.raises(ConnectionError) as caught:
        flaky.run(Backoff(attempts=3))
    assert caught.value.args == (3,)
    assert len(flaky.pauses) == 2


def test_the_pauses_stay_within_their_total() -> None:
    flaky = Flaky(99)
    with pytest.raises(ConnectionError):
        flaky.run(Backoff(first=2.0, total=5.0))
    assert sum(flaky.pauses) == pytest.approx(5.0)
    none = Flaky(99)
    with pytest.raises(ConnectionError):
        none.run(Backoff(total=0.0))
    assert (none.calls, none.pauses) == (1, [])


def test_a_requested_pause_is_kept_up_to_the_longest() -> None:
    flaky = Flaky(1)
    flaky.run(Backoff(first=0.1, longest=60.0), requested=7.0)
    assert flaky.pauses == [7.0]
    capped = Flaky(1)
    capped.run(Backoff(first=0.1, longest=60.0), requested=7000.0)
    assert capped.pauses == [60.0]


def test_other_errors_and_errors_of_the_pause_end_it() -> None:
    calls: list[int] = []

    def wrong() -> None:
        calls.append(1)
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011
        retries.call(wrong, Backoff(), again=lambda error: isinstance(error, OSError))
    assert len(calls) == 1

    def stopped(_error: BaseException, _seconds: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        retries.call(Flaky(9), Backoff(), again=lambda _: True, pause=stopped)


def test_many_attempts_do_not_overflow() -> None:
    flaky = Flaky(2000)
    assert flaky.run(Backoff(first=0.001)) == "done"
    assert max(flaky.pauses) <= 60.0
