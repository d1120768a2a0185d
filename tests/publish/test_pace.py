"""How fast a region is asked, with a clock of our own."""

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


def most(moments: list[float]) -> int:
    return max(sum(1 for other in moments if 0 <= other - one < 1.0) for one in moments)


def test_no_second_has_more_requests_than_the_limit(clock: Clock) -> None:
    own = pace(clock)
    clock.send(own, 50)
    clock.now += 10
    clock.send(own, 50)  # after a pause as well: a bucket that had filled would let many out at once
    assert most(clock.sent) <= 15
    assert clock.sent[49] - clock.sent[0] == pytest.approx(49 / 14, abs=0.01)


def test_a_complaint_halves_the_speed_and_time_brings_it_back(clock: Clock) -> None:
    own = pace(clock)
    clock.send(own, 2)
    own.complain()
    first = clock.now
    clock.send(own, 4)
    assert clock.now - first > 3 / 9
    clock.now += 60
    clock.sent.clear()
    clock.send(own, 14)
    assert clock.sent[-1] - clock.sent[0] == pytest.approx(13 / 14, abs=0.01)


def test_it_never_stops_altogether(clock: Clock) -> None:
    own = pace(clock)
    for _ in range(20):
        own.complain()
    first = clock.now
    clock.send(own, 2)
    assert clock.now - first <= 1.5
