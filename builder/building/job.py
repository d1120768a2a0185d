"""The build of one zip: what it is made from, where, and with which options."""

from dataclasses import field
from pathlib import Path

from builder.base.emitter import Events
from builder.base.frozen import dataclass
from builder.building.layer_tests import Lack, LayerTests
from builder.layer.interpreters import Interpreter
from builder.layer.store import Store
from builder.model.recipes import Loaded
from builder.plan.mode import EngineOptions
from builder.plan.outlook import interpreter
from builder.plan.plan import Plan


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """Options of a build, the same for all targets."""

    output: Path
    strict: bool = False
    rebuild: bool = False
    """Build layers that are up to date, too."""
    containers: EngineOptions = field(default_factory=EngineOptions)
    wheels_only: bool = False
    """Whether packages that would have to be compiled are an error."""
    test: str = "never"
    """`always`, `never`, or `auto`: run the tests if the build needs an engine anyway, or the engine has the image."""
    catch_up: bool = True
    """Whether `auto` tests zips, too, that are up to date and were never tested. Asking an engine takes time."""
    provenance: str | None = None
    """URI of the builder. If set, a provenance statement is written beside each zip."""
    derived: Path | None = None
    """Cache of compressed and stripped files; None for the cache of all builds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """The build of one zip."""

    loaded: Loaded
    plan: Plan
    path: Path
    options: Options
    events: Events
    store: Store
    notes: list[str] = field(default_factory=list)
    """Warnings besides those of plan and checks."""
    lacks: list[Lack] = field(default_factory=list)
    """What the engine has not for the tests."""

    def interpreter(self) -> Interpreter | None:
        """Return the interpreter for the bytecode: of the host, else of the engine. None if there is neither."""
        return interpreter(self.plan, self.options.containers)

    @property
    def tests(self) -> LayerTests:
        return LayerTests(
            loaded=self.loaded,
            target=self.plan.target,
            path=self.path,
            mode=self.options.test,
            catch_up=self.options.catch_up,
            containers=self.options.containers,
            events=self.events,
            notes=self.notes,
            lacks=self.lacks,
        )
