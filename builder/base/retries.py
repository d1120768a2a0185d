"""Repetition of operations that can fail in passing, with pauses that double.

tenacity does the counting. stamina, which is built on it, always sleeps through its pauses; those of a nightly run end
when the run is stopped.
"""

import math
import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from builder.base.frozen import dataclass

if TYPE_CHECKING:
    from tenacity import RetryCallState

Result = TypeVar("Result")
_FARTHEST = 64
"""Doublings after which a pause no longer grows; a float has an end."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Backoff:
    """How often an operation is repeated, and the pauses between its attempts, in seconds."""

    attempts: float = math.inf
    first: float = 0.5
    """The first pause; each further one is twice as long."""
    longest: float = 60.0
    total: float = math.inf
    """Seconds of all pauses together. The last one is shortened to fit."""


def call(
    operation: Callable[[], Result],
    backoff: Backoff,
    *,
    again: Callable[[BaseException], bool],
    requested: Callable[[BaseException], float] = lambda _: 0.0,
    pause: Callable[[BaseException, float], None] = lambda _, seconds: time.sleep(seconds),
) -> Result:
    """Return the result of an operation, repeated while `again` holds for its error. Raises that of the last attempt.

    `requested` is the pause that the other side asks for. `pause` waits that many seconds after an error; an exception
    that it raises ends the repetition.
    """
    import tenacity

    def seconds(state: "RetryCallState") -> float:
        wait = max(_jittered(backoff, state.attempt_number), min(requested(_error(state)), backoff.longest))
        return min(wait, backoff.total - state.idle_for)

    def exhausted(state: "RetryCallState") -> bool:
        return state.attempt_number >= backoff.attempts or state.idle_for >= backoff.total

    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception(again),
        stop=exhausted,
        wait=seconds,
        before_sleep=lambda state: pause(_error(state), state.upcoming_sleep),
        sleep=lambda _: None,  # the pause is over: this function is not told the error
        reraise=True,
    )
    return retrying(operation)


def _jittered(backoff: Backoff, attempt: int) -> float:
    """Return the pause after an attempt, with jitter so that many clients do not return at the same moment."""
    pause = min(backoff.first * 2.0 ** min(attempt - 1, _FARTHEST), backoff.longest)
    return pause * random.uniform(0.5, 1.0)  # noqa: S311  nothing secret


def _error(state: "RetryCallState") -> BaseException:
    error = state.outcome.exception() if state.outcome else None
    return error or AssertionError()
