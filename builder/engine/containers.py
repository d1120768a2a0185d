"""Programs in images: a runtime's own interpreter, and a finished layer at /opt as Lambda lays it out."""

import subprocess
import sys
import tarfile
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO

from builder import processes
from builder.engine import failure
from builder.engine.client import Engine, unreachable
from builder.errors import BuildError, EngineError
from builder.layer.interpreters import Interpreter
from builder.model.architectures import Architecture
from builder.model.images import Image


def interpreter(engine: Engine, image: Image, program: str, series: str) -> Interpreter:
    """Return the Python of an image, to be started like one of this host."""
    return Interpreter(
        command=(
            *(engine.program, "run", "--rm", "--interactive", "--network=none"),
            *(f"--platform={engine.architecture.docker}", "--env=PYTHONHASHSEED=0", "--env=PYTHONUTF8=1"),
            *(f"--entrypoint={program}", image.reference),
        ),
        series=series,
        version=f"{series} in {image.reference}",
        remote=True,
    )


def has(engine: Engine, image: Image) -> bool:
    """Tell whether an image is on the engine's machine already."""
    return processes.run([engine.program, "image", "inspect", image.reference]).returncode == 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One program in one image."""

    image: Image
    arch: Architecture
    command: Sequence[str]
    """The first word is the entry point."""
    env: Mapping[str, str] = field(default_factory=dict)
    user: str = "993:990"
    """Lambda's functions run as a user without rights."""
    timeout: float = 600.0
    """Seconds."""


def run(engine: Engine, call: Call, opt: Callable[[IO[bytes]], None]) -> processes.Finished:
    """Run a program with files below /, which `opt` writes as a tar; nothing of the container stays.

    No network, and a user who may write to /tmp and nowhere else. The files go through the engine's API and not
    through a mount, so that the engine may be on another machine.
    """
    with _container(engine, call) as name:
        _copy(engine, name, opt)
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


@contextmanager
def _container(engine: Engine, call: Call) -> Iterator[str]:
    """Make a container that is gone afterwards."""
    engine.way(call.arch)
    name = f"layerwright-{uuid.uuid4().hex[:12]}"
    first, *rest = call.command
    created = processes.run(
        [
            *(engine.program, "create", f"--name={name}", "--network=none", "--tmpfs=/tmp:rw,exec,mode=1777"),
            *(f"--platform={call.arch.docker}", f"--user={call.user}", f"--entrypoint={first}", "--workdir=/var/task"),
            *(f"--env={key}={value}" for key, value in call.env.items()),
            *("--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024"),  # Lambda's own (developer guide, quotas)
            *(call.image.reference, *rest),
        ]
    )
    if created.returncode:
        raise _explain(engine, call, created)
    try:
        yield name
    finally:
        processes.run_always([engine.program, "rm", "--force", "--volumes", name])


def _explain(engine: Engine, call: Call, finished: processes.Finished) -> Exception:
    text = finished.stderr
    if "Cannot connect" in text or "connection refused" in text:
        return unreachable(engine.kind, finished)
    if found := failure.unpullable(text, call.image.name):
        return found
    return EngineError(f"no container could be made of {call.image.name}", why=text.strip().splitlines()[-2:])


def _copy(engine: Engine, name: str, opt: Callable[[IO[bytes]], None]) -> None:
    with processes.started([engine.program, "cp", "-", f"{name}:/"], has_stdin=True) as process:
        if process.stdin is None:
            return
        try:
            opt(process.stdin)
            process.stdin.close()
        except BrokenPipeError:
            pass  # its own message says why
        process.wait()
        error = process.stderr.read().decode(errors="replace") if process.stderr else ""
    if process.returncode:
        msg = "the layer could not be copied into a container"
        raise EngineError(msg, why=error.strip().splitlines()[-2:])


def tar_of(files: Iterable[tuple[str, int, bytes, str | None]]) -> Callable[[IO[bytes]], None]:
    """Return what writes (path, mode, content, link) below /opt as a tar."""

    def write(stream: IO[bytes]) -> None:
        import io

        with tarfile.open(fileobj=stream, mode="w|") as archive:
            folders: set[str] = set()
            for path, mode, content, link in files:
                for parent in _parents(f"opt/{path}"):
                    if parent not in folders:
                        folders.add(parent)
                        info = tarfile.TarInfo(parent)
                        info.type, info.mode = tarfile.DIRTYPE, 0o755
                        archive.addfile(info)
                info = tarfile.TarInfo(f"opt/{path}")
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


def interactive(engine: Engine, arguments: Sequence[str]) -> int:
    """Hand the terminal to a container and return its exit code."""
    sys.stdout.flush()
    return subprocess.run([engine.program, *arguments], check=False).returncode
