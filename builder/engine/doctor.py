"""What is wrong with this machine, and the command that mends it."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from builder.base import cache_paths, processes
from builder.base.errors import LayerwrightError
from builder.engine import client, host
from builder.engine.client import Engine
from builder.model import images
from builder.model.architectures import ARCHITECTURES
from builder.model.limits import MB

_LITTLE = 10_000_000_000
"""Bytes; two build images and a compiler's output are about half of that."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Diagnosis:
    what: str
    state: str
    """`ok`, `warning` or `wrong`."""
    found: str
    mend: str | None = None
    """What to do about it."""

    def as_json(self) -> dict[str, str | None]:
        return {"what": self.what, "state": self.state, "found": self.found, "mend": self.mend}


def examine(kind: str | None, builder: str | None) -> list[Diagnosis]:
    """Look at everything that a build in containers needs."""
    return [*_engine(kind, builder), *_host()]


def _engine(kind: str | None, builder: str | None) -> Iterator[Diagnosis]:
    try:
        engine = client.find(kind, builder)
    except LayerwrightError as error:
        found = "; ".join([error.what, *error.why])
        yield Diagnosis(what="engine", state="wrong", found=found, mend=error.hint)
        return
    nodes = ", ".join(f"{node.name} ({node.native})" for node in engine.nodes)
    yield Diagnosis(what="engine", state="ok", found=f"{engine.kind} {engine.version} at {engine.program}: {nodes}")
    for arch in ARCHITECTURES.values():
        yield _platform(engine, arch.name)
    yield _disk(engine)
    yield from _store(engine)


def _platform(engine: Engine, name: str) -> Diagnosis:
    arch = ARCHITECTURES[name]
    try:
        way = engine.mode(arch)
    except LayerwrightError as error:
        return Diagnosis(what=name, state="wrong", found="cannot be built or run here", mend=error.hint)
    slow = " (compilers run natively all the same; a builder with a node of that kind is faster still)"
    return Diagnosis(what=name, state="ok", found=way + (slow if way == "emulated" else ""))


def _disk(engine: Engine) -> Diagnosis:
    """Ask how much room there is where images lie; only an engine on this machine lets us look."""
    asked = processes.run([engine.program, "info", "--format", "{{.DockerRootDir}}"])
    root = Path(asked.stdout.strip() or "/")
    if asked.returncode or not root.is_dir():
        return Diagnosis(what="engine's disk", state="ok", found="on another machine; not looked at")
    free = shutil.disk_usage(root).free
    little = free < _LITTLE
    mend = "`docker buildx prune` and `docker system prune` free what builds left" if little else None
    return Diagnosis(
        what="engine's disk",
        state="warning" if little else "ok",
        found=f"{free / MB / 1000:.0f} GB free at {root}",
        mend=mend,
    )


def _store(engine: Engine) -> Iterator[Diagnosis]:
    if engine.kind != client.DOCKER:
        return
    asked = processes.run([engine.program, "info", "--format", "{{json .DriverStatus}}"])
    modern = "containerd.snapshotter" in asked.stdout
    yield Diagnosis(
        what="image store",
        state="ok" if modern else "warning",
        found="containerd" if modern else "classic: keeps an image for one platform only and pulls again for the other",
        mend=None
        if modern
        else 'put `{"features": {"containerd-snapshotter": true}}` into /etc/docker/daemon.json and restart docker',
    )


def _host() -> Iterator[Diagnosis]:
    yield _checked("CA", _ca)
    proxies = host.proxies()
    yield Diagnosis(what="proxy", state="ok", found=", ".join(sorted(proxies)) or "none")
    local = [name for name, value in proxies.items() if "127.0.0.1" in value or "localhost" in value]
    if local:
        mend = "name the proxy by an address that containers reach, for example host.docker.internal"
        found = f"{', '.join(local)} points to this host's loopback, which is another one in a container"
        yield Diagnosis(what="proxy", state="warning", found=found, mend=mend)
    yield _checked("registry", images.registry)
    yield _pins()
    yield Diagnosis(what="cache", state="ok", found=str(cache_paths.cache()))


def _ca() -> str:
    names = ", ".join(name for name, _ in host.bundles())
    count = host.certificates().count(b"BEGIN CERTIFICATE")
    return f"{count} certificates named by {names}" if names else "the usual certificates of each tool"


def _pins() -> Diagnosis:
    file = images.pins_file()
    count = len(images.pinned())
    mend = None if count else "`layerwright images pin` writes them"
    found = f"{count} images in {file}" if count else f"none for {images.registry()}"
    return Diagnosis(what="pins", state="ok" if count else "warning", found=found, mend=mend)


def _checked(what: str, look: Callable[[], str]) -> Diagnosis:
    try:
        return Diagnosis(what=what, state="ok", found=look())
    except LayerwrightError as error:
        return Diagnosis(what=what, state="wrong", found="; ".join([error.what, *error.why]), mend=error.hint)
