"""Running other programs: no shell, output captured, and no child left behind when we are interrupted."""

import contextlib
import os
import subprocess
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from builder.base.errors import BuildError

_children: set[subprocess.Popen[bytes]] = set()
_guard = threading.Lock()
_stopped = threading.Event()
T = TypeVar("T")
_LOOK = 0.2
"""Seconds."""
_GRACE = 5.0
"""Seconds that a program has between being asked to end and being killed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    returncode: int
    stdout: str
    stderr: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FinishedBytes:
    returncode: int
    stdout: bytes
    stderr: bytes


def as_completed(futures: Iterable[Future[T]]) -> Iterator[Future[T]]:
    """Yield futures as they are done.

    A wait without an end hears no Ctrl-C on Windows, and elsewhere none that the kernel gave another thread.
    """
    pending = set(futures)
    while pending:
        done, pending = wait(pending, _LOOK, return_when=FIRST_COMPLETED)
        yield from done


@contextlib.contextmanager
def started(
    command: Sequence[str | os.PathLike[str]],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    has_stdin: bool = False,
) -> Iterator[subprocess.Popen[bytes]]:
    """Give a running program whose output is piped; it does not outlive the block."""
    if _stopped.is_set():
        msg = "interrupted"
        raise BuildError(msg)
    process = subprocess.Popen(
        [os.fspath(part) for part in command],
        stdin=subprocess.PIPE if has_stdin else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=None if env is None else dict(env),
        cwd=cwd,
    )
    with _guard:
        _children.add(process)
    try:
        yield process
    finally:
        _end(process)
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()
        with _guard:
            _children.discard(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program that still runs: asked first, because a client must tell its engine to stop as well."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def run_bytes(
    command: Sequence[str | os.PathLike[str]],
    *,
    stdin: bytes | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> FinishedBytes:
    """Run a program to its end and return what it said; the exit code is the caller's to judge."""
    with started(command, env=env, cwd=cwd, has_stdin=stdin is not None) as process:
        out, err = process.communicate(stdin)
    return FinishedBytes(returncode=process.returncode, stdout=out, stderr=err)


def run(
    command: Sequence[str | os.PathLike[str]],
    *,
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Finished:
    """Do the same with text."""
    done = run_bytes(command, stdin=None if stdin is None else stdin.encode(), env=env, cwd=cwd)
    return Finished(
        returncode=done.returncode,
        stdout=done.stdout.decode(errors="replace"),
        stderr=done.stderr.decode(errors="replace"),
    )


def run_always(command: Sequence[str]) -> None:
    """Run something that cleans up, also after an interrupt."""
    subprocess.run(command, check=False, capture_output=True, stdin=subprocess.DEVNULL)


def kill_all() -> None:
    """End every child that still runs, in whichever thread it was started, and let no new one begin."""
    _stopped.set()
    with _guard:
        for process in _children:
            process.terminate()
