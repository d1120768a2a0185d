"""How the engine at hand would carry out a plan: the compile mode, the node, and what compiles bytecode."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from builder.base.errors import EngineError
from builder.engine import client, containers
from builder.layer import interpreters
from builder.model.images import run_image
from builder.plan import dockerfile
from builder.plan.mode import EngineOptions, choose_mode
from builder.plan.plan import Plan


def interpreter(planned: Plan, choice: EngineOptions) -> interpreters.Interpreter | None:
    """Return what compiles the bytecode of a plan; None when it must be done without.

    A container's Python is of the engine's architecture: bytecode is the same for all. For a layer that needs no
    engine otherwise, nothing is pulled: a minute for a second of start-up would be a surprise.
    """
    target = planned.target
    if planned.interpreter is None:
        return None
    if found := interpreters.find(target.base.series):
        return found
    engine = choice.engine() if planned.container else client.present(choice.kind, choice.builder)
    if engine is None:
        return None
    image = run_image(target.base, engine.architecture)
    if planned.container is None and not containers.has(engine, image):
        return None
    return containers.interpreter(engine, image, target.base.interpreter, target.base.series)


def without_bytecode(planned: Plan) -> Plan:
    """Return the plan of the same layer for a host that cannot compile its bytecode."""
    runtime = planned.target.base
    warning = (
        f"no Python {runtime.series} on this host, so the layer comes without bytecode and starts slower; "
        f"`uv python install {runtime.series}` gives one, or an engine that has the image "
        f"{run_image(runtime, planned.target.arch).name}"
    )
    return dataclasses.replace(planned, interpreter=None, warnings=(*planned.warnings, warning))


@dataclass(frozen=True, kw_only=True, slots=True)
class Outlook:
    """How the engine at hand would compile a plan."""

    mode: str | None = None
    """`native`, `accelerated`, `emulated`, or why it is not possible; None when nothing is compiled."""
    node: str | None = None
    """The machine of the engine that would do it, when it needs no emulation."""
    slow: tuple[str, ...] = ()
    """What is emulated although the rest is not, each with the reason."""
    dockerfile: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return it for programs, to be joined with the plan."""
        return {"way": self.mode, "node": self.node, "slow": list(self.slow), "dockerfile": self.dockerfile or None}


def outlook(planned: Plan, choice: EngineOptions) -> Outlook:
    """Ask the engine how it would compile a plan, and return that with the Dockerfile for it."""
    if planned.container is None:
        return Outlook()
    try:
        engine = choice.engine()
        chosen = choose_mode(planned.container, engine, choice.mode)
    except EngineError as error:
        return Outlook(mode=f"not possible here: {error.what}", dockerfile=planned.dockerfile)
    arch = planned.target.arch
    node = engine.native_node(arch)
    languages = planned.container.slow_languages if chosen.acceleration else ()
    return Outlook(
        mode=chosen.name,
        node=node.name if node else None,
        slow=tuple(f"{name}: C, C++, Go and Rust alone have a compiler of the engine's own" for name in languages),
        dockerfile=dockerfile.describe(planned.container, chosen.acceleration),
    )
