"""`layerwright new`: a recipe that lints and builds, for packages or a source that the user names."""

import dataclasses
import tempfile
from pathlib import Path

import tomlkit

from builder.authoring import draft_packages, draft_recipe, draft_source, trying
from builder.authoring.draft_recipe import RecipeDraft
from builder.authoring.recipe_text import recipe_text
from builder.authoring.trying import FirstBuild
from builder.base import contained, files, texts
from builder.base.emitter import Events
from builder.base.frozen import dataclass
from builder.model import recipes
from builder.packages import table
from builder.plan import adhoc
from builder.plan.adhoc import AdhocRequest
from builder.plan.mode import EngineOptions


@dataclass(frozen=True, kw_only=True, slots=True)
class NewRecipe:
    """A recipe to write."""

    name: str
    folder: Path
    """The folder of recipes."""
    request: AdhocRequest
    source: str | None = None
    """The address of an upstream source that it compiles."""
    trying: EngineOptions | None = None
    """The engine that builds it at once, to find out what it has to compile with; None if nothing is built."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WrittenRecipe:
    """A recipe that was written."""

    path: Path
    trial: FirstBuild | None = None
    """What the first builds said; None without any."""


def write_recipe(new: NewRecipe, events: Events) -> WrittenRecipe:
    """Write a new recipe into a folder of recipes. Raises UsageError if it exists.

    Without the engine that shall try it, raises EngineError and writes nothing.
    """
    if new.trying:
        new.trying.engine()
    path = draft_recipe.require_new(new.folder, new.name)
    if new.request.projects:
        files.write_text(path, _following(new.request, new.name, path.parent))
        recipes.load(new.folder, new.name)
        return WrittenRecipe(path=path)
    draft = _draft(new, events)
    draft_recipe.write(draft, new.folder, events)
    trial = trying.until_built(draft, new.folder, new.trying, events) if new.trying else None
    return WrittenRecipe(path=path, trial=trial)


def _draft(new: NewRecipe, events: Events) -> RecipeDraft:
    if new.source:
        return draft_source.draft(new.source, new.request, new.name, events)
    return draft_packages.draft(new.request, new.name, compiling=new.trying is not None)


def copy_recipe(source: Path, name: str, folder: Path) -> Path:
    """Copy a recipe of a catalogue, with all files beside it, under another name; return the path of its file.

    Raises UsageError if there is one of that name already.
    """
    path = draft_recipe.require_new(folder, name)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".layerwright-", dir=folder) as work:
        made = Path(work) / name
        contained.copy(source, made)
        document = tomlkit.parse(texts.read(made / recipes.RECIPE_FILE))
        document["layer"]["name"] = name
        (made / recipes.RECIPE_FILE).write_text(tomlkit.dumps(document), encoding="utf-8", newline="\n")
        recipes.load(Path(work), name)
        files.move(made, path.parent)
    return path


def _following(request: AdhocRequest, name: str, folder: Path) -> str:
    """Return the text of a recipe that follows a project, after a look at what it would lock and install.

    Raises UsageError for a project of another repository, or one that cannot be followed.
    """
    project = request.projects[0]
    path = project.request.folder.resolve()
    root = contained.repository(folder) or folder.absolute().parent.parent
    contained.within(root, path)
    loaded = adhoc.recipe(dataclasses.replace(request, name=name))
    for ecosystem in table.of_recipe(loaded):
        ecosystem.lint(loaded)
    made = loaded.recipe
    return recipe_text(
        {
            "layer": {
                "name": name,
                "version": made.layer.version,
                "description": made.layer.description,
                "license": made.layer.license,
            },
            "targets": {"runtimes": list(made.targets.runtimes), "architectures": list(made.targets.architectures)},
            "step": [project.step(files.relative(path, folder.resolve()))],
            "slim": {"prune": list(made.slim.prune), "keep-imported": True},
        }
    )
