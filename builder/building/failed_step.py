"""The step at which the last build of a target failed, kept beside its log for `layerwright shell`."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from builder.base import cache_paths
from builder.base.documents import Document, Typed
from builder.base.errors import LayerwrightError
from builder.base.frozen import dataclass
from builder.model.images import build_image
from builder.model.target import Target
from builder.plan import keys
from builder.plan.container import Acceleration, Container, Part

if TYPE_CHECKING:
    from builder.engine.client import Engine


@dataclass(frozen=True, kw_only=True, slots=True)
class FailedStep:
    """An instruction of a Dockerfile, and what that was rendered with."""

    instruction: str
    """As the engine names it, with the stage."""
    parts: tuple[str, ...]
    """The stages whose results were missing."""
    accelerated: tuple[str, ...] = ()
    interpreted: tuple[str, ...] = ()
    repair: bool = False
    """Whether portable wheels were made."""
    version: int = 1

    def container(self, container: Container) -> Container:
        """Return the container of a target as it was built."""
        return replace(container, repair=self.repair)

    def missing(self, container: Container) -> list[Part]:
        return [part for part in keys.parts(container) if part.stage in self.parts]

    def acceleration(self, container: Container, engine: "Engine") -> Acceleration | None:
        """Return the acceleration that the build had."""
        if not self.accelerated:
            return None
        arch = engine.architecture
        whole = container.accelerated(arch, build_image(container.target.base, arch))
        return replace(whole, stages=frozenset(self.accelerated), interpreted=frozenset(self.interpreted))


def of(target: Target) -> FailedStep | None:
    """Return the step at which the last build of a target failed; None if it did not, or there was none."""
    return _document(target).read()


@contextlib.contextmanager
def noted(container: Container, parts: Sequence[Part], acceleration: Acceleration | None) -> Iterator[None]:
    """Note the step at which the build in the block fails, or that none does."""
    try:
        yield
    except LayerwrightError as error:
        if error.instruction:
            _document(container.target).replace(step(error.instruction, container, parts, acceleration))
        raise
    _document(container.target).path.unlink(missing_ok=True)


def step(
    instruction: str, container: Container, parts: Sequence[Part], acceleration: Acceleration | None
) -> FailedStep:
    """Return a step of the build of these parts."""
    return FailedStep(
        instruction=instruction,
        parts=tuple(part.stage for part in parts),
        accelerated=tuple(sorted(acceleration.stages)) if acceleration else (),
        interpreted=tuple(sorted(acceleration.interpreted)) if acceleration else (),
        repair=container.repair,
    )


def _document(target: Target) -> Document[FailedStep]:
    path = cache_paths.folder("logs") / f"{target.name}.failed.json"
    return Document(path=path, what="note of a failed step", codec=Typed(kind=FailedStep))
