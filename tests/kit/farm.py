"""Several real BuildKit daemons on loopback, as the nodes of one buildx builder."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

PROGRAM = Path("/var/lib/layerwright-standin/buildkitd-v0.25.1/buildkitd")
SECONDS = 30.0


@dataclass
class Daemon:
    """One machine, as far as buildx can tell."""

    name: str
    arch: str
    """As Docker calls it: amd64 or arm64."""
    root: Path
    port: int
    cgroup: Path | None = None
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def address(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *(PROGRAM, "--root", self.root / "state", "--addr", self.address),
                    *("--oci-worker-platform", f"linux/{self.arch}", "--containerd-worker=false"),
                    *("--oci-worker-binary", "runc"),
                ],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.1)
        pytest.fail(f"buildkitd does not answer: {(self.root / 'log').read_text()[-500:]}")

    def kill(self) -> None:
        """End it as a power cut would, with all that it runs."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None
        # What it ran in containers has a session of its own.
        for pid in _below(self.root):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _below(root: Path) -> Iterator[int]:
    """Yield processes whose root directory lies in a folder."""
    for path in Path("/proc").glob("[0-9]*/root"):
        with contextlib.suppress(OSError):
            if str(path.readlink()).startswith(str(root)):
                yield int(path.parts[2])


@contextlib.contextmanager
def farm(folder: Path, *arches: str) -> Iterator[tuple[str, list[Daemon]]]:
    """Run a daemon for each architecture, give the builder of all of them, and leave nothing of it."""
    if not PROGRAM.exists():
        if os.environ.get("LAYERWRIGHT_CI"):
            pytest.fail(f"CI must have {PROGRAM}")
        pytest.skip("there is no buildkitd: `make standin` makes it")
    name = f"farm-{os.getpid()}"
    daemons = [
        Daemon(name=f"{name}{number}", arch=arch, root=folder / str(number), port=_free_port())
        for number, arch in enumerate(arches)
    ]
    docker = str(shutil.which("docker"))
    try:
        for number, one in enumerate(daemons):
            one.start()
            more = ["--append"] if number else []
            command = [docker, "buildx", "create", "--name", name, *more, "--driver", "remote"]
            _join([*command, "--platform", f"linux/{one.arch}", one.address])
        yield name, daemons
    finally:
        for one in daemons:
            one.kill()
        _forget(docker, name)
        _unmount(folder)
        shutil.rmtree(folder, ignore_errors=True)


def _join(command: list[str]) -> None:
    """Add a node to a builder. A daemon that has just begun to listen may not answer buildx yet."""
    deadline = time.monotonic() + SECONDS
    while (done := subprocess.run(command, capture_output=True, text=True, check=False)).returncode:
        if time.monotonic() > deadline:
            pytest.fail(f"{' '.join(command)}: {done.stderr[-500:]}")
        time.sleep(0.5)


def _unmount(folder: Path) -> None:
    """What a killed daemon had mounted stays; the innermost goes first."""
    points = [line.split(" ")[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for point in sorted((one for one in points if one.startswith(f"{folder}/")), reverse=True):
        subprocess.run(["umount", "--lazy", point], check=False, capture_output=True)


def _forget(docker: str, name: str) -> None:
    """Remove the builder, and those that were made of its rest."""
    listed = subprocess.run([docker, "buildx", "ls"], capture_output=True, text=True, check=False).stdout
    for line in listed.splitlines():
        found = line.split(" ")[0].rstrip("*")
        if found == name or found.startswith(f"{name}-part-"):
            subprocess.run([docker, "buildx", "rm", "--force", found], capture_output=True, check=False)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
