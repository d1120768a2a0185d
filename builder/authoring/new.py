"""`layerwright new`: a recipe that lints and builds, for packages that the user names."""

import dataclasses
import tempfile
from pathlib import Path

import tomlkit

from builder.authoring import draft_packages, draft_recipe
from builder.authoring.recipe_text import recipe_text
from builder.base import contained, files, texts
from builder.base.emitter import Events
from builder.model import recipes
from builder.packages import table
from builder.plan import adhoc
from builder.plan.adhoc import AdhocRequest


def write_recipe(request: AdhocRequest, name: str, folder: Path, events: Events) -> Path:
    """Write a new recipe into a folder of recipes, and return its path. Raises UsageError if it exists."""
    if not request.projects:
        return draft_recipe.write(draft_packages.draft(request, name, compiling=False), folder, events)
    path = draft_recipe.require_new(folder, name)
    files.write_text(path, _following(request, name, path.parent))
    recipes.load(folder, name)
    return path


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
