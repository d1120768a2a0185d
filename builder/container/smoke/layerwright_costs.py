"""What imports cost: each by time and memory, and all of them with no file of the layer in the page cache.

Lies beside the function, for the tests in Python. `LAYERWRIGHT_UNCACHED` has the seconds that the second measurement
may take. It runs in a process of its own, before the test. Another one before it has the system drop the pages of the
layer's files: that needs no rights, and what is not on the disk yet is written file by file, not with all of the disk.
"""

import ctypes
import itertools
import os
import signal
import sys
import time
from pathlib import Path
from typing import Callable, Iterator

VARIABLE = "LAYERWRIGHT_UNCACHED"
MODE = os.environ.pop(VARIABLE, "")
MEASURES = MODE == "measures"
LAYER = "/opt"
FILES = 20_000  # of a layer; with more, their pages are not dropped
WRITTEN = 1 | 2 | 4  # SYNC_FILE_RANGE_WAIT_BEFORE, _WRITE and _WAIT_AFTER
TIMES = 10  # pages that are just being written, or that a processor has at hand, stay for a moment
KEPT = 3  # exit code where pages stay in memory


def told(line: str) -> None:
    os.write(2, f"\n{line}\n".encode())


def resident() -> float:
    """Return the MB that this process has in memory."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGESIZE") / 1e6


def measured(name: str, run: Callable[[], object]) -> None:
    """Import something, and tell what it costs beyond what was imported before; what fails costs nothing."""
    before, began = resident(), time.perf_counter()
    run()
    took = (time.perf_counter() - began) * 1000
    if not MEASURES:
        told(f"layerwright-import={name} {took:.1f} {max(0.0, resident() - before):.1f}")


def tell(began: float) -> None:
    """Tell what all imports cost since a time of `time.perf_counter`. A process that only measures ends with that."""
    took = (time.perf_counter() - began) * 1000
    if MEASURES:
        told(f"layerwright-uncached-ms={took:.1f}")
        os._exit(0)
    told(f"layerwright-import-ms={took:.1f}")
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            told(f"layerwright-peak-mb={int(line.split()[1]) / 1000:.1f}")


def files(folder: str) -> "Iterator[str]":
    for parent, _, names in os.walk(folder):
        yield from (os.path.join(parent, name) for name in names)  # noqa: PTH118  it is called for each file


def drop() -> int:
    """Have the system forget the content of the layer's files; return whether it did, as an exit code."""
    libc = ctypes.CDLL(None)
    libc.sync_file_range.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)
    kept = list(itertools.islice(files(LAYER), FILES + 1))
    if len(kept) > FILES:
        return KEPT
    for _ in range(TIMES):
        kept = [path for path in kept if stays(libc.sync_file_range, path)]
        if not kept:
            return 0
        time.sleep(0.02)
    return KEPT


def stays(sync_file_range: Callable[[int, int, int, int], int], path: str) -> bool:
    """Return whether the system keeps the content of a file in memory, when it was asked not to."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False  # a link; what the user may not read, no import reads
    try:
        sync_file_range(file, 0, 0, WRITTEN)
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        return cached(file)
    finally:
        os.close(file)


def cached(file: int) -> bool:
    """Return whether the beginning of a file can be read without its disk."""
    try:
        return os.preadv(file, [bytearray(1)], 0, os.RWF_NOWAIT) == 1
    except BlockingIOError:
        return False
    except OSError:
        return True  # the file system cannot tell


def finished(child: int, until: float) -> bool:
    """Return whether a process ended well; at a time it is killed."""
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status == 0
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def measure_uncached() -> None:
    """Have the imports of this program measured with no page of the layer in memory."""
    command = Path("/proc/self/cmdline").read_bytes().split(b"\0")[:-1]
    until = time.monotonic() + float(MODE)
    own = {**os.environ, "HOME": "/tmp/layerwright-uncached"}  # noqa: S108  what it keeps is not for the test
    for mode in ("drops", "measures"):
        child = os.spawnve(os.P_NOWAIT, sys.executable, command, {**own, VARIABLE: mode})  # noqa: S606
        if not finished(child, until):
            return


def begin() -> None:
    """Call this before the first import of a test."""
    if MODE == "drops":
        os._exit(drop())
    if MEASURES:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what the test prints is the test's
    elif MODE:
        measure_uncached()
