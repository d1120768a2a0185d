"""Containers of processes that ended: which are removed, and which are nobody's business."""

import contextlib
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kit import state, zips
from kit.commands import ROOT, layerwright
from kit.engine import docker

from builder.base.errors import BuildError, SmokeFailedError
from builder.engine import owned, sandbox
from builder.engine.client import Engine
from builder.engine.sandbox import ContainerRun
from builder.layer.tree import Entry, InMemory, of
from builder.model.architectures import X86_64
from builder.model.images import run_image
from builder.model.recipe import Test
from builder.model.runtimes import runtime
from builder.smoke import run
from builder.smoke.sandboxes import Sandbox

WHERE = ("--runtime", "python3.13", "--arch", "x86_64")
linux = pytest.mark.skipif(sys.platform != "linux", reason="the label needs /proc")


@pytest.fixture
def ended() -> str:
    """Return the label of a process that has ended."""
    code = "from builder.engine import owned; print(*owned.label())"
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return made.stdout.strip().partition("=")[2].partition("=")[2]


def own() -> str:
    return owned.label()[0].partition("=")[2].partition("=")[2]


@linux
def test_a_process_is_dead_only_if_that_is_certain(ended: str) -> None:
    assert owned.is_dead(ended)
    assert not owned.is_dead(own())
    boot, namespace, pid, started = own().split("/")
    first = (Path("/proc/1/stat")).read_text().rpartition(")")[2].split()[19]
    assert not owned.is_dead(f"{boot}/{namespace}/1/{first}")
    assert owned.is_dead(f"{boot}/{namespace}/{pid}/{int(started) - 1}"), "its id was given to another process"
    dead = ended.split("/")[2:]
    for other in (
        "/".join(["11111111-2222-3333-4444-555555555555", namespace, *dead]),  # of another machine, or boot
        "/".join([boot, "4026531000", *dead]),  # of a container that shares the engine
        "unknown",
        "",
        "/",
        f"{boot}/{namespace}/-1/5",
        f"{boot}/{namespace}/{10**30}/5",
        f"{boot}/{namespace}/x/5",
    ):
        assert not owned.is_dead(other), other


@linux
def test_the_process_of_another_user_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(owned, "_started", refuse)  # as with hidepid=2
    monkeypatch.setattr(os, "kill", refuse)
    assert not owned.is_dead("/".join([*own().split("/")[:2], "999999", "5"]))


@pytest.fixture
def holder(engine: Engine) -> Iterator[Callable[[str], str]]:
    """Yield a function that creates a container with a label, and returns its name."""
    names: list[str] = []

    def hold(owner: str) -> str:
        names.append(f"layerwright-test-{uuid.uuid4().hex[:12]}")
        image = run_image(runtime("python3.13"), X86_64).reference
        docker("create", f"--name={names[-1]}", f"--label={owned.LABEL}={owner}", "--entrypoint=/bin/sh", image)
        return names[-1]

    assert engine.kind == "docker"
    yield hold
    subprocess.run(["docker", "rm", "--force", *names], capture_output=True, check=False)


def containers() -> set[str]:
    return set(docker("ps", "--all", "--format", "{{.Names}}").split())


def shell(command: str, timeout: float = 60) -> ContainerRun:
    return ContainerRun(
        image=run_image(runtime("python3.13"), X86_64), arch=X86_64, command=["/bin/sh", "-c", command], timeout=timeout
    )


@linux
def test_the_next_process_removes_the_containers_of_dead_ones(
    engine: Engine, holder: Callable[[str], str], ended: str
) -> None:
    boot, namespace, *dead = ended.split("/")
    left = [holder(ended), holder(ended)]
    kept = [
        holder(own()),
        holder("unknown"),
        holder(f"{boot}x/{namespace}/{'/'.join(dead)}"),
        holder(f"{boot}/1/{'/'.join(dead)}"),
    ]
    state.forget()
    assert sandbox.run(engine, shell("exit 7"), ()).returncode == 7
    assert not containers() & set(left)
    assert containers() >= set(kept)


@contextlib.contextmanager
def started(folder: Path, code: str) -> "Iterator[tuple[subprocess.Popen[str], str]]":
    """Start the test of a layer, wait until its container runs, and yield the process with the container's name."""
    path = zips.write(folder / "a.zip", {"python/mod.py": b"VALUE = 7\n"})
    command = [sys.executable, "-m", "builder", "test", str(path), *WHERE, "--python", code]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            end = time.monotonic() + 120
            while not (names := running(process.pid)):
                assert process.poll() is None, process.communicate()[0]
                assert time.monotonic() < end
                time.sleep(0.2)
            yield process, names[0]
        finally:
            process.kill()


def running(pid: int) -> list[str]:
    """Return the names of the running containers of a process: other tests have theirs at the same time."""
    form = f'{{{{.Names}}}} {{{{.Label "{owned.LABEL}"}}}}'
    rows = [row.partition(" ") for row in docker("ps", "--format", form).splitlines()]
    return [name for name, _, owner in rows if f"/{pid}/" in owner]


@pytest.mark.parametrize(("sign", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_test_that_is_stopped_leaves_no_container(
    engine: Engine, tmp_path: Path, sign: signal.Signals, code: int
) -> None:
    assert engine.kind == "docker"
    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(300)"
    with started(tmp_path, deaf) as (process, name):
        process.send_signal(sign)
        said, _ = process.communicate(timeout=60)
        assert (process.returncode, "Traceback" in said) == (code, False), said
    assert name not in containers()


@linux
def test_a_test_that_is_killed_leaves_its_container_to_the_next_one(engine: Engine, tmp_path: Path) -> None:
    with started(tmp_path, "import time; time.sleep(300)") as (process, name):
        state.forget()
        assert sandbox.run(engine, shell("exit 0"), ()).returncode == 0
        assert name in containers(), "its process lives"
        process.kill()
        process.communicate()
        assert layerwright("test", tmp_path / "a.zip", *WHERE, cwd=tmp_path).code == 0
        assert name not in containers()


FLOOD = "import sys\nfor _ in range({}): sys.stdout.write('x' * 65535 + chr(10))\n"


def test_of_a_test_that_prints_gigabytes_the_end_is_kept(engine: Engine) -> None:
    content = of([Entry(path="python/mod.py", mode=0o644, content=InMemory(data=b"VALUE = 7\n"))])
    box = Sandbox(engine=engine, runtime=runtime("python3.13"), arch=X86_64, content=content)
    code = (
        f"{FLOOD.format(150)}sys.stdout.flush()\nsys.stdout = sys.stderr\n{FLOOD.format(150)}raise ValueError('last')"
    )
    with pytest.raises(SmokeFailedError) as caught:
        run.execute(box, [Test(python=code)], "a")
    text = str(caught.value)
    assert "ValueError: last" in text
    assert "MB of output before its end were dropped" in text
    with pytest.raises(BuildError, match="MB of output before its end were dropped"):
        sandbox.run(engine, shell("while :; do head -c 900000 /dev/zero | tr '\\0' x; done", timeout=6), ())
