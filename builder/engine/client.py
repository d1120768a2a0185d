"""The container engine of this host: its client, version, nodes and architectures, and why it cannot be used."""

import contextlib
import json
import os
import re
import shutil
from functools import cache
from pathlib import Path

from builder.base import environment, processes
from builder.base.errors import EngineError, EngineGoneError
from builder.base.frozen import dataclass
from builder.engine import addresses, nodes, setting_up
from builder.engine.nodes import Node
from builder.model.architectures import ARCHITECTURES, Architecture

OLDEST = {"docker": (23, 0), "buildx": (0, 13), "podman": (4, 3)}
"""The oldest versions with the features used: BuildKit by default, progress as JSON, and export as a tar."""
_ISOLATING_PODMAN = (4, 4)
DOCKER, PODMAN = "docker", "podman"
KINDS = (DOCKER, PODMAN, "finch", "nerdctl")


@dataclass(frozen=True, kw_only=True, slots=True)
class Engine:
    """A usable container engine."""

    kind: str
    """One of `KINDS`."""
    program: str
    """Path of the client."""
    version: str
    nodes: tuple[Node, ...]
    builder: str | None = None
    """Name of the buildx builder; None for the client's default."""
    driver: str = ""
    """Driver of the builder, as named by buildx."""
    dead: tuple[Node, ...] = ()
    """Nodes of the builder that do not respond. `nodes` does not contain them."""

    @property
    def build(self) -> tuple[str, ...]:
        """The first arguments of a build command."""
        if self.kind == DOCKER:
            return (self.program, "buildx", "build", *(("--builder", self.builder) if self.builder else ()))
        return (self.program, "build")

    @property
    def architecture(self) -> Architecture:
        """The native architecture of the first node."""
        return next(arch for arch in ARCHITECTURES.values() if arch.docker == self.nodes[0].native)

    @property
    def isolates_steps(self) -> bool:
        """Whether steps of its builds can be kept from the network: Podman before 4.4 refuses `RUN --network`."""
        return self.kind != PODMAN or _numbers(self.version) >= _ISOLATING_PODMAN

    def native_node(self, arch: Architecture) -> Node | None:
        """Return the first node with this native architecture; None if there is none."""
        return next((node for node in self.nodes if node.native == arch.docker), None)

    def builder_of(self, node: Node) -> str | None:
        """Return a builder that consists of one node only. Without the remote driver, return the whole builder."""
        if self.builder is None or self.driver != nodes.REMOTE or len(self.nodes) == 1:
            return self.builder
        return nodes.subset(self.program, self.builder, [node])

    def can(self, arch: Architecture) -> bool:
        """Return whether some node runs this architecture, natively or emulated."""
        return any(arch.docker == node.native or arch.docker in node.platforms for node in self.nodes)

    def mode(self, arch: Architecture) -> str:
        """Return `native` or `emulated`. Raises EngineError if no node runs this architecture."""
        if self.native_node(arch):
            return "native"
        if self.can(arch):
            return "emulated"
        msg = f"this engine cannot run {arch.name}: no node is {arch.name}, and no emulation is registered"
        raise EngineError(
            msg,
            why=[f"{node.name}: {', '.join(node.platforms)}" for node in self.nodes],
            hint=f"on Linux `{setting_up.EMULATION.format(arch=arch.docker.partition('/')[2])}`; "
            "Docker Desktop and Finch include it",
        )


def kind_of(given: str | None = None) -> str:
    """Return the kind of engine: the given one, else that of LAYERWRIGHT_ENGINE, else the first installed.

    Raises EngineError if it is unknown or not installed.
    """
    requested = given or environment.value("LAYERWRIGHT_ENGINE")
    if requested:
        if requested not in KINDS:
            msg = f"unknown engine `{requested}`"
            raise EngineError(msg, hint=f"one of {', '.join(KINDS)}")
        if shutil.which(requested) is None:
            msg = f"`{requested}` is not installed"
            raise EngineError(msg, hint=setting_up.advice())
        return requested
    installed = next((kind for kind in KINDS if shutil.which(kind)), None)
    if installed is None:
        raise _absent(addresses.outside_of_path(KINDS, Path.home(), os.environ))
    return installed


def _absent(elsewhere: Path | None) -> EngineError:
    """Return the error for a host without an engine, or with one whose folder is not in PATH."""
    if elsewhere is None:
        msg = "no container engine is installed"
        why = ["what has no prebuilt package is compiled in a container, and layers are tested in one"]
        return EngineError(msg, why=why, hint=setting_up.advice())
    folder = elsewhere.parent
    hint = f'set "PATH=%PATH%;{folder}"' if os.name == "nt" else f'export PATH="$PATH:{folder}"'
    return EngineError(f"no container engine is in PATH, and {elsewhere} is there", hint=hint)


@cache
def find(kind: str | None = None, builder: str | None = None) -> Engine:
    """Return the engine: the first that responds of those installed, unless one is named. Cached.

    Raises EngineError, with the reason and a hint, if it cannot be used.
    """
    first = kind_of(kind)
    if kind or builder or environment.value("LAYERWRIGHT_ENGINE"):
        return _of_kind(first, builder)
    try:
        return _of_kind(first, builder)
    except EngineGoneError:
        if first == DOCKER and addresses.is_chosen(DOCKER):
            raise
        for other in KINDS[KINDS.index(first) + 1 :]:
            if shutil.which(other):
                with contextlib.suppress(EngineError):
                    return _of_kind(other, None)
        raise


def _of_kind(name: str, builder: str | None) -> Engine:
    program = shutil.which(name) or name
    if name == DOCKER:
        return _docker(program, builder or os.environ.get("BUILDX_BUILDER"))
    if builder:
        msg = f"--builder names a buildx builder, and {name} has none"
        raise EngineError(msg, hint="combine it with --engine docker")
    return _podman(program) if name == PODMAN else _nerdctl(name, program)


def present(kind: str | None = None, builder: str | None = None) -> Engine | None:
    """Return the engine; None if it cannot be used. For callers to which an engine is optional."""
    try:
        return find(kind, builder)
    except EngineError:
        return None


_BUILD_MEMORY = 3_000_000_000
"""Bytes. A C++ compiler takes 1 to 2 GB, and a build runs two of them."""


def capacity(engine: Engine) -> int:
    """Return the number of concurrent builds per node: one for two processors and 3 GB of memory, at most 4.

    The nodes of a buildx builder do not report their resources, so 2 is assumed.
    """
    if engine.kind != DOCKER or engine.builder:
        return 2
    info = _json(_ask(engine.program, "info", "--format", "{{json .}}").stdout)
    processors, memory = int(str(info.get("NCPU", 2))), int(str(info.get("MemTotal", 0)))
    return max(1, min(4, processors // 2, memory // _BUILD_MEMORY))


# ---- docker --------------------------------------------------------------------------------------------------------


def _docker(program: str, builder: str | None) -> Engine:
    queries = (
        ("version", "--format", "{{json .}}"),
        ("buildx", "version"),
        ("buildx", "inspect", *((builder,) if builder else ())),
    )
    with processes.pool(len(queries)) as pool:
        finished, buildx, inspected = pool.map(lambda query: _ask(program, *query), queries)
    server = _json(finished.stdout).get("Server") or {}
    if not server:
        if not builder and addresses.take_other(program):
            return _docker(program, builder)
        raise unreachable(DOCKER, finished)
    version = str(server.get("Version"))
    _require_version("docker", version, "Docker Engine")
    if buildx.returncode:
        msg = "docker has no buildx"
        hint = "install the package docker-buildx (Debian, Ubuntu) or docker-buildx-plugin (Docker's own packages)"
        raise EngineError(msg, why=_reason(buildx), hint=hint)
    _require_version("buildx", buildx.stdout.split()[1].lstrip("v"), "buildx")
    native = f"linux/{server.get('Arch')}"
    if inspected.returncode:
        msg = f"buildx cannot inspect builder `{builder or 'default'}`"
        raise EngineError(msg, why=_reason(inspected), hint="`docker buildx ls` lists the builders")
    inventory = nodes.parse(inspected.stdout, native)
    dead = inventory.dead if builder else ()
    if builder and dead:
        builder = nodes.without_dead_nodes(program, builder, inventory)
    return Engine(
        kind=DOCKER,
        program=program,
        version=version,
        nodes=tuple(node for node in inventory.nodes if node not in dead),
        builder=builder,
        driver=inventory.driver,
        dead=dead,
    )


# ---- podman, finch, nerdctl ----------------------------------------------------------------------------------------


def _podman(program: str) -> Engine:
    finished = _ask(program, "info", "--format", "json")
    info = _json(finished.stdout)
    if not info:
        raise unreachable(PODMAN, finished)
    version = str(info["version"]["Version"])
    _require_version("podman", version, "Podman")
    native = f"linux/{info['host']['arch']}"
    return Engine(kind=PODMAN, program=program, version=version, nodes=(_local_node(native, program),))


def _nerdctl(name: str, program: str) -> Engine:
    """Return the engine of Finch or nerdctl. Finch is nerdctl in a virtual machine that includes emulation."""
    finished = _ask(program, "info", "--format", "{{json .}}")
    info = _json(finished.stdout)
    if not info:
        raise unreachable(name, finished)
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(str(info.get("Architecture")), str(info.get("Architecture")))
    both = tuple(arch.docker for arch in ARCHITECTURES.values())
    node = Node(name=name, native=f"linux/{machine}", platforms=both)
    return Engine(kind=name, program=program, version=str(info.get("ServerVersion", "")), nodes=(node,))


def _local_node(native: str, program: str) -> Node:
    """Return the node of Podman. It does not list emulated platforms: on Linux the kernel does, its machine has all."""
    registered = Path("/proc/sys/fs/binfmt_misc")
    platforms = [native]
    for arch in ARCHITECTURES.values():
        runnable = (registered / f"qemu-{arch.machine}").exists() or not registered.exists()
        if arch.docker != native and runnable:
            platforms.append(arch.docker)
    return Node(name=program, native=native, platforms=tuple(platforms))


# ---- output of clients -----------------------------------------------------------------------------------------------


def unreachable(kind: str, finished: processes.Finished) -> EngineError:
    """Return the error for an engine whose daemon does not respond."""
    if "permission denied" in finished.stderr:
        msg = f"no permission to connect to the {kind} daemon"
        hint = "add your user to the group `docker` and log in again, or use sudo"
        return EngineError(msg, why=_reason(finished), hint=hint)
    msg = f"the {kind} daemon is not reachable"
    hint = (
        "start Docker Desktop, Colima (`colima start`), Finch (`finch vm start`) or `podman machine start`; on Linux "
    )
    started = f"`sudo systemctl start docker`, or `{setting_up.command()}` here. `docker context ls` shows the address"
    return EngineGoneError(msg, why=_reason(finished), hint=hint + started)


def _ask(*command: str) -> processes.Finished:
    return processes.run(command)


def _json(text: str) -> dict[str, dict[str, str]]:
    try:
        document = json.loads(text)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _reason(finished: processes.Finished) -> list[str]:
    return [line for line in finished.stderr.strip().splitlines() if line.strip()][-2:]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])


def _require_version(what: str, version: str, title: str) -> None:
    if _numbers(version) < OLDEST[what]:
        oldest = ".".join(map(str, OLDEST[what]))
        msg = f"{title} {version} is too old; {oldest} is the oldest supported version"
        raise EngineError(msg, hint=f"update it: {setting_up.advice()}")
