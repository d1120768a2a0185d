"""The nodes of a buildx builder, and builders of a subset of them, for when some nodes are down."""

import hashlib
import re
import threading
from collections.abc import Sequence

from builder.base import processes
from builder.base.errors import EngineGoneError
from builder.base.frozen import dataclass

RUNNING = "running"
REMOTE = "remote"
"""The driver for existing BuildKit daemons, whose nodes can be addressed one by one."""
_lock = threading.Lock()
"""Held while a builder is created."""
_OPTION = re.compile(r"([A-Za-z][\w.-]*)=\"([^\"]*)\"")


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """A machine of an engine."""

    name: str
    native: str
    """The platform that runs without emulation, for example `linux/amd64`."""
    platforms: tuple[str, ...]
    """All platforms, emulated ones included."""
    state: str = RUNNING
    """As reported by buildx."""
    endpoint: str = ""
    options: tuple[tuple[str, str], ...] = ()
    """Options of the driver, for example certificates."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Builder:
    """A buildx builder, parsed from the text of `docker buildx inspect`, which has no JSON format."""

    driver: str
    nodes: tuple[Node, ...]

    @property
    def dead(self) -> tuple[Node, ...]:
        """Nodes that do not respond. With other drivers there are none, because buildx starts nodes when needed."""
        return tuple(node for node in self.nodes if self.driver == REMOTE and node.state != RUNNING)


def parse(text: str, native: str) -> Builder:
    """Parse the output of `buildx inspect`. `native` is the platform of the engine itself."""
    head, _, listed = text.partition("Nodes:")
    driver = _field(head, "Driver")
    parts = re.split(r"^Name:", listed, flags=re.MULTILINE)[1:]
    engine_platform = native if driver == "docker" else None
    nodes = [node for part in parts if (node := _node(part, engine_platform)).platforms]
    return Builder(driver=driver, nodes=tuple(nodes) or (Node(name="default", native=native, platforms=(native,)),))


def _node(text: str, native: str | None) -> Node:
    platforms = tuple(word.strip().rstrip("*") for word in _field(text, "Platforms").split(",") if word.strip())
    return Node(
        name=text.split(maxsplit=1)[0],
        native=native or (platforms[0] if platforms else ""),
        platforms=platforms or ((native,) if native else ()),
        state=_field(text, "Status") or RUNNING,
        endpoint=_field(text, "Endpoint"),
        options=tuple(_OPTION.findall(_field(text, "Driver Options"))),
    )


def _field(text: str, name: str) -> str:
    match = re.search(rf"^{name}:[ \t]+(.*)$", text, re.MULTILINE)
    return match[1].strip() if match else ""


def without_dead_nodes(program: str, name: str, builder: Builder) -> str:
    """Return the name of a builder of the nodes that respond, because buildx would wait for the others forever.

    Raises EngineGoneError if no node responds.
    """
    alive = [node for node in builder.nodes if node not in builder.dead]
    if not alive:
        msg = f"no node of builder `{name}` responds"
        why = [f"{node.name} at {node.endpoint}: {node.state}" for node in builder.dead]
        raise EngineGoneError(msg, why=why, hint="does buildkitd run there? `docker buildx inspect` shows the nodes")
    return subset(program, name, alive)


def subset(program: str, name: str, members: Sequence[Node]) -> str:
    """Return the name of a builder that consists of some nodes of another one, which is not changed.

    It is created on first use and kept. Its name contains a hash of the nodes.
    """
    key = "\n".join(f"{node.endpoint} {node.options}" for node in members)
    part = f"{name}-part-{hashlib.sha256(key.encode()).hexdigest()[:8]}"
    with _lock:
        if processes.run([program, "buildx", "inspect", part]).returncode:
            for number, node in enumerate(members):
                _add(program, part, node, first=not number)
    return part


def _add(program: str, part: str, node: Node, *, first: bool) -> None:
    options = [f"--driver-opt={key}={value}" for key, value in node.options]
    more = [] if first else ["--append"]
    command = [program, "buildx", "create", f"--name={part}", *more, f"--driver={REMOTE}", f"--platform={node.native}"]
    finished = processes.run([*command, *options, node.endpoint])
    if finished.returncode:
        msg = f"buildx cannot create a builder with node {node.name}"
        raise EngineGoneError(msg, why=finished.stderr.strip().splitlines()[-2:])
