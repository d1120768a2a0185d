"""`layerwright new`: a recipe that lints and builds, for packages that the user names."""

import dataclasses
import tempfile
from collections.abc import Iterator
from pathlib import Path

import tomlkit

from builder.authoring.recipe_text import recipe_text
from builder.base import cache_paths, contained, files, texts
from builder.base.errors import BuildError, UsageError
from builder.layer import tree
from builder.model import facts, public_text, recipes
from builder.model.architectures import ARCHITECTURES, architecture
from builder.model.target import targets
from builder.packages import table
from builder.packages.command_line import CommandLinePackages, Draft
from builder.plan import adhoc
from builder.plan.adhoc import AdhocRequest
from builder.plan.plan import Plan
from builder.plan.planning import plan


def write_recipe(request: AdhocRequest, name: str, folder: Path) -> Path:
    """Write a new recipe into a folder of recipes, and return its path. Raises UsageError if it exists."""
    path = _new_path(folder, name)
    text = _following(request, name, path.parent) if request.projects else _text(request, name)
    files.write_text(path, text)
    recipes.load(folder, name)
    return path


def copy_recipe(source: str, name: str, folder: Path) -> Path:
    """Copy a recipe of the catalogue, with all files beside it, under another name; return the path of its file.

    Raises UsageError if there is one of that name already.
    """
    _check_name(name)
    path = _new_path(folder, name)
    if path.parent.exists():
        msg = f"{path.parent} exists already"
        raise UsageError(msg, hint="choose another name")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".layerwright-", dir=folder) as work:
        made = Path(work) / name
        contained.copy(facts.catalogue() / source, made)
        document = tomlkit.parse(texts.read(made / recipes.RECIPE_FILE))
        document["layer"]["name"] = name
        (made / recipes.RECIPE_FILE).write_text(tomlkit.dumps(document), encoding="utf-8", newline="\n")
        recipes.load(Path(work), name)
        files.move(made, path.parent)
    return path


def _new_path(folder: Path, name: str) -> Path:
    path = folder / name / recipes.RECIPE_FILE
    if path.exists():
        msg = f"{path} exists already"
        raise UsageError(msg, hint="edit it, or choose another name")
    return path


def _text(request: AdhocRequest, name: str) -> str:
    """Return the text of a recipe: versions pinned, all current runtimes with prebuilt packages, an import as test.

    Raises UsageError for a name or packages that are not valid, BuildError if a package would have to be compiled:
    what that needs of the operating system, only its author knows.
    """
    _check(request, name)
    packages = adhoc.named_packages(request)
    architectures = request.architectures or tuple(ARCHITECTURES)
    chosen = request.runtimes or tuple(_with_prebuilt(packages, architectures))
    if not chosen:
        named = " ".join(text for texts in request.specs.values() for text in texts)
        msg = f"no current {packages.title} runtime has prebuilt packages for {named}"
        raise BuildError(msg, hint="name one with --runtime to see why")
    loaded = adhoc.recipe(dataclasses.replace(request, name=name, runtimes=chosen, architectures=architectures))
    draft = _drafted(packages, plan(loaded, targets(loaded.recipe)[0], wheels_only=True))
    for text in (draft.summary, draft.license):
        if fault := public_text.problem(text):
            msg = f"the metadata of the package cannot be published: {fault}"
            raise BuildError(msg, hint="write the recipe by hand, with words of your own")
    return recipe_text(
        {
            "layer": {
                "name": name,
                "version": loaded.recipe.layer.version,
                "description": (draft.summary or f"{name} for AWS Lambda")[:256],
                "license": draft.license or "see the package",
            },
            "targets": {"runtimes": list(chosen), "architectures": list(architectures)},
            "step": [draft.step],
            "slim": {"prune": list(draft.prune), "keep-imported": True},
            "test": [draft.test],
        }
    )


def _following(request: AdhocRequest, name: str, folder: Path) -> str:
    """Return the text of a recipe that follows a project, after a look at what it would lock and install.

    Raises UsageError for a project of another repository, or one that cannot be followed.
    """
    _check_name(name)
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


def _check_name(name: str) -> None:
    if not adhoc.NAME.fullmatch(name):
        msg = f"`{name}` is not a valid name for a recipe"
        raise UsageError(msg, hint="letters, digits, - and _; at most 100")


def _check(request: AdhocRequest, name: str) -> None:
    _check_name(name)
    if not any(request.specs.values()):
        msg = "a new recipe needs at least one package"
        raise UsageError(msg, hint=f"for example `layerwright new {name} --pip {name}`")


def _with_prebuilt(packages: CommandLinePackages, architectures: tuple[str, ...]) -> Iterator[str]:
    """Yield the current runtimes on which nothing has to be compiled."""
    for candidate in adhoc.current(packages.language):
        try:
            for arch in architectures:
                packages.require_prebuilt(candidate, architecture(arch))
        except BuildError:
            continue
        yield candidate.name


def _drafted(packages: CommandLinePackages, planned: Plan) -> Draft:
    with cache_paths.workspace() as work:
        for resolution in planned.resolutions:
            resolution.assemble(tree.Tree(()), {}, work)
        return packages.draft({package.name: package.version for package in planned.packages}, work)
