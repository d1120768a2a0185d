"""The machines of a buildx builder: which there are, and what to do when some of them are down."""

import hashlib
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from builder.base import processes
from builder.base.errors import EngineGoneError

RUNNING = "running"
REMOTE = "remote"
"""The driver of BuildKit daemons that run somewhere; each is addressed by itself."""
_making = threading.Lock()
_OPTION = re.compile(r"([A-Za-z][\w.-]*)=\"([^\"]*)\"")


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """One machine of an engine."""

    name: str
    native: str
    """The platform that it runs without emulation, for example `linux/amd64`."""
    platforms: tuple[str, ...]
    state: str = RUNNING
    endpoint: str = ""
    options: tuple[tuple[str, str], ...] = ()
    """Of buildx's driver, for example certificates."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Builder:
    """What `docker buildx inspect` tells; it has no JSON."""

    driver: str
    nodes: tuple[Node, ...]

    @property
    def dead(self) -> tuple[Node, ...]:
        """Nodes that do not answer. Those of other drivers are started by buildx itself when they are needed."""
        return tuple(node for node in self.nodes if self.driver == REMOTE and node.state != RUNNING)


def read(text: str, native: str) -> Builder:
    """Read `buildx inspect`; `native` is what the engine itself runs on."""
    head, _, listed = text.partition("Nodes:")
    driver = _field(head, "Driver")
    parts = re.split(r"^Name:", listed, flags=re.MULTILINE)[1:]
    own = native if driver == "docker" else None
    nodes = [node for part in parts if (node := _node(part, own)).platforms]
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
    found = re.search(rf"^{name}:[ \t]+(.*)$", text, re.MULTILINE)
    return found[1].strip() if found else ""


def without_the_dead(program: str, name: str, found: Builder) -> str:
    """Return a builder of the nodes that are alive: buildx sends work to a dead one and waits for it in vain.

    Raises EngineGoneError when no node answers.
    """
    alive = [node for node in found.nodes if node not in found.dead]
    if not alive:
        msg = f"no node of builder `{name}` answers"
        why = [f"{node.name} at {node.endpoint}: {node.state}" for node in found.dead]
        raise EngineGoneError(msg, why=why, hint="`docker buildx inspect` shows them; is buildkitd running there?")
    return only(program, name, alive)


def only(program: str, name: str, chosen: Sequence[Node]) -> str:
    """Return a builder of some nodes of a builder; the user's own stays as it is.

    It is named after them, so it is made once and left for the next time.
    """
    key = "\n".join(f"{node.endpoint} {node.options}" for node in chosen)
    part = f"{name}-part-{hashlib.sha256(key.encode()).hexdigest()[:8]}"
    with _making:
        if processes.run([program, "buildx", "inspect", part]).returncode:
            for number, node in enumerate(chosen):
                _add(program, part, node, first=not number)
    return part


def _add(program: str, part: str, node: Node, *, first: bool) -> None:
    options = [f"--driver-opt={key}={value}" for key, value in node.options]
    more = [] if first else ["--append"]
    command = [program, "buildx", "create", f"--name={part}", *more, f"--driver={REMOTE}", f"--platform={node.native}"]
    finished = processes.run([*command, *options, node.endpoint])
    if finished.returncode:
        msg = f"buildx makes no builder of {node.name} alone"
        raise EngineGoneError(msg, why=finished.stderr.strip().splitlines()[-2:])
