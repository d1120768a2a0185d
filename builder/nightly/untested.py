"""Layers whose tests have not passed: which of them are due because an engine can test them now."""

from dataclasses import field
from pathlib import Path

from builder.base.frozen import dataclass
from builder.building import tested
from builder.building.job import Options
from builder.engine import client, containers
from builder.model.images import run_image
from builder.model.recipes import Loaded
from builder.model.target import Target
from builder.nightly.records import Record
from builder.smoke import record as tests


@dataclass(frozen=True, kw_only=True, slots=True)
class Untested:
    """The layers of a run of which no test has passed. Safe for several threads."""

    options: Options
    _images: dict[str, bool] = field(default_factory=dict)
    """Whether the engine has an image, by reference: each is asked for once."""
    _slots: set[str] = field(default_factory=set)

    @property
    def slots(self) -> tuple[str, ...]:
        """The good targets that `note` has found to be untested."""
        return tuple(sorted(self._slots))

    def reason(self, record: Record | None, loaded: Loaded, target: Target) -> str | None:
        """Return why an unchanged layer is due: its tests never ran, and can run now.

        One in which the default tests find nothing to try is due only if tests must run.
        """
        if self.options.test == "never" or record is None or record.zip is None:
            return None
        said = tested.known(self.path(target), record.zip.sha256, loaded, target)
        never = said is None or said.failed or (self.options.test == "always" and not said.passed)
        return "its tests have not passed" if never and self._can_run(target) else None

    def note(self, record: Record | None, target: Target) -> None:
        """Note a good target if no test of its zip has passed."""
        if record is None or record.zip is None or (record.last and record.last.status == "failed"):
            return
        said = tests.of(self.path(target), record.zip.sha256)
        if said is None or not said.passed:
            self._slots.add(record.slot)

    def path(self, target: Target) -> Path:
        return self.options.output / f"{target.name}.zip"

    def _can_run(self, target: Target) -> bool:
        if self.options.test == "always":
            return True
        chosen = self.options.containers
        engine = client.present(chosen.kind, chosen.builder)
        if engine is None or not engine.can(target.arch):
            return False
        image = run_image(target.base, target.arch)
        if image.reference not in self._images:
            self._images[image.reference] = containers.has(engine, image)
        return self._images[image.reference]
