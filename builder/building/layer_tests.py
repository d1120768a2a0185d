"""The tests of a layer that is built, or was: whether they run, and the record of what they said."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from builder.base.emitter import Events
from builder.base.errors import EngineError, NoImageError
from builder.base.frozen import dataclass
from builder.building import tested
from builder.engine import client, containers
from builder.engine.client import Engine
from builder.model.architectures import architecture
from builder.model.images import run_image
from builder.model.recipes import Loaded
from builder.model.target import Target
from builder.plan.mode import EngineOptions
from builder.smoke.record import ImageTrial, ZipTrials

if TYPE_CHECKING:
    from builder.smoke.run import Trial

Lack = Literal["image", "architecture"]
"""What an engine that is there has not, for tests that are optional: the image on hand, or the architecture."""
UNKNOWN = ""
"""Digest of an image that the engine would have to pull: no record is of it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerTests:
    """The tests of one layer."""

    loaded: Loaded
    target: Target
    path: Path
    """The final path of the zip."""
    mode: str
    """`always`, `never`, or `auto`: if the build needs an engine anyway, or the engine has the image."""
    catch_up: bool
    """Whether `auto` tests zips, too, that are up to date and were never tested. Asking an engine takes time."""
    containers: EngineOptions
    events: Events
    notes: list[str]
    """Receives the reason if optional tests cannot run."""
    lacks: list[Lack]
    """Receives what the engine has not, if it was asked."""

    def of_new(self, part: Path, sha256: str, *, compiled: bool) -> ZipTrials | None:
        """Return what the tests say of a zip that was written just now; None if they cannot run, or must not.

        Raises SmokeFailedError if one fails.
        """
        if not self._run(compiled=compiled):
            return self._known(sha256)
        trial = self._trial(part)
        if trial is None or trial.error is None:
            return tested.of_runs(self.path, sha256, self.loaded, trial.runs) if trial else None
        raise trial.error

    def of_existing(self, sha256: str) -> ZipTrials | None:
        """Return the record of a zip that is up to date. Its tests run if none holds for the image of the engine.

        Raises SmokeFailedError if one fails; the record beside the zip then says so.
        """
        before = self._known(sha256)
        waits = self.mode == "never" or (self.mode == "auto" and not self.catch_up)
        if waits or (before and self._holds(before)) or not self._run(compiled=False):
            return before
        trial = self._trial(self.path)
        if trial is None:
            return before
        said = tested.of_runs(self.path, sha256, self.loaded, trial.runs)
        self.keep(said)
        if trial.error:
            raise trial.error
        return said

    def keep(self, said: ZipTrials) -> None:
        """Write a record beside the zip, once that is at its path."""
        tested.keep(self.path, said, self.target)

    def _known(self, sha256: str) -> ZipTrials | None:
        return tested.known(self.path, sha256, self.loaded, self.target)

    def _holds(self, before: ZipTrials) -> bool:
        """Return whether the tests need not run again: none failed, and the image is the same as far as one can tell.

        A layer in which the default tests find nothing to try is asked for no more than once, unless tests must run.
        """
        if before.failed or (self.mode == "always" and not before.passed):
            return False
        engine = client.present(self.containers.kind, self.containers.builder)
        return before.ran_in({run.arch: self._digest(engine, run) for run in before.runs})

    def _digest(self, engine: Engine | None, run: ImageTrial) -> str | None:
        image = run_image(self.target.base, architecture(run.arch))
        if image.digest or engine is None:
            return image.digest
        return containers.digest(engine, image) or UNKNOWN

    def _run(self, *, compiled: bool) -> bool:
        """Return whether the tests run: with `auto`, only if nothing has to be pulled for them."""
        if self.mode != "auto":
            return self.mode == "always"
        chosen = self.containers
        engine = chosen.engine() if compiled else client.present(chosen.kind, chosen.builder)
        if engine is None:
            return False
        if not engine.can(self.target.arch):
            self.lacks.append("architecture")
            return False
        has_image = compiled or containers.has(engine, run_image(self.target.base, self.target.arch))
        if not has_image:
            self.lacks.append("image")
        return has_image

    def _trial(self, zipped: Path) -> "Trial | None":
        """Run the tests; None, with a note for the user, if they are optional and engine or image are not there."""
        from builder.smoke import run

        self.events.begin("testing", "in the runtime's image")
        recipe, folder = self.loaded.recipe, self.loaded.folder
        required = self.mode == "always"
        try:
            return run.layer(self.containers.engine(), zipped, self.target, recipe, folder, required=required)
        except (EngineError, NoImageError) as error:
            if required:
                raise
            if isinstance(error, NoImageError):
                self.lacks.append("image")
            self.notes.append(f"{self.target.name}: built and not tested: {error.what}")
            return None
