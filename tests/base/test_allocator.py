"""Memory of large buffers goes back to the system when they are freed."""

import subprocess
import sys

import pytest
from kit.commands import ROOT

BUFFERS = """
import re, sys
from pathlib import Path
from builder.base import allocator
def resident():
    return int(re.search(r"VmRSS:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) >> 10
if sys.argv[1] == "given back":
    allocator.give_back()
large = bytes(range(256)) * 80_000  # 20 MB: when it is freed, glibc takes what is smaller from its heap
del large
buffers, small = [], []
for _ in range(20):
    buffers.append(bytes(range(256)) * 12_000)
    small.append(bytes(600))  # in the heap as well, behind each buffer
held = resident()
del buffers
print(held - resident())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other allocators")
@pytest.mark.parametrize(("how", "given"), [("given back", True), ("as usual", False)])
def test_freed_buffers_are_given_back(how: str, *, given: bool) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BUFFERS, how], cwd=ROOT, capture_output=True, encoding="utf-8", check=True
    )
    megabytes = int(done.stdout)
    assert (megabytes > 50) is given, megabytes
