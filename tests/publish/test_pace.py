"""The rate limit of a region, with a simulated clock."""

import pytest

from builder.publish.pace import Pace


class Clock:
    def __init__(self) -> None:
        self.now = 100.0
        self.sent: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def send(self, pace: Pace, count: int) -> None:
        for _ in range(count):
            pace.wait()
            self.sent.append(self.now)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def pace(clock: Clock, rate: float = 14.0) -> Pace:
    return Pace(rate, clock=lambda: clock.now, sleep=clock.sleep)


def most(times: list[float]) -> int:
    return max(sum(1 for other in times if 0 <= other - time < 1.0) for time in times)


def test_no_second_has_more_requests_than_the_limit(clock: Clock) -> None:
    limiter = pace(clock)
    clock.send(limiter, 50)
    clock.now += 10
    clock.send(limiter, 50)  # after a pause as well: a larger bucket would allow a burst
    assert most(clock.sent) <= 15
    assert clock.sent[49] - clock.sent[0] == pytest.approx(49 / 14, abs=0.01)


def test_throttling_halves_the_rate_and_it_recovers_with_time(clock: Clock) -> None:
    limiter = pace(clock)
    clock.send(limiter, 2)
    limiter.slow_down()
    first = clock.now
    clock.send(limiter, 4)
    assert clock.now - first > 3 / 9
    clock.now += 60
    clock.sent.clear()
    clock.send(limiter, 14)
    assert clock.sent[-1] - clock.sent[0] == pytest.approx(13 / 14, abs=0.01)


def test_the_rate_never_reaches_zero(clock: Clock) -> None:
    limiter = pace(clock)
    for _ in range(20):
        limiter.slow_down()
    first = clock.now
    clock.send(limiter, 2)
    assert clock.now - first <= 1.5
