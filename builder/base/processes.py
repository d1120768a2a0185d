"""Child processes: started without a shell, their output captured, and ended when layerwright is interrupted."""

import contextlib
import itertools
import os
import subprocess
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import TypeVar

from builder.base import signing, watching
from builder.base.errors import BuildError
from builder.base.frozen import dataclass
from builder.base.process_tree import ProcessTree, process_tree
from builder.base.watching import Watch

_children: dict[subprocess.Popen[bytes], ProcessTree] = {}
_guard = threading.Lock()
_stopped = threading.Event()
_pools = itertools.count()
T = TypeVar("T")
_POLL_SECONDS = 0.2
NOT_WATCHED = Watch()
_GRACE_SECONDS = 5.0
"""Time between SIGTERM and SIGKILL."""


class MemoryExceededError(BuildError):
    """A program was killed because it took more memory than it may."""


class HungError(BuildError):
    """A program was killed because it had stopped for good."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """Exit code and output of a process, decoded as UTF-8."""

    returncode: int
    stdout: str
    stderr: str
    dropped: int = 0
    """Bytes of output before its end that were not kept."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FinishedBytes:
    """Exit code and output of a process, as bytes."""

    returncode: int
    stdout: bytes
    stderr: bytes


def as_completed(futures: Iterable[Future[T]]) -> Iterator[Future[T]]:
    """Yield futures as they complete, like `concurrent.futures.as_completed`, but interruptible.

    A wait without a timeout cannot be interrupted by Ctrl-C on Windows, nor elsewhere if another thread got the signal.
    """
    pending = set(futures)
    while pending:
        done, pending = wait(pending, _POLL_SECONDS, return_when=FIRST_COMPLETED)
        yield from done


@contextlib.contextmanager
def pool(threads: int) -> Iterator[ThreadPoolExecutor]:
    """Yield a pool all of whose threads have ended afterwards, also after an interrupt, which ends their processes.

    A ThreadPoolExecutor does not wait for a thread if Ctrl-C interrupts the moment in which it is started.
    """
    name = f"layerwright-{next(_pools)}-"
    try:
        with ThreadPoolExecutor(threads, name) as executor:
            try:
                yield executor
            except KeyboardInterrupt:
                kill_all()
                executor.shutdown(wait=False, cancel_futures=True)
                raise
    finally:
        for thread in threading.enumerate():
            if thread.name.startswith(name):
                thread.join()


@contextlib.contextmanager
def started(
    command: Sequence[str | os.PathLike[str]],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    has_stdin: bool = False,
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a program with piped output, yield it, and end it on exit. Raises BuildError after `kill_all`.

    It gets this environment, or that of layerwright, without the key that signs the shared cache.
    """
    refuse_if_stopped()
    process = subprocess.Popen(
        [os.fspath(part) for part in command],
        stdin=subprocess.PIPE if has_stdin else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={name: value for name, value in (os.environ if env is None else env).items() if name != signing.VARIABLE},
        cwd=cwd,
    )
    with _guard:
        _children[process] = process_tree(process)
    try:
        yield process
    finally:
        _end(process)
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()
        with _guard:
            _children.pop(process).release()


def terminate(process: subprocess.Popen[bytes]) -> None:
    """End a program that `started` has yielded, on Windows with all that it has started itself."""
    with _guard:
        if process in _children:
            _children[process].terminate()


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program if it still runs. SIGTERM comes first, so that a client can cancel the work of its engine."""
    if process.poll() is not None:
        return
    terminate(process)
    try:
        process.wait(_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def run_bytes(
    command: Sequence[str | os.PathLike[str]],
    *,
    stdin: bytes | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    watch: Watch = NOT_WATCHED,
) -> FinishedBytes:
    """Run a program to completion and return its exit code and output. The caller judges the exit code.

    Raises MemoryExceededError or HungError if it is killed for what it is watched for, where the system tells.
    """
    with (
        started(command, env=env, cwd=cwd, has_stdin=stdin is not None) as process,
        watching.watched(process, watch) as watched,
    ):
        out, err = process.communicate(stdin)
    name = Path(command[0]).name
    if watched.verdict == "memory":
        msg = f"{name} was killed: it took more than {(watch.most_memory or 0) >> 20} MB of memory"
        raise MemoryExceededError(msg)
    if watched.verdict == "hung":
        msg = f"{name} was killed: it did nothing for {watch.idle:.0f} s, and waited for nothing"
        raise HungError(msg)
    return FinishedBytes(returncode=process.returncode, stdout=out, stderr=err)


def run(
    command: Sequence[str | os.PathLike[str]],
    *,
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    watch: Watch = NOT_WATCHED,
) -> Finished:
    """Run a program to completion and return its exit code and output as text. See `run_bytes`."""
    data = None if stdin is None else stdin.encode()
    finished = run_bytes(command, stdin=data, env=env, cwd=cwd, watch=watch)
    return Finished(
        returncode=finished.returncode,
        stdout=finished.stdout.decode(errors="replace"),
        stderr=finished.stderr.decode(errors="replace"),
    )


def run_always(command: Sequence[str]) -> None:
    """Run a cleanup command, also after `kill_all`. Its exit code and output are ignored.

    An interrupt while it runs, which may have ended it as well, is raised when it has been run once more.
    """
    try:
        subprocess.run(command, check=False, capture_output=True, stdin=subprocess.DEVNULL)
    except KeyboardInterrupt:
        subprocess.run(command, check=False, capture_output=True, stdin=subprocess.DEVNULL)
        raise


def refuse_if_stopped() -> None:
    """Raise BuildError after `kill_all`."""
    if _stopped.is_set():
        msg = "interrupted"
        raise BuildError(msg)


def kill_all() -> None:
    """Terminate the children of all threads, and refuse to start new ones."""
    _stopped.set()
    with _guard:
        for child in _children.values():
            child.terminate()
