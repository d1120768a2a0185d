"""The execution of a plan by the selected engine: the compile mode, the node, and the interpreter for bytecode."""

import dataclasses
import shlex
import shutil
import sys
from typing import Any

from builder.base.errors import EngineError
from builder.base.frozen import dataclass
from builder.engine import client, containers
from builder.layer import interpreters
from builder.model.images import run_image
from builder.plan import dockerfile
from builder.plan.mode import EngineOptions, choose_mode
from builder.plan.plan import Plan


def interpreter(plan: Plan, options: EngineOptions) -> interpreters.Interpreter | None:
    """Return the interpreter that compiles the bytecode of a plan; None if no bytecode is possible or wanted.

    Bytecode does not depend on the architecture, so a container has the engine's own. For a layer that needs no engine
    otherwise, no image is pulled, since a download of a minute is too much for a second of start-up.
    """
    target = plan.target
    if plan.interpreter is None:
        return None
    if python := interpreters.find(target.base.series):
        return python
    engine = options.engine() if plan.container else client.present(options.kind, options.builder)
    if engine is None:
        return None
    image = run_image(target.base, engine.architecture)
    if plan.container is None and not containers.has(engine, image):
        return None
    return containers.interpreter(engine, image, target.base.interpreter, target.base.series)


def without_bytecode(plan: Plan) -> Plan:
    """Return the plan of the same layer without bytecode, with a warning about the missing interpreter."""
    runtime = plan.target.base
    warning = (
        f"no Python {runtime.series} on this host, so the layer has no bytecode and starts slower; "
        f"`{_uv()} python install {runtime.series}` installs one, or pull the image "
        f"{plan.image.name}"
    )
    return dataclasses.replace(plan, interpreter=None, warnings=(*plan.warnings, warning))


def _uv() -> str:
    """Return uv as it is called in a shell: that of layerwright where none is in PATH."""
    return "uv" if shutil.which("uv") else f"{shlex.quote(sys.executable)} -m uv"


@dataclass(frozen=True, kw_only=True, slots=True)
class Outlook:
    """The execution of a plan by the selected engine."""

    mode: str | None = None
    """`native`, `accelerated`, `emulated`, or the reason why it is not possible; None if nothing is compiled."""
    node: str | None = None
    """The machine of the engine that compiles without emulation; None if there is none."""
    slow: tuple[str, ...] = ()
    """Languages whose compilers are emulated although the others are accelerated, each with the reason."""
    dockerfile: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the additional keys of `plan --json`."""
        return {"way": self.mode, "node": self.node, "slow": list(self.slow), "dockerfile": self.dockerfile or None}


def outlook(plan: Plan, options: EngineOptions) -> Outlook:
    """Return how the engine would compile a plan, with the Dockerfile. Builds nothing; a missing engine is no error."""
    if plan.container is None:
        return Outlook()
    try:
        engine = options.engine()
        compile_mode = choose_mode(plan.container, engine, options.mode)
    except EngineError as error:
        return Outlook(mode=f"not possible here: {error.what}", dockerfile=plan.dockerfile)
    node = engine.native_node(plan.target.arch)
    languages = plan.container.slow_languages if compile_mode.acceleration else ()
    return Outlook(
        mode=compile_mode.name,
        node=node.name if node else None,
        slow=tuple(f"{name}: only C, C++, Go and Rust are accelerated" for name in languages),
        dockerfile=dockerfile.describe(plan.container, compile_mode.acceleration),
    )
