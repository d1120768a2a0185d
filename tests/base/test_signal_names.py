"""How a program ended, in words."""

import pytest

from builder.base import signals


@pytest.mark.parametrize(
    ("code", "lines", "said"),
    [
        (134, [], ["signal 6 (SIGABRT) ended the process"]),
        (134, ["x"], ["x", "signal 6 (SIGABRT) ended the process"]),
        (9, [], ["exit code 9"]),
        (9, ["x"], ["x"]),
        (200, [], ["exit code 200"]),
        (134, ["mod: signal 6 (SIGABRT) ended the process"], ["mod: signal 6 (SIGABRT) ended the process"]),
    ],
)
def test_an_exit_code_is_told_where_it_is_a_signal_or_all_there_is(
    code: int, lines: list[str], said: list[str]
) -> None:
    assert [*lines, *signals.told(lines, code)] == said
