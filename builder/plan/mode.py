"""How a container's parts are compiled: natively, accelerated or emulated, decided for each stage."""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import field

from builder.base.errors import EngineError, LayerwrightError
from builder.base.frozen import dataclass
from builder.engine import client, host
from builder.engine.client import Engine
from builder.model.images import build_image
from builder.plan.container import Acceleration, Container

AUTO = "auto"
MODES = ("native", "accelerated", "emulated")
"""The modes in which a part can be compiled, the fastest first."""
NATIVE, ACCELERATED, EMULATED = MODES
FETCHED = "fetched-"
"""Before the name of a stage: the one that fetches what it compiles."""
TOOLCHAIN = "toolchain"
"""The stage that holds the compiler for the engine's own architecture."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineOptions:
    """The options of the command line that select an engine and control its builds."""

    kind: str | None = None
    builder: str | None = None
    mode: str = AUTO
    """`auto`, or the only mode that may be used."""
    no_cache: bool = False
    """Build every stage anew."""
    recompile: bool = False
    """Compile anew, but keep the cached stages that install packages of the operating system."""
    frozen_images: bool = False
    """Compile in pinned images only; otherwise the others are pinned first."""
    secrets: tuple[host.Secret, ...] = ()
    timeout: float = 4 * 3600.0
    """Limit of one build, in seconds."""

    def engine(self) -> Engine:
        """Return the selected engine. Raises EngineError if it is missing or unusable."""
        return client.find(self.kind, self.builder)


@dataclass(frozen=True, kw_only=True, slots=True)
class CompileMode:
    """The mode in which an engine compiles the parts of a container."""

    name: str
    acceleration: Acceleration | None = None
    notes: Mapping[str, str] = field(default_factory=dict)
    """Reasons why a stage is not accelerated, by stage."""

    def of(self, stages: Iterable[str]) -> str:
        """Return the mode of a part that results from these stages: accelerated only if all of them are."""
        accelerated = self.acceleration.stages if self.acceleration else frozenset()
        return EMULATED if self.name == ACCELERATED and not set(stages) <= accelerated else self.name

    def without(self, stage: str, error: LayerwrightError) -> "CompileMode | None":
        """Return the mode to retry with after acceleration failed in a stage; None if the stage was not accelerated."""
        stage = stage.removeprefix(FETCHED)
        if self.acceleration is None or stage not in {TOOLCHAIN, *self.acceleration.stages}:
            return None
        reason = error.why[0] if error.why else error.what
        if stage in self.acceleration.interpreted:
            return dataclasses.replace(
                self,
                acceleration=dataclasses.replace(
                    self.acceleration, interpreted=self.acceleration.interpreted - {stage}
                ),
                notes={**self.notes, stage: f"its Python had to be emulated: {reason}"},
            )
        remaining = frozenset() if stage == TOOLCHAIN else self.acceleration.stages - {stage}
        lost = self.acceleration.stages - remaining
        notes = {**self.notes, **dict.fromkeys(lost, f"could not be accelerated: {reason}")}
        return CompileMode(
            name=self.name,
            acceleration=dataclasses.replace(self.acceleration, stages=remaining) if remaining else None,
            notes=notes,
        )


def choose_mode(container: Container, engine: Engine, requested: str) -> CompileMode:
    """Return the compile mode: native on a node of the target's architecture, else accelerated where that is possible.

    `requested` is `auto` or one of `MODES`. Raises EngineError if it is `native` and no node has the architecture.
    """
    arch = container.target.arch
    name = engine.mode(arch)
    if requested == NATIVE and name != NATIVE:
        msg = f"no node of this engine is {arch.name}, so nothing compiles natively for it"
        raise EngineError(msg, hint="--builder selects a buildx builder that has one; --route auto uses any mode")
    # Only BuildKit's events identify the failed stage, and only then can a single stage fall back to emulation.
    able = engine.kind == client.DOCKER or requested == ACCELERATED
    if name == NATIVE or requested == EMULATED or not able or not container.compiling:
        return CompileMode(name=name)
    image = build_image(container.target.base, engine.architecture)
    return CompileMode(name=ACCELERATED, acceleration=container.accelerated(engine.architecture, image))
