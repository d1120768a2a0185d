"""A container build: from a build context to a tar stream. A build that is stopped leaves nothing behind."""

import contextlib
import json
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import IO, Any, BinaryIO

from builder.base import files, processes
from builder.base.emitter import Events
from builder.base.errors import BuildError, LayerwrightError
from builder.base.frozen import dataclass
from builder.engine import failure
from builder.engine.client import DOCKER, PODMAN, Engine
from builder.engine.masking import Mask
from builder.engine.progress import BuildProgress, read_events, read_lines


@dataclass(frozen=True, kw_only=True, slots=True)
class StageImage:
    """An image that the engine keeps of a stage."""

    stage: str
    tag: str
    label: Sequence[str]
    """The option that labels it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ContainerBuild:
    """A build of a Dockerfile."""

    target: str
    """Name of the target, for messages."""
    os: str
    """Name of the operating system, for messages about its packages."""
    image: str
    """Name of the base image, for messages."""
    context: Path
    """Folder of the Dockerfile and all files that it reads."""
    platform: str
    log: Path
    """The file that receives all output."""
    secrets: Mapping[str, Path] = field(default_factory=dict)
    """Files of secrets, by id."""
    no_cache: bool = False
    arguments: Mapping[str, str] = field(default_factory=dict)
    """Build arguments of the Dockerfile."""
    timeout: float = 4 * 3600.0
    """Time limit, in seconds."""
    kept: StageImage | None = None
    """The stage that becomes an image; None for the tar of the last one."""

    @property
    def result(self) -> Path:
        """The file to which engines other than Docker export the tar, because they cannot stream it."""
        return self.context.parent / "result.tar"


def run(engine: Engine, build: ContainerBuild, events: Events, receive: Callable[[BinaryIO], None]) -> None:
    """Run a build and pass the tar of its result to `receive`; with Docker, while it is exported. An image has none.

    Emits the steps and their output. Raises BuildError or EngineError, with the cause, if the build fails. If the check
    of `events` or `receive` raises, the build is stopped.
    """
    build.log.parent.mkdir(parents=True, exist_ok=True)
    streams = engine.kind == DOCKER
    if engine.kind == PODMAN:
        _add_content_hash(build.context)
    with build.log.open("w", encoding="utf-8", errors="replace") as log:
        progress = BuildProgress(events, log, Mask(path.read_bytes() for path in build.secrets.values()))
        timed_out = threading.Event()
        with processes.started(command(engine, build)) as process:
            try:
                with (
                    _timeout(build.timeout, lambda: processes.terminate(process), timed_out),
                    _listening(process, progress, events=streams) as errors,
                ):
                    truncated = _receive(process.stdout, receive) if streams else _lines(process.stdout, progress)
                code = process.wait()
            finally:
                progress.close(succeeded=process.returncode == 0)
        if errors:
            raise errors[0]
    if timed_out.is_set():
        msg = f"{build.target}: the build took longer than {build.timeout / 60:.0f} minutes"
        raise _logged(BuildError(msg, hint=f"--timeout MINUTES raises the limit; the log is {build.log}"), build)
    if not (streams or code or build.kept):
        with build.result.open("rb") as result:
            truncated = _receive(result, receive)
    if code or truncated:
        error = failure.explain(progress, build.target, build.image, build.log, build.os)
        error.instruction = progress.failed.name if progress.failed else ""
        raise _logged(error, build)


def _logged(error: LayerwrightError, build: ContainerBuild) -> LayerwrightError:
    error.log = build.log
    return error


def _receive(stream: IO[bytes] | None, receive: Callable[[BinaryIO], None]) -> bool:
    """Pass the stream to `receive`; return whether it ended early. The output of the build has the reason."""
    if stream is None:
        return True
    try:
        receive(stream)  # type: ignore[arg-type]
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and files.disk_error(error):
            raise  # the disk of this host is at fault, and not the stream
        return True
    while stream.read(1 << 16):
        pass  # the padding after the end of the tar, so that the client can finish writing
    return False


def _lines(stream: IO[bytes] | None, progress: BuildProgress) -> bool:
    read_lines(stream, progress)
    return False


def command(engine: Engine, build: ContainerBuild) -> Sequence[str]:
    """Return the command line of a build."""
    secrets = [f"--secret=id={name},src={path}" for name, path in build.secrets.items()]
    docker = engine.kind == DOCKER
    if kept := build.kept:
        output = [*(["--load"] if docker else []), f"--target={kept.stage}", f"--tag={kept.tag}", *kept.label]
    else:  # other clients print messages to stdout, too
        output = [f"--output=type=tar,dest={'-' if docker else build.result}"]
    return [
        *engine.build,
        *(("--progress=rawjson", "--provenance=false") if docker else ()),
        f"--platform={build.platform}",
        f"--file={build.context / 'Dockerfile'}",
        *secrets,
        *(["--no-cache"] if build.no_cache else []),
        *(f"--build-arg={name}={value}" for name, value in build.arguments.items()),
        *output,
        str(build.context),
    ]


def _add_content_hash(context: Path) -> None:
    """Add a hash of the whole context to the Dockerfile, because Podman's cache ignores the files of bind mounts.

    Without it, the results of steps that ran with older scripts would be reused. BuildKit hashes these files itself.
    """
    file = context / "Dockerfile"
    text = file.read_text(encoding="utf-8")
    marked = text.replace("USER root\n", f"USER root\nENV LAYERWRIGHT_CONTEXT={_content(context)}\n")
    file.write_text(marked, encoding="utf-8", newline="\n")


def _content(context: Path) -> str:
    return files.sha256_of(json.dumps(files.hashes(context)).encode())


@contextlib.contextmanager
def _timeout(seconds: float, kill: Callable[[], None], timed_out: threading.Event) -> Iterator[None]:
    def end() -> None:
        timed_out.set()
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
    """Read the messages of the client in a thread. Yields a list of errors, which end the build."""
    errors: list[BaseException] = []
    stream: Any = process.stderr

    def listen() -> None:
        try:
            if events:
                read_events(lambda: stream.read1(1 << 16), progress)
            else:
                read_lines(stream, progress)
        except BaseException as error:  # noqa: BLE001  raised again by the thread that waits
            errors.append(error)
            processes.terminate(process)

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    try:
        yield errors
    finally:
        thread.join(timeout=10)
