"""The checks of `layerwright doctor`: whether this machine can build in containers, and how to repair it."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from builder.base import cache_paths, environment, processes, settings_file
from builder.base.errors import LayerwrightError
from builder.base.frozen import dataclass
from builder.engine import client, host
from builder.engine.client import Engine
from builder.model import defaults, images
from builder.model.architectures import ARCHITECTURES
from builder.model.defaults import Defaults
from builder.model.limits import MB

_MIN_FREE = 10_000_000_000
"""Bytes. Two build images and the output of a compiler take about half of it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Diagnosis:
    """The result of one check."""

    what: str
    """The subject of the check."""
    state: str
    """`ok`, `warning` or `wrong`."""
    found: str
    """The observation, on one line."""
    mend: str | None = None
    """How to repair it; None if there is nothing to repair."""

    def as_json(self) -> dict[str, str | None]:
        return {"what": self.what, "state": self.state, "found": self.found, "mend": self.mend}


def examine(kind: str | None, builder: str | None) -> list[Diagnosis]:
    """Check everything that a build in containers requires."""
    return [*_engine(kind, builder), *_host()]


def _engine(kind: str | None, builder: str | None) -> Iterator[Diagnosis]:
    try:
        engine = client.find(kind, builder)
    except LayerwrightError as error:
        yield _wrong("engine", error)
        return
    nodes = ", ".join(f"{node.name} ({node.native})" for node in engine.nodes)
    asked = (
        f", asked at {address}" if engine.kind == client.DOCKER and (address := os.environ.get("DOCKER_HOST")) else ""
    )
    found = f"{engine.kind} {engine.version} at {engine.program}{asked}: {nodes}"
    yield Diagnosis(what="engine", state="ok", found=found)
    for arch in ARCHITECTURES.values():
        yield _platform(engine, arch.name)
    yield _disk(engine)
    yield from _store(engine)


def _platform(engine: Engine, name: str) -> Diagnosis:
    arch = ARCHITECTURES[name]
    try:
        mode = engine.mode(arch)
    except LayerwrightError as error:
        return Diagnosis(what=name, state="wrong", found="cannot be built or run here", mend=error.hint)
    slow = " (compilers still run natively; a builder with a node of that architecture is even faster)"
    return Diagnosis(what=name, state="ok", found=mode + (slow if mode == "emulated" else ""))


def _disk(engine: Engine) -> Diagnosis:
    """Check the free space in the image store, which is visible only if the engine runs on this machine."""
    info = processes.run([engine.program, "info", "--format", "{{.DockerRootDir}}"])
    root = Path(info.stdout.strip() or "/")
    if info.returncode or not root.is_dir():
        return Diagnosis(what="engine's disk", state="ok", found="on another machine, not checked")
    free = shutil.disk_usage(root).free
    low = free < _MIN_FREE
    mend = "`docker buildx prune` and `docker system prune` remove what builds left behind" if low else None
    return Diagnosis(
        what="engine's disk",
        state="warning" if low else "ok",
        found=f"{free / MB / 1000:.0f} GB free at {root}",
        mend=mend,
    )


def _store(engine: Engine) -> Iterator[Diagnosis]:
    if engine.kind != client.DOCKER:
        return
    info = processes.run([engine.program, "info", "--format", "{{json .DriverStatus}}"])
    modern = "containerd.snapshotter" in info.stdout
    yield Diagnosis(
        what="image store",
        state="ok" if modern else "warning",
        found="containerd"
        if modern
        else "classic: stores an image for one platform only and pulls it again for the other",
        mend=None
        if modern
        else 'add `{"features": {"containerd-snapshotter": true}}` to /etc/docker/daemon.json and restart docker',
    )


def _host() -> Iterator[Diagnosis]:
    yield _checked("CA", _ca)
    proxies = host.proxies()
    yield Diagnosis(what="proxy", state="ok", found=", ".join(sorted(proxies)) or "none")
    local = [name for name, value in proxies.items() if "127.0.0.1" in value or "localhost" in value]
    if local:
        mend = "use an address of the proxy that containers can reach, for example host.docker.internal"
        found = f"{', '.join(local)} points to this host's loopback interface, which is another one in a container"
        yield Diagnosis(what="proxy", state="warning", found=found, mend=mend)
    yield _checked("registry", images.registry)
    yield _pins()
    yield Diagnosis(what="cache", state="ok", found=str(cache_paths.cache()))
    yield _settings(defaults.current())


def _ca() -> str:
    names = ", ".join(name for name, _ in host.bundles())
    count = host.certificates().count(b"BEGIN CERTIFICATE")
    return f"{count} certificates named by {names}" if names else "the default certificates of each tool"


def _pins() -> Diagnosis:
    file = images.pins_file()
    count = len(images.pinned())
    mend = None if count else "`layerwright images pin` writes them"
    found = f"{count} images in {file}" if count else f"none for {images.registry()}"
    return Diagnosis(what="pins", state="ok" if count else "warning", found=found, mend=mend)


def _settings(settings: Defaults) -> Diagnosis:
    """Tell which file has the settings of the project, what it sets, and which variables count before it."""
    if settings.error:
        return _wrong("settings", settings.error)
    own = ", ".join(name for name in environment.VARIABLES if os.environ.get(name))
    variables = f"; set in the environment: {own}" if own else ""
    if settings.file is None:
        return Diagnosis(what="settings", state="ok", found=f"no {settings_file.NAME}{variables}")
    given = ", ".join(f"{key} = {value}" for key, value in settings.given)
    return Diagnosis(what="settings", state="ok", found=f"{settings.file}: {given or 'nothing'}{variables}")


def _checked(what: str, check: Callable[[], str]) -> Diagnosis:
    try:
        return Diagnosis(what=what, state="ok", found=check())
    except LayerwrightError as error:
        return _wrong(what, error)


def _wrong(what: str, error: LayerwrightError) -> Diagnosis:
    return Diagnosis(what=what, state="wrong", found="; ".join([error.what, *error.why]), mend=error.hint)
