"""Which engine there is, what it can do, and what is wrong with it."""

import dataclasses
import json
import os
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

from builder.base import processes
from builder.base.errors import EngineError, EngineGoneError
from builder.engine import nodes
from builder.engine.nodes import Node
from builder.model.architectures import ARCHITECTURES, Architecture

OLDEST = {"docker": (23, 0), "buildx": (0, 13), "podman": (4, 3)}
"""Docker 23 builds with BuildKit by default; buildx 0.13 reports progress as JSON; podman 4.3 exports tars."""
DOCKER, PODMAN = "docker", "podman"
KINDS = (DOCKER, PODMAN, "finch", "nerdctl")
INSTALL = (
    "on Debian and Ubuntu `sudo make engine` installs one; on a Mac or Windows take Docker Desktop, Finch, Colima, "
    "Rancher Desktop or Podman. `layerwright doctor` tells what is there"
)
EMULATION = "docker run --privileged --rm tonistiigi/binfmt --install {arch}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Engine:
    kind: str
    program: str
    version: str
    nodes: tuple[Node, ...]
    builder: str | None = None
    """A buildx builder by name; None is the client's own choice."""
    driver: str = ""
    """Of the builder, as buildx calls it."""
    dead: tuple[Node, ...] = ()
    """Nodes of the builder that do not answer, for which the others work as well."""

    @property
    def build(self) -> tuple[str, ...]:
        """The start of a build's command line."""
        if self.kind == DOCKER:
            return (self.program, "buildx", "build", *(("--builder", self.builder) if self.builder else ()))
        return (self.program, "build")

    @property
    def architecture(self) -> Architecture:
        """What its first node runs natively."""
        return next(arch for arch in ARCHITECTURES.values() if arch.docker == self.nodes[0].native)

    def native_node(self, arch: Architecture) -> Node | None:
        """Return the first machine of that architecture."""
        return next((node for node in self.nodes if node.native == arch.docker), None)

    def builder_of(self, node: Node) -> str | None:
        """Return what sends work to one node alone, where buildx can address it; else the builder as it is."""
        if self.builder is None or self.driver != nodes.REMOTE or len(self.nodes) == 1:
            return self.builder
        return nodes.only(self.program, self.builder, [node])

    def can(self, arch: Architecture) -> bool:
        """Tell whether it runs anything for that architecture, natively or not."""
        return any(arch.docker == node.native or arch.docker in node.platforms for node in self.nodes)

    def mode(self, arch: Architecture) -> str:
        """Return `native` or `emulated`, or raise EngineError with what gives it that architecture."""
        if self.native_node(arch):
            return "native"
        if self.can(arch):
            return "emulated"
        msg = f"this engine runs nothing for {arch.name}: no node of it is {arch.name}, and no emulation is registered"
        raise EngineError(
            msg,
            why=[f"{node.name}: {', '.join(node.platforms)}" for node in self.nodes],
            hint=f"on Linux `sudo make engine` or `{EMULATION.format(arch=arch.docker.partition('/')[2])}`; "
            "Docker Desktop and Finch bring it with them",
        )


def kind_of(given: str | None = None) -> str:
    """Return which client to use: the one asked for, else the first that is installed."""
    asked = given or os.environ.get("LAYERWRIGHT_ENGINE")
    if asked:
        if asked not in KINDS:
            msg = f"unknown engine `{asked}`"
            raise EngineError(msg, hint=f"one of {', '.join(KINDS)}")
        if shutil.which(asked) is None:
            msg = f"`{asked}` is not installed"
            raise EngineError(msg, hint=INSTALL)
        return asked
    found = next((kind for kind in KINDS if shutil.which(kind)), None)
    if found is None:
        msg = "no container engine is installed, and this target must be compiled in one"
        raise EngineError(msg, hint=INSTALL)
    return found


@cache
def find(kind: str | None = None, builder: str | None = None) -> Engine:
    """Return the engine, or raise EngineError that says what is wrong with it."""
    name = kind_of(kind)
    program = shutil.which(name) or name
    if name == DOCKER:
        return _docker(program, builder or os.environ.get("BUILDX_BUILDER"))
    if builder:
        msg = f"--builder names a buildx builder, and {name} has none"
        raise EngineError(msg, hint="use --engine docker with it")
    return _podman(program) if name == PODMAN else _nerdctl(name, program)


def present(kind: str | None = None, builder: str | None = None) -> Engine | None:
    """Return the engine if it is there and works; for those who can do without."""
    try:
        return find(kind, builder)
    except EngineError:
        return None


_MEMORY_OF_A_BUILD = 3_000_000_000
"""Bytes: a C++ compiler takes one to two on each of two processors."""


def capacity(engine: Engine) -> int:
    """Return how many builds at once a node bears: two processors and 3 GB each, at most 4.

    Remote nodes of a buildx builder do not tell theirs; two is a guess that seldom hurts.
    """
    if engine.kind != DOCKER or engine.builder:
        return 2
    info = _json(_ask(engine.program, "info", "--format", "{{json .}}").stdout)
    processors, memory = int(str(info.get("NCPU", 2))), int(str(info.get("MemTotal", 0)))
    return max(1, min(4, processors // 2, memory // _MEMORY_OF_A_BUILD))


# ---- docker --------------------------------------------------------------------------------------------------------


def _docker(program: str, builder: str | None) -> Engine:
    questions = (
        ("version", "--format", "{{json .}}"),
        ("buildx", "version"),
        ("buildx", "inspect", *((builder,) if builder else ())),
    )
    with ThreadPoolExecutor(len(questions)) as pool:
        finished, buildx, inspected = pool.map(lambda question: _ask(program, *question), questions)
    server = _json(finished.stdout).get("Server") or {}
    if not server:
        raise unreachable(DOCKER, finished)
    version = str(server.get("Version"))
    _new_enough("docker", version, "Docker Engine")
    if buildx.returncode:
        msg = "docker has no buildx"
        hint = "install the package docker-buildx (Debian, Ubuntu) or docker-buildx-plugin (Docker's own packages)"
        raise EngineError(msg, why=_words(buildx), hint=hint)
    _new_enough("buildx", buildx.stdout.split()[1].lstrip("v"), "buildx")
    native = f"linux/{server.get('Arch')}"
    if inspected.returncode:
        msg = f"buildx cannot tell of builder `{builder or 'default'}`"
        raise EngineError(msg, why=_words(inspected), hint="`docker buildx ls` lists the builders")
    found = nodes.read(inspected.stdout, native)
    if builder and found.dead:
        alive = tuple(node for node in found.nodes if node not in found.dead)
        builder = nodes.without_the_dead(program, builder, found)
        found, dead = dataclasses.replace(found, nodes=alive), found.dead
    else:
        dead = ()
    return Engine(
        kind=DOCKER,
        program=program,
        version=version,
        nodes=found.nodes,
        builder=builder,
        driver=found.driver,
        dead=dead,
    )


# ---- podman, finch, nerdctl ----------------------------------------------------------------------------------------


def _podman(program: str) -> Engine:
    finished = _ask(program, "info", "--format", "json")
    info = _json(finished.stdout)
    if not info:
        raise unreachable(PODMAN, finished)
    version = str(info["version"]["Version"])
    _new_enough("podman", version, "Podman")
    native = f"linux/{info['host']['arch']}"
    return Engine(kind=PODMAN, program=program, version=version, nodes=(_local_node(native, program),))


def _nerdctl(name: str, program: str) -> Engine:
    """Finch is nerdctl in a virtual machine, which has emulation with it."""
    finished = _ask(program, "info", "--format", "{{json .}}")
    info = _json(finished.stdout)
    if not info:
        raise unreachable(name, finished)
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(str(info.get("Architecture")), str(info.get("Architecture")))
    both = tuple(arch.docker for arch in ARCHITECTURES.values())
    node = Node(name=name, native=f"linux/{machine}", platforms=both)
    return Engine(kind=name, program=program, version=str(info.get("ServerVersion", "")), nodes=(node,))


def _local_node(native: str, program: str) -> Node:
    """Podman does not list what is emulated. On Linux the kernel does; elsewhere its machine has both."""
    from pathlib import Path

    registered = Path("/proc/sys/fs/binfmt_misc")
    platforms = [native]
    for arch in ARCHITECTURES.values():
        known = (registered / f"qemu-{arch.machine}").exists() or not registered.exists()
        if arch.docker != native and known:
            platforms.append(arch.docker)
    return Node(name=program, native=native, platforms=tuple(platforms))


# ---- asking --------------------------------------------------------------------------------------------------------


def unreachable(kind: str, finished: processes.Finished) -> EngineError:
    """Return the error for an engine that does not answer."""
    if "permission denied" in finished.stderr:
        msg = f"you may not talk to the {kind} daemon"
        hint = "add yourself to the group `docker` and log in again, or use sudo"
        return EngineError(msg, why=_words(finished), hint=hint)
    msg = f"the {kind} daemon is not reachable"
    hint = "start Docker Desktop, Colima (`colima start`), Finch (`finch vm start`) or `podman machine start`; on "
    hint += "Linux `sudo systemctl start docker`, or `sudo make engine` here. `docker context ls` shows where it looks"
    return EngineGoneError(msg, why=_words(finished), hint=hint)


def _ask(*command: str) -> processes.Finished:
    return processes.run(command)


def _json(text: str) -> dict[str, dict[str, str]]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _words(finished: processes.Finished) -> list[str]:
    return [line for line in finished.stderr.strip().splitlines() if line.strip()][-2:]


def _new_enough(what: str, version: str, title: str) -> None:
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    if numbers < OLDEST[what]:
        oldest = ".".join(map(str, OLDEST[what]))
        msg = f"{title} {version} is too old; {oldest} is the oldest that works"
        raise EngineError(msg, hint=f"update it. {INSTALL}")
