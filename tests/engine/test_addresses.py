"""Engines of desktops, in fakes of the folders that each of them makes."""

import json
import os
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from kit.commands import layerwright

from builder.base.errors import EngineError, EngineGoneError
from builder.engine import addresses, client

SERVER = json.dumps({"Server": {"Version": "27.1.0", "Arch": "arm64"}})
INSPECTED = "Driver: docker\nNodes:\nName: default\nPlatforms: linux/arm64, linux/amd64\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give a home whose PATH has nothing but `bin/`, and a client that was never told where an engine is."""
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "BUILDX_BUILDER", "LAYERWRIGHT_ENGINE"):
        monkeypatch.setenv(name, "")  # and afterwards, what a test has left there is gone
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (tmp_path / "bin").mkdir()
    client.find.cache_clear()
    yield tmp_path
    client.find.cache_clear()


def docker(folder: Path, listening: str | None, contexts: tuple[dict[str, object], ...] = ()) -> None:
    """Write a client that reaches a server by one address only."""
    rows = "\n".join(map(json.dumps, contexts))
    text = f"""#!/bin/sh
case "$*" in
    'version'*) test "$DOCKER_HOST" = {shlex.quote(listening or "none")} || {{ echo 'Cannot connect' >&2; exit 1; }}
                echo {shlex.quote(SERVER)};;
    'buildx version'*) echo 'github.com/docker/buildx v0.20.0 abc';;
    'buildx inspect'*) echo {shlex.quote(INSPECTED)};;
    'context ls'*) echo {shlex.quote(rows)};;
    *) exit 1;;
esac
"""
    write(folder / "docker", text)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


def context(name: str, endpoint: str, *, current: bool = False) -> dict[str, object]:
    return {"Name": name, "DockerEndpoint": endpoint, "Current": current, "Error": ""}


DEFAULT = context("default", "unix:///var/run/docker.sock", current=True)


@pytest.mark.parametrize(
    "socket",
    [
        ".docker/run/docker.sock",
        ".docker/desktop/docker.sock",
        ".colima/default/docker.sock",
        ".colima/work/docker.sock",
        ".config/colima/default/docker.sock",
        ".rd/docker.sock",
        ".orbstack/run/docker.sock",
        ".lima/docker/sock/docker.sock",
    ],
)
def test_the_socket_of_a_desktop_is_found(home: Path, socket: str) -> None:
    (home / socket).parent.mkdir(parents=True)
    (home / socket).touch()
    (home / ".colima" / "_lima").mkdir(parents=True)
    docker(home / "bin", f"unix://{home / socket}", (DEFAULT,))
    assert client.find().version == "27.1.0"
    assert os.environ["DOCKER_HOST"] == f"unix://{home / socket}"
    found = layerwright("doctor", cwd=home)
    assert f"docker 27.1.0 at {home}/bin/docker, asked at unix://{home / socket}: default" in found.out


def test_of_several_the_one_that_responds_is_taken(home: Path) -> None:
    for socket in (".docker/run/docker.sock", ".colima/default/docker.sock"):
        (home / socket).parent.mkdir(parents=True)
        (home / socket).touch()
    docker(home / "bin", f"unix://{home}/.colima/default/docker.sock", (DEFAULT,))
    assert client.find().nodes[0].native == "linux/arm64"


@pytest.mark.parametrize("name", ["desktop-linux", "colima", "rancher-desktop", "orbstack", "lima-docker"])
def test_an_engine_that_only_a_context_knows_is_found(home: Path, name: str) -> None:
    socket = home / "elsewhere" / "docker.sock"
    socket.parent.mkdir()
    socket.touch()
    docker(home / "bin", f"unix://{socket}", (DEFAULT, context(name, f"unix://{socket}")))
    assert client.find().kind == "docker"


def test_the_pipe_of_docker_desktop_on_windows_is_found(home: Path) -> None:
    pipe = "npipe:////./pipe/dockerDesktopLinuxEngine"
    docker(home / "bin", pipe, (DEFAULT, context("desktop-linux", pipe)))
    assert client.find().kind == "docker"


def test_what_the_user_chose_is_asked_alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A build must not run on another machine than the one that was named."""
    socket = home / ".colima" / "default" / "docker.sock"
    socket.parent.mkdir(parents=True)
    socket.touch()
    far = context("farm", "ssh://me@farm", current=True)
    write(home / "bin" / "finch", f"#!/bin/sh\necho '{json.dumps({'Architecture': 'aarch64'})}'\n")
    docker(home / "bin", f"unix://{socket}", ({**DEFAULT, "Current": False}, far))
    with pytest.raises(EngineGoneError, match="the docker daemon is not reachable"):
        client.find()
    docker(home / "bin", f"unix://{socket}", (DEFAULT,))
    for name in addresses.CHOSEN:
        with monkeypatch.context() as patch:
            patch.setenv(name, "ssh://farm")
            with pytest.raises(EngineGoneError):
                client.find()
    (home / "bin" / "finch").unlink()
    assert client.find().kind == "docker"


def test_contexts_of_other_machines_are_never_tried(home: Path) -> None:
    docker(home / "bin", "tcp://farm:2375", (DEFAULT, context("farm", "tcp://farm:2375")))
    with pytest.raises(EngineGoneError, match="the docker daemon is not reachable"):
        client.find()


@pytest.mark.parametrize(
    ("name", "info"),
    [
        ("podman", {"version": {"Version": "5.3.1"}, "host": {"arch": "arm64"}}),
        ("finch", {"ServerVersion": "1.7.24", "Architecture": "aarch64"}),
        ("nerdctl", {"ServerVersion": "1.7.24", "Architecture": "aarch64"}),
    ],
)
def test_an_engine_with_a_client_of_its_own_takes_the_place_of_one_that_is_off(
    home: Path, name: str, info: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine of Podman, Finch, Rancher Desktop with containerd, beside a client of Docker."""
    docker(home / "bin", None)
    write(home / "bin" / name, f"#!/bin/sh\necho {shlex.quote(json.dumps(info))}\n")
    assert client.find().kind == name
    with pytest.raises(EngineGoneError):
        client.find("docker")
    monkeypatch.setenv("LAYERWRIGHT_ENGINE", "docker")
    client.find.cache_clear()
    with pytest.raises(EngineGoneError):
        client.find()


@pytest.mark.parametrize(
    ("folder", "program"),
    [
        ("home/.rd/bin", "docker"),
        ("home/.docker/bin", "docker"),
        ("home/.orbstack/bin", "docker"),
        ("Applications/Docker.app/Contents/Resources/bin", "docker"),
        ("Applications/Finch/bin", "finch"),
        ("opt/podman/bin", "podman"),
        ("opt/homebrew/bin", "nerdctl"),
        ("Program Files/Docker/Docker/resources/bin", "docker.exe"),
        ("Program Files/RedHat/Podman", "podman.exe"),
    ],
)
def test_a_client_outside_of_path_is_named(tmp_path: Path, folder: str, program: str) -> None:
    write(tmp_path / folder / program, "")
    variables = {"ProgramFiles": str(tmp_path / "Program Files")}
    found = addresses.outside_of_path(client.KINDS, tmp_path / "home", variables, tmp_path)
    assert found == tmp_path / folder / program


def test_the_hint_brings_it_into_path(home: Path) -> None:
    docker(home / ".rd" / "bin", None)
    with pytest.raises(EngineError) as caught:
        client.find()
    assert caught.value.what == f"no container engine is in PATH, and {home}/.rd/bin/docker is there"
    assert caught.value.hint == f'export PATH="$PATH:{home}/.rd/bin"'
