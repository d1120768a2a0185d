"""Containers with the restrictions of Lambda: a layer at /opt, an unprivileged user, no network, only /tmp writable."""

import hashlib
import io
import json
import subprocess
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import field, replace
from typing import IO, Any

from builder.base import cache_paths, processes, programs, tails, windows
from builder.base.errors import BuildError, EngineError
from builder.base.frozen import dataclass
from builder.base.tails import OutputTails
from builder.engine import conditions, containers, failure, owned
from builder.engine.client import DOCKER, Engine, unreachable
from builder.engine.witness import PROBE, Witness
from builder.model.architectures import Architecture
from builder.model.images import Image

_LOG_SECONDS = 60.0
_KEPT_LOG = ("--log-driver=json-file", "--log-opt=max-size=16m", "--log-opt=max-file=2")
"""What the engine keeps of a container's output on its disk, for `docker logs`."""
FOLDERS = ("opt", "var/task")
"""The folders that files are copied to. Each is a volume, so that the rest of the container can be read-only."""

File = tuple[str, int, bytes, str | None]
"""Path relative to /, permission bits, content, and the target if it is a symbolic link."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ContainerRun:
    """A program to run in a container."""

    image: Image
    arch: Architecture
    command: Sequence[str]
    """The entry point, followed by its arguments."""
    env: Mapping[str, str] = field(default_factory=dict)
    memory: int | None = None
    """Memory limit, in MB."""
    hidden: tuple[str, ...] = ()
    """Sonames of libraries to remove from the image, because Lambda itself may lack them."""
    user: str = conditions.USER
    timeout: float = 600.0
    """Time limit, in seconds."""
    witness: Witness | None = None
    """What learns which files of /opt the program opens; None if nobody asks."""


@dataclass(frozen=True, kw_only=True, slots=True)
class InvokeResponse:
    """The response of a function."""

    body: str
    log: str
    """Output of the emulator, the runtime and the function."""


def run(engine: Engine, container: ContainerRun, files: Iterable[File]) -> processes.Finished:
    """Run a program to completion in a container that is removed afterwards. The caller judges the exit code.

    The files are copied through the engine's API instead of mounted, so that the engine may run on another machine. Of
    its output the end is kept. Raises BuildError if the program exceeds its time limit.
    """
    with _container(engine, replace(container, command=_as_child(container.command)), files) as name:
        with processes.started([engine.program, "start", "--attach", name]) as process, _killed(engine, name, process):
            output = OutputTails(process)
            in_time = output.wait(container.timeout)
        if not in_time:
            msg = f"{container.command[0]} in {container.image.name} did not exit within {container.timeout:.0f} s"
            raise BuildError(msg, why=tails.note(output.dropped))
        return _finished(process, output)


def _as_child(command: Sequence[str]) -> list[str]:
    """Return the command of a container in which a program is not the first process, for which signals are ignored."""
    return ["/bin/sh", "-c", programs.text("smoke/child.sh"), "sh", *command]


@contextmanager
def _killed(engine: Engine, name: str, client: subprocess.Popen[bytes]) -> Iterator[None]:
    """Kill a container at the end of the block if its client is still attached, which then ends by itself.

    A client that is ended itself hands the signal to the program, and waits for the program to heed it.
    """
    try:
        yield
    finally:
        if client.poll() is None:
            processes.run_always([engine.program, "kill", name])


def _finished(process: subprocess.Popen[bytes], output: OutputTails) -> processes.Finished:
    return processes.Finished(
        returncode=process.returncode,
        stdout=output.stdout.text(),
        stderr=output.stderr.text(),
        dropped=output.dropped,
    )


def interactive(engine: Engine, container: ContainerRun, files: Iterable[File]) -> int:
    """Run a program on this terminal in a container that is removed afterwards, and return its exit code."""
    with _container(engine, container, files, terminal=True) as name:
        return containers.interactive(engine, ["start", "--attach", "--interactive", name])


def invoke(engine: Engine, container: ContainerRun, files: Iterable[File], event: str) -> InvokeResponse:
    """Start a function behind the runtime interface emulator, send it an event, and return its response.

    Raises BuildError if the response exceeds the time limit.
    """
    with _container(engine, container, files) as name:
        started = processes.run([engine.program, "start", name])
        if started.returncode:
            raise _explain(engine, container, started)
        # With an input of its own, which is empty: else Podman hands over the host's /dev/null, which crun 1.8 gives to
        # the container's user.
        client = ["/bin/bash", "-c", programs.text("smoke/invoke.sh"), "client", event]
        request = [engine.program, "exec", "--interactive", name, *client]
        with processes.started(request) as process:
            output = OutputTails(process)
            in_time = output.wait(container.timeout)
        log = _log(engine, name)
        dropped = tails.note(log.dropped)
        lines = log.stdout + log.stderr
        if not in_time:
            msg = f"a function in {container.image.name} did not respond within {container.timeout:.0f} s"
            raise BuildError(msg, why=[*lines.splitlines()[-6:], *dropped])
        body = output.stdout.text().partition("\r\n\r\n")[2]
        return InvokeResponse(body=body, log="\n".join([lines + output.stderr.text(), *dropped]))


def _log(engine: Engine, name: str) -> processes.Finished:
    """Return the end of what a container has printed."""
    with processes.started([engine.program, "logs", name]) as process:
        output = OutputTails(process)
        output.wait(_LOG_SECONDS)
    return _finished(process, output)


@contextmanager
def _container(
    engine: Engine, container: ContainerRun, files: Iterable[File], *, terminal: bool = False
) -> Iterator[str]:
    """Create a container with these files, yield its name, and remove it on exit."""
    engine.mode(container.arch)  # raises if the engine cannot run this architecture
    options = [*(("--interactive", "--tty") if terminal else ()), *_options(engine, container)]
    with owned.created(engine, options, lambda made: _explain(engine, container, made)) as name:
        probe: list[File] = [(f"opt/{PROBE}", 0o644, b"probe\n", None)] if container.witness else []
        everything = [*files, *probe]
        for folder in FOLDERS:
            # Podman rejects an empty archive.
            if below := [file for file in everything if file[0].startswith(f"{folder}/")]:
                _copy(engine, name, folder, below)
        if container.witness is None:
            yield name
            return
        beside = (engine, container.arch.docker, container.image.reference, name)
        before = container.witness.before(*beside)
        yield name
        container.witness.after(*beside, before)


def _options(engine: Engine, container: ContainerRun) -> list[str]:
    """Return the arguments of `create`: the conditions of Lambda, the image and the command."""
    first, *rest = container.command
    image = _like_lambda(engine, container) if container.hidden else container.image.reference
    return [
        *conditions.options(engine.kind),
        *(f"--volume=/{folder}" for folder in FOLDERS),
        *(f"--platform={container.arch.docker}", f"--user={container.user}"),
        *(f"--entrypoint={first}", "--workdir=/var/task"),
        *(f"--env={key}={value}" for key, value in container.env.items()),
        *((f"--memory={container.memory}m",) if container.memory else ()),
        *(_KEPT_LOG if engine.kind == DOCKER else ()),
        *(image, *rest),
    ]


def _like_lambda(engine: Engine, container: ContainerRun) -> str:
    """Return the tag of an image without the hidden libraries, with the user of functions. It is built once and kept.

    They cannot be removed from a read-only container, and the loader would not skip empty files in their place.
    """
    inspect = [engine.program, "image", "inspect", "--format", "{{.Id}}", container.image.reference]
    inspected = processes.run(inspect)
    if inspected.returncode:
        pulled = processes.run(
            [engine.program, "pull", f"--platform={container.arch.docker}", container.image.reference]
        )
        if pulled.returncode:
            raise _explain(engine, container, pulled)
        inspected = processes.run(inspect)
    names, program = sorted(container.hidden), programs.text("smoke/like_lambda.sh")
    inputs = " ".join([inspected.stdout.strip(), container.arch.name, *names, program])
    key = hashlib.sha256(inputs.encode()).hexdigest()[:16]
    tag = f"layerwright-runtime:{key}"
    there = [engine.program, "image", "inspect", tag]
    if processes.run(there).returncode == 0:
        return tag
    change = json.dumps(["/bin/sh", "-c", program, "sh", *names])
    text = f"FROM {container.image.reference}\nUSER root\nRUN {change}\n"
    load = ["--load"] if engine.kind == "docker" else []
    with cache_paths.workspace() as context:  # a Dockerfile from a pipe leaves buildx's copies in the temporary folder
        (context / "Dockerfile").write_text(text, encoding="utf-8", newline="\n")
        options = [f"--platform={container.arch.docker}", f"--tag={tag}", "--network=none"]
        built = processes.run([*engine.build, *load, *options, str(context)])
    if built.returncode and processes.run(there).returncode:  # unless another process has made it meanwhile
        raise _explain(engine, container, built)
    return tag


def _explain(engine: Engine, container: ContainerRun, finished: processes.Finished) -> Exception:
    text = finished.stderr
    if "Cannot connect" in text or "connection refused" in text:
        return unreachable(engine.kind, finished)
    if error := failure.unpullable(text, container.image.name):
        return error
    return EngineError(f"no container could be created from {container.image.name}", why=text.strip().splitlines()[-2:])


def _copy(engine: Engine, name: str, folder: str, files: Iterable[File]) -> None:
    with processes.started([engine.program, "cp", "-", f"{name}:/{folder}"], has_stdin=True) as process:
        if process.stdin is None:
            return
        with windows.until_closed():  # then the message of the client has the reason
            tar_of(folder, files)(process.stdin)
            process.stdin.close()
        process.wait()
        error = process.stderr.read().decode(errors="replace") if process.stderr else ""
    if process.returncode:
        msg = "the layer could not be copied into a container"
        raise EngineError(msg, why=error.strip().splitlines()[-2:])


def tar_of(folder: str, files: Iterable[File]) -> Callable[[IO[bytes]], None]:
    """Return a function that writes files as a tar, with paths relative to a folder, in the given order."""

    def write(stream: IO[bytes]) -> None:
        with tarfile.open(fileobj=stream, mode="w|") as archive:
            folders: set[str] = set()
            for path, mode, content, link in files:
                relative = path.removeprefix(f"{folder}/")
                for parent in _parents(relative):
                    if parent not in folders:
                        folders.add(parent)
                        info = tarfile.TarInfo(parent)
                        info.type, info.mode = tarfile.DIRTYPE, 0o755
                        archive.addfile(info)
                info = tarfile.TarInfo(relative)
                info.mode = mode & 0o777
                if link is None:
                    info.size = len(content)
                else:
                    info.type, info.linkname = tarfile.SYMTYPE, link
                archive.addfile(info, io.BytesIO(content) if link is None else None)

    return write


def _parents(path: str) -> list[str]:
    parts = path.split("/")[:-1]
    return ["/".join(parts[: count + 1]) for count in range(len(parts))]


def parse_response(text: str) -> Any:  # noqa: ANN401
    """Return a function's response as data. A response that is not valid JSON is returned as a string."""
    try:
        return json.loads(text)
    except ValueError:
        return text
