"""Threads ask for uv one after the other."""

import threading
import time

import pytest
import uv

from builder.base import uv_program


def test_several_threads_ask_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    inside: list[int] = []
    most: list[int] = []

    def slow() -> str:
        inside.append(1)
        most.append(len(inside))
        time.sleep(0.02)
        inside.pop()
        return "/bin/uv"

    monkeypatch.setattr(uv, "find_uv_bin", slow)
    threads = [threading.Thread(target=uv_program.path) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1, 1, 1, 1]
