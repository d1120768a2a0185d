"""Child processes: what a program may take."""

import sys

import pytest

from builder.base import processes

GREEDY = "import time; held = [bytearray(1 << 20) for _ in range(200)]; print(len(held), flush=True); time.sleep(30)"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell the memory of a process")
def test_a_program_that_takes_too_much_memory_is_ended() -> None:
    with pytest.raises(processes.MemoryExceededError, match="was killed: it took more than 100 MB of memory"):
        processes.run([sys.executable, "-c", GREEDY], most_memory=100 << 20)


def test_a_program_within_its_memory_is_left_alone() -> None:
    finished = processes.run([sys.executable, "-c", "print(1)"], most_memory=500 << 20)
    assert (finished.returncode, finished.stdout.strip()) == (0, "1")
