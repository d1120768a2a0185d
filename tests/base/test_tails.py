"""Output of programs that print for ever: its end is kept, in bounded memory."""

import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.base import processes, tails
from builder.base.tails import OutputTails, Tail


def followed(code: str, seconds: float = 60) -> tuple[OutputTails, bool]:
    with processes.started([sys.executable, "-c", code]) as process:
        output = OutputTails(process)
        return output, output.wait(seconds)


def test_short_output_is_kept_whole() -> None:
    output, ended = followed("import sys; print('out'); print('größe', file=sys.stderr)")
    assert ended
    assert output.stdout.text().splitlines() == ["out"]
    assert output.stderr.text().startswith("gr")
    assert output.dropped == 0
    assert tails.note(output.dropped) == []


def test_the_end_of_long_output_is_kept_and_the_rest_counted() -> None:
    output, ended = followed("import sys\nfor _ in range(400): sys.stdout.write('x' * 65535 + chr(10))\nprint('last')")
    assert ended
    kept = output.stdout.text()
    assert len(kept) == tails.LARGEST
    assert kept.splitlines()[-1] == "last"
    total = 400 * (65535 + len("\r\n" if sys.platform == "win32" else "\n")) + len("last\n")
    assert output.dropped == pytest.approx(total - tails.LARGEST, abs=1)
    assert tails.note(output.dropped) == ["22.0 MB of output before its end were dropped"]


def test_a_program_without_an_end_is_given_up_in_time() -> None:
    started = time.monotonic()
    output, ended = followed("while True: print('x' * 1000)", seconds=1.0)
    assert not ended
    assert time.monotonic() - started < 10
    assert len(output.stdout.text()) <= tails.LARGEST


def test_a_program_that_closes_its_output_is_waited_for() -> None:
    output, ended = followed("import os, time; os.close(1); os.close(2); time.sleep(1)", seconds=0.5)
    assert not ended
    assert output.stdout.text() == ""


@given(st.lists(st.binary(max_size=40)))
def test_a_tail_is_the_end_of_what_was_added(chunks: list[bytes]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tails, "LARGEST", 50)
        tail = Tail()
        for chunk in chunks:
            tail.add(chunk)
    whole = b"".join(chunks)
    assert tail.text() == whole[-50:].decode(errors="replace")
    assert tail.dropped == max(0, len(whole) - 50)


def test_memory_stays_bounded() -> None:
    code = (
        "import sys\nfrom builder.base import processes\nfrom builder.base.tails import OutputTails\n"
        "with processes.started([sys.executable, '-c', 'import sys\\nfor _ in range(4000): "
        'sys.stdout.write("x" * 65536)\']) as process:\n    output = OutputTails(process)\n    assert output.wait(60)\n'
        "assert output.dropped > 200e6\nprint(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])"
    )
    if sys.platform != "linux":
        pytest.skip("it reads /proc")
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(finished.stdout) < 100_000
