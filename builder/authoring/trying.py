"""`layerwright new --try`: a first build, which finds out what the recipe has to compile with."""

from pathlib import Path

from builder.authoring import draft_recipe
from builder.authoring.draft_recipe import RecipeDraft
from builder.base import cache_paths
from builder.base.emitter import Events
from builder.base.errors import BuildError, CheckFailedError, LayerwrightError, SmokeFailedError
from builder.base.frozen import dataclass
from builder.building import layer
from builder.building.job import Options
from builder.engine.client import Engine
from builder.model import recipes
from builder.model.recipes import Loaded
from builder.model.target import Target, targets
from builder.plan.mode import EngineOptions

MOST = 5
"""Builds of one recipe: each that fails may add what it lacked."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FirstBuild:
    """A recipe that was built."""

    target: str
    builds: int
    added: tuple[str, ...]
    """Packages of the system that were added to it, in the order in which builds asked for them."""


def until_built(draft: RecipeDraft, folder: Path, containers: EngineOptions, events: Events) -> FirstBuild:
    """Build one target of a recipe that was written, and test it; write the packages that a failed build asks for.

    What is compiled stays in the cache. Raises the error of a build, a check or a test after which nothing is left to
    add, and that of the last of `MOST` builds; the recipe keeps what was added.
    """
    added: list[str] = []
    for number in range(1, MOST + 1):
        loaded = recipes.load(folder, draft.name)
        target = _target(loaded, containers.engine())
        try:
            _build(loaded, target, containers, events)
        except (BuildError, CheckFailedError, SmokeFailedError) as error:
            lacking = [name for name in error.packages if name not in draft.installs]
            if not lacking or number == MOST:
                raise _told(error, draft, folder, added) from None
            events.note(f"build {number} lacked {', '.join(lacking)}: added to the recipe")
            added += lacking
            draft = draft.installing(lacking)
            draft_recipe.rewrite(draft, folder)
        else:
            break
    return FirstBuild(target=target.name, builds=number, added=tuple(added))


def _target(loaded: Loaded, engine: Engine) -> Target:
    """Return the target that the engine compiles fastest: one of its own architecture, on the newest runtime."""
    every = targets(loaded.recipe)
    native = [target for target in every if target.arch.name == engine.architecture.name]
    return (native or every)[-1]


def _build(loaded: Loaded, target: Target, containers: EngineOptions, events: Events) -> None:
    with cache_paths.workspace() as work, events.target(target.name) as inner:
        layer.build(loaded, target, Options(output=work, containers=containers, test="always"), inner)


def _told(error: LayerwrightError, draft: RecipeDraft, folder: Path, added: list[str]) -> LayerwrightError:
    """Return the error of the last build, with what became of the recipe."""
    path = (folder / draft.name / recipes.RECIPE_FILE).as_posix()
    with_ = f", with {', '.join(added)} added to its packages" if added else ""
    error.why = (*error.why, f"the recipe is {path}{with_}")
    return error
