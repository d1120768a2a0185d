"""Temporary files of the tests that need no engine: 100,000 small ones, which are in memory where there is room."""

import os
import re
import shutil
import tempfile
from pathlib import Path

FOLDER = Path("/dev/shm")  # noqa: S108  # Linux has it, with the rights of /tmp
NEEDED = 8 << 30
"""Bytes, several times of what tests have at once."""


def use() -> None:
    """Let this process and those that it starts make temporary files in memory, unless the user says where."""
    if "TMPDIR" not in os.environ and _room() >= NEEDED:
        os.environ["TMPDIR"] = str(FOLDER)
        tempfile.tempdir = None  # asked for again


def _room() -> int:
    """Return the bytes that fit into memory; 0 where it is no folder."""
    try:
        available = re.search(r"MemAvailable: +(\d+) kB", Path("/proc/meminfo").read_text(encoding="ascii"))
        return min(int(available[1]) * 1024 if available else 0, shutil.disk_usage(FOLDER).free)
    except OSError:
        return 0
