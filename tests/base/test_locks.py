"""Waiting for a lock ends with an interrupt, in the main thread and in every other."""

import sys
import threading
from pathlib import Path

import pytest
from kit import state

from builder.base import locks, processes
from builder.base.errors import BuildError


def test_a_thread_that_waits_hears_of_an_interrupt(tmp_path: Path) -> None:
    waits, errors = threading.Event(), []

    def wait() -> None:
        try:
            with locks.exclusive(tmp_path / "a", waits.set):
                pass
        except BuildError as error:
            errors.append(str(error))

    thread = threading.Thread(target=wait)
    try:
        with locks.exclusive(tmp_path / "a", lambda: None):
            thread.start()
            assert waits.wait(10)
            processes.kill_all()
            thread.join(10)
            assert not thread.is_alive()
        assert errors == ["interrupted"]
    finally:
        state.forget()


def test_a_lock_that_is_released_is_taken(tmp_path: Path) -> None:
    waits, taken = threading.Event(), threading.Event()

    def wait() -> None:
        with locks.exclusive(tmp_path / "a", waits.set):
            taken.set()

    thread = threading.Thread(target=wait)
    with locks.exclusive(tmp_path / "a", lambda: None):
        thread.start()
        assert waits.wait(10)
        assert not taken.wait(0.5)
    assert taken.wait(10)
    thread.join(10)


def test_a_pool_ends_its_processes_after_an_interrupt() -> None:
    begun = threading.Event()

    def sleep(seconds: str) -> int:
        with processes.started([sys.executable, "-c", f"import time; time.sleep({seconds})"]) as process:
            begun.set()
            return process.wait()

    def interrupted() -> None:
        with processes.pool(2) as pool:
            pool.submit(sleep, "300")
            assert begun.wait(10)
            raise KeyboardInterrupt

    try:
        with pytest.raises(KeyboardInterrupt):
            interrupted()
        with pytest.raises(BuildError, match="interrupted"):
            processes.refuse_if_stopped()
    finally:
        state.forget()
