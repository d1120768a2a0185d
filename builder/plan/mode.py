"""In which way a container's parts are compiled: natively, accelerated or emulated, stage by stage."""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from builder.base.errors import EngineError, LayerwrightError
from builder.engine import client, host
from builder.engine.client import Engine
from builder.model.images import build_image
from builder.plan.container import Acceleration, Container

AUTO = "auto"
MODES = ("native", "accelerated", "emulated")
"""How a part of a layer can be compiled."""
NATIVE, ACCELERATED, EMULATED = MODES
TOOLCHAIN = "toolchain"
"""The stage with the engine's own compiler."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineChoice:
    """How the command line wants containers to be used."""

    kind: str | None = None
    builder: str | None = None
    route: str = AUTO
    """`auto`, or the one way that may be used."""
    no_cache: bool = False
    """Make everything anew."""
    recompile: bool = False
    """Compile anew, with the packages that the engine has installed before."""
    secrets: tuple[host.Secret, ...] = ()
    timeout: float = 4 * 3600.0
    """Seconds for one build."""

    def engine(self) -> Engine:
        return client.find(self.kind, self.builder)


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """How an engine is going to make a container's parts."""

    name: str
    acceleration: Acceleration | None = None
    notes: Mapping[str, str] = field(default_factory=dict)
    """Why a stage is not accelerated, by its name."""

    def of(self, stages: Iterable[str]) -> str:
        """Return the way in which a part is made that these stages lead to."""
        accelerated = self.acceleration.stages if self.acceleration else frozenset()
        return EMULATED if self.name == ACCELERATED and not set(stages) <= accelerated else self.name

    def without(self, stage: str, error: LayerwrightError) -> "Way | None":
        """Return the way that is left when acceleration fails in a stage; None when it was not accelerated."""
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
        left = frozenset() if stage == TOOLCHAIN else self.acceleration.stages - {stage}
        lost = self.acceleration.stages - left
        notes = {**self.notes, **dict.fromkeys(lost, f"could not be accelerated: {reason}")}
        return Way(
            name=self.name,
            acceleration=dataclasses.replace(self.acceleration, stages=left) if left else None,
            notes=notes,
        )


def decide(container: Container, engine: Engine, route: str) -> Way:
    """Choose how to compile: on a node of that architecture, else with a compiler that is not emulated."""
    arch = container.target.arch
    name = engine.way(arch)
    if route == NATIVE and name != NATIVE:
        msg = f"no node of this engine is {arch.name}, so nothing compiles natively for it"
        raise EngineError(msg, hint="--builder names a buildx builder that has one; --route auto takes what there is")
    # Only BuildKit's events tell which stage broke, so only there can a single one fall back.
    able = engine.kind == client.DOCKER or route == ACCELERATED
    if name == NATIVE or route == EMULATED or not able or not container.compiling:
        return Way(name=name)
    host = engine.architecture
    runtime = container.target.base
    return Way(
        name=ACCELERATED,
        acceleration=Acceleration(
            arch=host,
            image=build_image(runtime, host),
            packages=runtime.os.toolchain,
            stages=container.compiling,
            interpreted=container.interpreting,
        ),
    )
