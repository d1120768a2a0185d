"""Running other programs: no shell, output captured, and no child left behind when we are interrupted."""

import os
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from builder.errors import BuildError

_children: set[subprocess.Popen[bytes]] = set()
_guard = threading.Lock()
_stopped = threading.Event()


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    returncode: int
    stdout: str
    stderr: str


def run(
    command: Sequence[str | os.PathLike[str]],
    *,
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Finished:
    """Run a program to its end and return what it said; the exit code is the caller's to judge."""
    if _stopped.is_set():
        msg = "interrupted"
        raise BuildError(msg)
    process = subprocess.Popen(
        [os.fspath(part) for part in command],
        stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=None if env is None else dict(env),
        cwd=cwd,
    )
    with _guard:
        _children.add(process)
    try:
        out, err = process.communicate(None if stdin is None else stdin.encode())
    except BaseException:
        process.kill()
        process.wait()
        raise
    finally:
        with _guard:
            _children.discard(process)
    return Finished(
        returncode=process.returncode,
        stdout=out.decode(errors="replace"),
        stderr=err.decode(errors="replace"),
    )


def kill_all() -> None:
    """Kill every child that still runs, in whichever thread it was started, and let no new one begin."""
    _stopped.set()
    with _guard:
        for process in _children:
            process.kill()
