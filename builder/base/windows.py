"""What Windows does otherwise: paths that are too long, files that are open elsewhere, pipes that are closed."""

import contextlib
import errno
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

IS_HOST = sys.platform == "win32"
OPEN_ELSEWHERE = frozenset({5, 32, 33})
"""ERROR_ACCESS_DENIED, ERROR_SHARING_VIOLATION and ERROR_LOCK_VIOLATION, of a file that another program has open."""
IN_CLOUD = range(358, 405)
"""ERROR_CLOUD_FILE_*: a file of OneDrive or the like whose bytes are not on this disk, and cannot be had."""
TOO_LONG = frozenset({206, 234})
"""ERROR_FILENAME_EXCED_RANGE, and what Wine has for it, ERROR_MORE_DATA."""
_PAUSES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4)
"""Seconds between attempts, about one in all: scanners and indexers hold a new file for a moment."""


def extended(path: str) -> str:
    r"""Return an absolute path of Windows in the form that may be longer than 260 characters, `\\?\C:\folder`.

    It is for this process alone: other programs may not take it, and it has no dots and no slashes.
    """
    if path.startswith("\\\\?\\"):
        return path
    if path.startswith("\\\\"):
        return f"\\\\?\\UNC\\{path[2:]}"
    return f"\\\\?\\{path}"


def long(path: "Path") -> "Path":
    """Return a path below which this process may read and remove whatever other programs made there."""
    return type(path)(extended(os.path.abspath(path))) if IS_HOST else path  # noqa: PTH100  as text, without looking


def winerror(error: OSError) -> int:
    """Return the number that Windows gave an error; 0 on other systems."""
    return int(getattr(error, "winerror", None) or 0)


def patiently(act: Callable[[], object]) -> None:
    """Move or remove a file, and try again for a second where Windows refuses it while another program has it open."""
    for pause in _PAUSES if IS_HOST else ():
        try:
            act()
        except PermissionError:
            time.sleep(pause)
        else:
            return
    act()


@contextlib.contextmanager
def until_closed() -> Iterator[None]:
    """Write to a pipe in the block, which ends early once nobody reads it any more."""
    try:
        yield
    except OSError as error:
        if not is_closed(error):
            raise


def is_closed(error: OSError) -> bool:
    """Return whether nobody reads a pipe any more that was written to: EPIPE, and EINVAL on Windows."""
    return isinstance(error, BrokenPipeError) or error.errno == errno.EINVAL
