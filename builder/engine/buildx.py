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
from builder.engine.progress import BuildProgress, read_events, read_lines


@dataclass(frozen=True, kw_only=True, slots=True)
class ContainerBuild:
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


def run(
    engine: Engine, build: ContainerBuild, show: Callable[[str, str], None], receive: Callable[[BinaryIO], None]
) -> None:
    """Build and give the tar of the result to `receive`, with Docker as it arrives.

    Raises BuildError or EngineError that name the cause. When `show` or `receive` raises, the build is stopped.
    """
    build.log.parent.mkdir(parents=True, exist_ok=True)
    streams = engine.kind == DOCKER
    if engine.kind == PODMAN:
        _mark(build.context)
    with build.log.open("w", encoding="utf-8", errors="replace") as log:
        progress = BuildProgress(show, log)
        late = threading.Event()
        with processes.started(command(engine, build)) as process:
            with (
                _timeout(build.timeout, process.terminate, late),
                _listening(process, progress, events=streams) as broken,
            ):
                unread = _receive(process.stdout, receive) if streams else _lines(process.stdout, progress)
            code = process.wait()
        if broken:
            raise broken[0]
    if late.is_set():
        msg = f"{build.target}: the build took longer than {build.timeout / 60:.0f} minutes"
        raise BuildError(msg, hint=f"--timeout MINUTES allows more; the log so far is {build.log}")
    if code or unread:
        raise failure.explain(progress, build.target, build.image, build.log, build.os)
    if not streams:
        with build.result.open("rb") as result:
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


def _lines(stream: IO[bytes] | None, progress: BuildProgress) -> bool:
    read_lines(stream, progress)
    return False


def command(engine: Engine, build: ContainerBuild) -> Sequence[str]:
    """Return the command line of a build."""
    secrets = [f"--secret=id={name},src={path}" for name, path in build.secrets.items()]
    docker = engine.kind == DOCKER
    return [
        *engine.build,
        *(("--progress=rawjson", "--provenance=false") if docker else ()),
        f"--platform={build.platform}",
        f"--file={build.context / 'Dockerfile'}",
        *secrets,
        *(["--no-cache"] if build.no_cache else []),
        *(f"--build-arg={name}={value}" for name, value in build.arguments.items()),
        f"--output=type=tar,dest={'-' if docker else build.result}",  # others write their talk to stdout, too
        str(build.context),
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
def _listening(
    process: subprocess.Popen[bytes], progress: BuildProgress, *, events: bool
) -> Iterator[list[BaseException]]:
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
