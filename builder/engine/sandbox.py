"""A container that treats a layer as Lambda does: the zip at /opt, no rights, no network, nothing writable but /tmp."""

import hashlib
import io
import json
import subprocess
import tarfile
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Any

from builder.base import processes
from builder.base.errors import BuildError, EngineError
from builder.engine import failure
from builder.engine.client import Engine, unreachable
from builder.model.architectures import Architecture
from builder.model.images import Image

USER = "993:990"
"""Lambda's functions run as a user without rights (`sbx_user1051`, 993 in its images)."""
FOLDERS = ("opt", "var/task")
"""What is brought into a container; each is a volume, so that all else can be read-only."""
_CLIENT = r"""
for _ in $(seq 300); do exec 3<>/dev/tcp/127.0.0.1/8080 && break; sleep 0.1; done 2>/dev/null
printf 'POST /2015-03-31/functions/function/invocations HTTP/1.0\r\nHost: localhost\r\nContent-Length: %s\r\n\r\n%s' \
    "${#1}" "$1" >&3
cat <&3
"""
"""Posts its argument to the runtime interface emulator. Bash is in every Lambda image, a client for HTTP is not."""
_REMOVE = 'for name in {names}; do rm -f /lib*/"$name"* /usr/lib*/"$name"* /usr/lib/*/"$name"* /lib/*/"$name"*; done'

File = tuple[str, int, bytes, str | None]
"""Path below /, permission bits, content, and where it points to if it is a link."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ContainerRun:
    """One program in one image."""

    image: Image
    arch: Architecture
    command: Sequence[str]
    """The first word is the entry point."""
    env: Mapping[str, str] = field(default_factory=dict)
    memory: int | None = None
    """MB."""
    hidden: tuple[str, ...] = ()
    """Sonames of the image that Lambda itself may lack."""
    user: str = USER
    timeout: float = 600.0
    """Seconds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class InvokeResponse:
    """What a function answered."""

    body: str
    log: str
    """What emulator, runtime and function wrote."""


def run(engine: Engine, call: ContainerRun, files: Iterable[File]) -> processes.Finished:
    """Run a program to its end; nothing of the container stays.

    The files go through the engine's API and not through a mount, so that the engine may be on another machine.
    """
    with _container(engine, call, files) as name:
        try:
            with processes.started([engine.program, "start", "--attach", name]) as process:
                out, err = process.communicate(timeout=call.timeout)
        except subprocess.TimeoutExpired:
            msg = f"{call.command[0]} in {call.image.name} did not end within {call.timeout:.0f} s"
            raise BuildError(msg) from None
        return processes.Finished(
            returncode=process.returncode,
            stdout=out.decode(errors="replace"),
            stderr=err.decode(errors="replace"),
        )


def invoke(engine: Engine, call: ContainerRun, files: Iterable[File], event: str) -> InvokeResponse:
    """Start a function behind the runtime interface emulator, send it one event, and return its answer."""
    with _container(engine, call, files) as name:
        started = processes.run([engine.program, "start", name])
        if started.returncode:
            raise _explain(engine, call, started)
        ask = [engine.program, "exec", name, "/bin/bash", "-c", _CLIENT, "client", event]
        try:
            with processes.started(ask) as process:
                out, err = process.communicate(timeout=call.timeout)
        except subprocess.TimeoutExpired:
            msg = f"a function in {call.image.name} did not answer within {call.timeout:.0f} s"
            raise BuildError(msg, why=_log(engine, name).splitlines()[-6:]) from None
        body = out.decode(errors="replace").partition("\r\n\r\n")[2]
        return InvokeResponse(body=body, log=_log(engine, name) + err.decode(errors="replace"))


def _log(engine: Engine, name: str) -> str:
    told = processes.run([engine.program, "logs", name])
    return told.stdout + told.stderr


@contextmanager
def _container(engine: Engine, call: ContainerRun, files: Iterable[File]) -> Iterator[str]:
    """Make a container with these files that is gone afterwards."""
    engine.mode(call.arch)
    name = f"layerwright-{uuid.uuid4().hex[:12]}"
    first, *rest = call.command
    image = without(engine, call) if call.hidden else call.image.reference
    created = processes.run(
        [
            *(engine.program, "create", f"--name={name}", "--network=none", "--read-only"),
            *("--tmpfs=/tmp:rw,exec,mode=1777", *(f"--volume=/{folder}" for folder in FOLDERS)),
            *(f"--platform={call.arch.docker}", f"--user={call.user}", f"--entrypoint={first}", "--workdir=/var/task"),
            *("--cap-drop=ALL", "--security-opt=no-new-privileges"),
            *(f"--env={key}={value}" for key, value in call.env.items()),
            *((f"--memory={call.memory}m",) if call.memory else ()),
            *("--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024"),  # Lambda's own (developer guide, quotas)
            *(image, *rest),
        ]
    )
    if created.returncode:
        raise _explain(engine, call, created)
    try:
        listed = list(files)
        for folder in FOLDERS:
            # Podman takes no empty archive.
            if chosen := [one for one in listed if one[0].startswith(f"{folder}/")]:
                _copy(engine, name, folder, chosen)
        yield name
    finally:
        processes.run_always([engine.program, "rm", "--force", "--volumes", name])


def without(engine: Engine, call: ContainerRun) -> str:
    """Return an image like the call's, without the libraries that are to be hidden; made once, by removing them.

    Nothing can be removed from a read-only container, and a file in their place would not be passed over by the loader.
    """
    asked = [engine.program, "image", "inspect", "--format", "{{.Id}}", call.image.reference]
    found = processes.run(asked)
    if found.returncode:
        pulled = processes.run([engine.program, "pull", f"--platform={call.arch.docker}", call.image.reference])
        if pulled.returncode:
            raise _explain(engine, call, pulled)
        found = processes.run(asked)
    names = " ".join(sorted(call.hidden))
    key = hashlib.sha256(f"{found.stdout.strip()} {call.arch.name} {names}".encode()).hexdigest()[:16]
    tag = f"layerwright-runtime:{key}"
    if processes.run([engine.program, "image", "inspect", tag]).returncode == 0:
        return tag
    text = f"FROM {call.image.reference}\nUSER root\nRUN {_REMOVE.format(names=names)}\n"
    load = ["--load"] if engine.kind == "docker" else []
    command = [*engine.build, *load, f"--platform={call.arch.docker}", f"--tag={tag}", "--network=none", "-"]
    made = processes.run(command, stdin=text)
    if made.returncode:
        raise _explain(engine, call, made)
    return tag


def _explain(engine: Engine, call: ContainerRun, finished: processes.Finished) -> Exception:
    text = finished.stderr
    if "Cannot connect" in text or "connection refused" in text:
        return unreachable(engine.kind, finished)
    if found := failure.unpullable(text, call.image.name):
        return found
    return EngineError(f"no container could be made of {call.image.name}", why=text.strip().splitlines()[-2:])


def _copy(engine: Engine, name: str, folder: str, files: Iterable[File]) -> None:
    with processes.started([engine.program, "cp", "-", f"{name}:/{folder}"], has_stdin=True) as process:
        if process.stdin is None:
            return
        try:
            tar_of(folder, files)(process.stdin)
            process.stdin.close()
        except BrokenPipeError:
            pass  # its own message says why
        process.wait()
        error = process.stderr.read().decode(errors="replace") if process.stderr else ""
    if process.returncode:
        msg = "the layer could not be copied into a container"
        raise EngineError(msg, why=error.strip().splitlines()[-2:])


def tar_of(folder: str, files: Iterable[File]) -> Callable[[IO[bytes]], None]:
    """Return what writes the files below a folder as a tar with paths relative to it, in the order of the zip."""

    def write(stream: IO[bytes]) -> None:
        with tarfile.open(fileobj=stream, mode="w|") as archive:
            folders: set[str] = set()
            for path, mode, content, link in files:
                inside = path.removeprefix(f"{folder}/")
                for parent in _parents(inside):
                    if parent not in folders:
                        folders.add(parent)
                        info = tarfile.TarInfo(parent)
                        info.type, info.mode = tarfile.DIRTYPE, 0o755
                        archive.addfile(info)
                info = tarfile.TarInfo(inside)
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
    """Return a function's answer as data: what is no JSON is a string."""
    try:
        return json.loads(text)
    except ValueError:
        return text
