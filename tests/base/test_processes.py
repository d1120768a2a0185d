"""Child processes: what a program may take."""

import os
import signal
import sys
import time

import pytest

from builder.base import processes
from builder.base.watching import Watch

GREEDY = "import time; held = [bytearray(1 << 20) for _ in range(200)]; print(len(held), flush=True); time.sleep(30)"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell the memory of a process")
def test_a_program_that_takes_too_much_memory_is_ended() -> None:
    with pytest.raises(processes.MemoryExceededError, match="was killed: it took more than 100 MB of memory"):
        processes.run([sys.executable, "-c", GREEDY], watch=Watch(most_memory=100 << 20))


def test_a_program_within_its_memory_is_left_alone() -> None:
    finished = processes.run([sys.executable, "-c", "print(1)"], watch=Watch(most_memory=500 << 20))
    assert (finished.returncode, finished.stdout.strip()) == (0, "1")


ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell what a process waits for")


@ON_LINUX
def test_a_program_that_has_stopped_for_good_is_ended() -> None:
    with pytest.raises(processes.HungError, match="was killed: it did nothing for 1 s, and waited for nothing"):
        processes.run([sys.executable, "-c", "import threading; threading.Event().wait(60)"], watch=Watch(idle=1))


SERVED = """
import socket, threading, time
server = socket.create_server(("127.0.0.1", 0))
def answer():
    peer, _ = server.accept()
    time.sleep(3)
    peer.sendall(b"late")
threading.Thread(target=answer, daemon=True).start()
print(socket.create_connection(server.getsockname()).recv(9))
"""
CALLS = "import subprocess, sys; print(subprocess.run([sys.executable, '-c', 'import time; time.sleep(3)']).returncode)"
BUSY = """
import time
until = time.monotonic() + 3
while time.monotonic() < until:
    sum(range(3_000_000))
    time.sleep(0.2)
print('busy')
"""


@pytest.mark.parametrize(("code", "says"), [(SERVED, "b'late'"), (CALLS, "0"), (BUSY, "busy")])
def test_a_program_that_works_or_waits_for_another_is_left_alone(code: str, says: str) -> None:
    finished = processes.run([sys.executable, "-c", code], watch=Watch(idle=1))
    assert (finished.returncode, finished.stdout.strip()) == (0, says)


PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], stdout=sys.stdout)
print(child.pid, flush=True)
child.wait()
"""


def test_a_program_ends_with_all_that_it_has_started_on_windows() -> None:
    """Elsewhere it alone gets a signal: a client ends its plug-ins itself.

    The pipe is at its end only when the child has gone, too, which holds it.
    """
    began = time.monotonic()
    with processes.started([sys.executable, "-c", PARENT]) as process:
        assert process.stdout
        child = int(process.stdout.readline())
        processes.terminate(process)
        if sys.platform == "win32":
            assert process.stdout.read() == b""
        else:
            assert process.wait(30) == -signal.SIGTERM
            os.kill(child, signal.SIGKILL)  # it is still there
    assert time.monotonic() - began < 30


def test_a_program_that_has_ended_can_be_ended_again() -> None:
    with processes.started([sys.executable, "-c", "pass"]) as process:
        process.wait()
        processes.terminate(process)
    processes.terminate(process)
    assert process.returncode == 0
