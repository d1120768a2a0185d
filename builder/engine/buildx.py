"""One build: a context goes in, a tar stream comes out; nothing is left behind when it is stopped."""

import contextlib
import json
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, BinaryIO

from builder.base import files, processes
from builder.base.errors import BuildError
from builder.engine import failure
from builder.engine.client import DOCKER, PODMAN, Engine
from builder.engine.progress import Progress, read_events, read_lines


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """What to build."""

    target: str
    """For messages."""
    os: str
    image: str
    context: Path
    platform: str
    log: Path
    secrets: Mapping[str, Path] = field(default_factory=dict)
    no_cache: bool = False
    arguments: Mapping[str, str] = field(default_factory=dict)
    """Of the Dockerfile."""
    timeout: float = 4 * 3600.0
    """Seconds."""

    @property
    def result(self) -> Path:
        """Where engines write the tar that cannot stream it."""
        return self.context.parent / "result.tar"


def build(engine: Engine, job: Job, show: Callable[[str, str], None], receive: Callable[[BinaryIO], None]) -> None:
    """Build and give the tar of the result to `receive`, with Docker as it arrives.

    Raises BuildError or EngineError that name the cause. When `show` or `receive` raises, the build is stopped.
    """
    job.log.parent.mkdir(parents=True, exist_ok=True)
    streams = engine.kind == DOCKER
    if engine.kind == PODMAN:
        _mark(job.context)
    with job.log.open("w", encoding="utf-8", errors="replace") as log:
        progress = Progress(show, log)
        late = threading.Event()
        with processes.started(command(engine, job)) as process:
            with (
                _timeout(job.timeout, process.terminate, late),
                _listening(process, progress, events=streams) as broken,
            ):
                unread = _receive(process.stdout, receive) if streams else _lines(process.stdout, progress)
            code = process.wait()
        if broken:
            raise broken[0]
    if late.is_set():
        msg = f"{job.target}: the build took longer than {job.timeout / 60:.0f} minutes"
        raise BuildError(msg, hint=f"--timeout MINUTES allows more; the log so far is {job.log}")
    if code or unread:
        raise failure.explain(progress, job.target, job.image, job.log, job.os)
    if not streams:
        with job.result.open("rb") as result:
            receive(result)


def _receive(stream: IO[bytes] | None, receive: Callable[[BinaryIO], None]) -> bool:
    """Hand the stream over; True when it ended early, for which the build's own message will say why."""
    if stream is None:
        return True
    try:
        receive(stream)  # type: ignore[arg-type]
    except (OSError, EOFError, ValueError, _tar_error()):
        return True
    while stream.read(1 << 16):
        pass  # what stands behind the end of a tar, so that the other side can finish
    return False


def _lines(stream: IO[bytes] | None, progress: Progress) -> bool:
    read_lines(stream, progress)
    return False


def command(engine: Engine, job: Job) -> Sequence[str]:
    """Return the command line of a build."""
    secrets = [f"--secret=id={name},src={path}" for name, path in job.secrets.items()]
    docker = engine.kind == DOCKER
    return [
        *engine.build,
        *(("--progress=rawjson", "--provenance=false") if docker else ()),
        f"--platform={job.platform}",
        f"--file={job.context / 'Dockerfile'}",
        *secrets,
        *(["--no-cache"] if job.no_cache else []),
        *(f"--build-arg={name}={value}" for name, value in job.arguments.items()),
        f"--output=type=tar,dest={'-' if docker else job.result}",  # others write their talk to stdout, too
        str(job.context),
    ]


def _mark(context: Path) -> None:
    """Name all that steps can read in the Dockerfile: Podman's cache does not see what bind mounts hold.

    BuildKit's does. Without this, steps that ran with older scripts would be taken for those of today.
    """
    file = context / "Dockerfile"
    text = file.read_text(encoding="utf-8")
    marked = text.replace("USER root\n", f"USER root\nENV LAYERWRIGHT_CONTEXT={_content(context)}\n")
    file.write_text(marked, encoding="utf-8", newline="\n")


def _content(context: Path) -> str:
    return files.sha256_of(json.dumps(files.hashes(context)).encode())


def _tar_error() -> type[Exception]:
    import tarfile

    return tarfile.TarError


@contextlib.contextmanager
def _timeout(seconds: float, kill: Callable[[], None], late: threading.Event) -> Iterator[None]:
    def end() -> None:
        late.set()
        kill()

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextlib.contextmanager
def _listening(process: subprocess.Popen[bytes], progress: Progress, *, events: bool) -> Iterator[list[BaseException]]:
    """Read what the client says beside the tar; what `show` raises ends the build and is kept for the caller."""
    broken: list[BaseException] = []
    stream: Any = process.stderr

    def listen() -> None:
        try:
            if events:
                read_events(lambda: stream.read1(1 << 16), progress)
            else:
                read_lines(stream, progress)
        except BaseException as error:  # noqa: BLE001  goes to the thread that waits
            broken.append(error)
            process.terminate()

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    try:
        yield broken
    finally:
        thread.join(timeout=10)
