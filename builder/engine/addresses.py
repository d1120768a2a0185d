"""Where engines of desktops listen and lie, for a client of Docker that nobody has pointed to one of them."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from builder.base import processes
from builder.base.frozen import dataclass

CHOSEN = ("DOCKER_HOST", "DOCKER_CONTEXT")
"""Variables by which a user names an engine. Then no other is taken."""
DEFAULT = "default"
"""The context of a client that was never told another one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Desktop:
    """A program that runs an engine in a virtual machine, or for one user."""

    name: str
    sockets: tuple[str, ...] = ()
    """Patterns of paths below the home directory."""
    programs: tuple[str, ...] = ()
    """Folders with its clients, which may not be in PATH: below the home directory, with a variable, or absolute."""


DESKTOPS = (
    Desktop(
        name="Docker Desktop",
        sockets=(".docker/run/docker.sock", ".docker/desktop/docker.sock"),
        programs=(
            ".docker/bin",
            "/Applications/Docker.app/Contents/Resources/bin",
            "%ProgramFiles%/Docker/Docker/resources/bin",
        ),
    ),
    Desktop(name="OrbStack", sockets=(".orbstack/run/docker.sock",), programs=(".orbstack/bin",)),
    Desktop(name="Colima", sockets=(".colima/*/docker.sock", ".config/colima/*/docker.sock")),
    Desktop(
        name="Rancher Desktop",
        sockets=(".rd/docker.sock",),
        programs=(
            ".rd/bin",
            "%LOCALAPPDATA%/Programs/Rancher Desktop/resources/resources/win32/bin",
            "%ProgramFiles%/Rancher Desktop/resources/resources/win32/bin",
        ),
    ),
    Desktop(name="Lima", sockets=(".lima/docker/sock/docker.sock",)),
    Desktop(name="Finch", programs=("/Applications/Finch/bin", "%ProgramFiles%/Finch/bin")),
    Desktop(
        name="Podman",
        programs=("/opt/podman/bin", "%ProgramFiles%/RedHat/Podman", "%LOCALAPPDATA%/Programs/Podman"),
    ),
    Desktop(name="Homebrew", programs=("/opt/homebrew/bin",)),
)
"""What each one documents. Podman's machine and Finch have clients of their own, which know where to ask."""


def take_other(program: str) -> bool:
    """Let all clients of this process ask an engine that a desktop runs, if one responds where nobody has looked yet.

    The variable is what the client, its plug-ins and its credential helpers have in common.
    """
    for address in _others(program):
        version = [program, "version", "--format", "{{.Server.Version}}"]
        if processes.run(version, env={**os.environ, "DOCKER_HOST": address}).returncode == 0:
            os.environ["DOCKER_HOST"] = address
            return True
    return False


def is_chosen(program: str) -> bool:
    """Return whether the user named the engine of a client of Docker: a build must not go anywhere else then."""
    if any(os.environ.get(name) for name in CHOSEN):
        return True
    return any(context.get("Current") and context.get("Name") != DEFAULT for context in _contexts(program))


def _others(program: str) -> Iterator[str]:
    """Yield the addresses of local engines that a client of Docker does not ask by itself, and that may respond."""
    if is_chosen(program):
        return
    endpoints = [str(row.get("DockerEndpoint", "")) for row in _contexts(program) if row.get("Name") != DEFAULT]
    yield from dict.fromkeys([*filter(_is_local, endpoints), *sockets(Path.home())])


def _contexts(program: str) -> Iterator[dict[str, object]]:
    """Yield the rows of `docker context ls`."""
    for line in processes.run([program, "context", "ls", "--format", "{{json .}}"]).stdout.splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict):
            yield row


def _is_local(endpoint: str) -> bool:
    """Return whether an endpoint is on this machine, and may listen."""
    if endpoint.startswith("npipe://"):
        return True
    return endpoint.startswith("unix://") and Path(endpoint.removeprefix("unix://")).exists()


def sockets(home: Path) -> Iterator[str]:
    """Yield the addresses of the sockets of desktops below a home directory."""
    for pattern in (pattern for desktop in DESKTOPS for pattern in desktop.sockets):
        yield from (f"unix://{path}" for path in sorted(home.glob(pattern)))


def outside_of_path(
    kinds: tuple[str, ...], home: Path, variables: Mapping[str, str], root: Path = Path("/")
) -> Path | None:
    """Return a client that lies where its desktop puts it, though PATH lacks the folder; None if there is none."""
    for desktop in DESKTOPS:
        for text in desktop.programs:
            folder = _folder(text, home, variables, root)
            found = (folder / name for name in kinds for name in (name, f"{name}.exe")) if folder else ()
            if path := next((path for path in found if path.is_file()), None):
                return path
    return None


def _folder(text: str, home: Path, variables: Mapping[str, str], root: Path) -> Path | None:
    if text.startswith("%"):
        name, _, rest = text[1:].partition("%/")
        return Path(variables[name], rest) if variables.get(name) else None
    return root / text[1:] if text.startswith("/") else home / text
