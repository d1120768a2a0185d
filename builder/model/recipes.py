"""The folder of recipes: find and load them, with the rules that concern several tables."""

import ast
import itertools
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from builder.base import contained, texts
from builder.base.errors import LayerwrightError, Location, UsageError, near
from builder.base.faults import TomlText
from builder.base.frozen import dataclass
from builder.model import facts, libraries
from builder.model.architectures import ARCHITECTURES
from builder.model.decode import decode
from builder.model.recipe import TABLES, Recipe
from builder.model.runtimes import runtime
from builder.model.spellings import modernize
from builder.model.steps import Build, Copy, Step
from builder.model.steps.project import FollowingStep
from builder.model.target import targets

RECIPE_FILE = "recipe.toml"
Mistaken = tuple[Location, str]
"""A key of a recipe, and what is wrong with it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Loaded:
    """A recipe and the folder that its paths are relative to."""

    recipe: Recipe
    folder: Path | None
    adhoc: bool = False
    """Whether it is made from the command line, without a file and without locks."""
    of_catalogue: bool = False
    """Whether it was found in a catalogue, rather than in a folder of the caller's."""
    warnings: tuple[str, ...] = ()
    """Old spellings in the file, each with the new one."""

    @property
    def name(self) -> str:
        return self.recipe.layer.name

    def lock_named(self, name: str) -> Path | None:
        """Return the path of a lock, whether or not it exists; None for a recipe that is not a file."""
        return self.file(name) if self.folder and not self.adhoc else None

    def file(self, relative: str) -> Path:
        """Return the path of a file that the recipe names. Raises UsageError if it is not below the recipe's folder.

        Only the files of a recipe that is made from the command line are the caller's own, wherever they are.
        """
        if self.folder is None or self.adhoc:
            return (self.folder or Path()) / relative
        return contained.path(self.folder, relative)

    @property
    def repository(self) -> Path | None:
        """The folder that a project may be in: the repository, else what holds the folder of recipes.

        None for a recipe that is made from the command line outside of any repository: its folders are the caller's.
        """
        if self.folder is None:
            return None
        if (root := contained.repository(self.folder)) or self.adhoc:
            return root
        return self.folder.resolve().parent.parent

    @property
    def follows(self) -> bool:
        """Whether a step follows a project, whose own tool locks and updates its packages."""
        return any(isinstance(step, FollowingStep) and step.project for step in self.recipe.step)

    def project(self, relative: str) -> Path:
        """Return the folder of a project that a step follows. Raises UsageError if it is not in the repository."""
        path = Path(os.path.normpath((self.folder or Path()) / relative))
        return contained.within(self.repository, path) if self.repository else path

    def has(self, relative: str) -> bool:
        """Tell whether there is a regular file of that name."""
        return os.path.isfile(self.file(relative))  # noqa: PTH113  Path.is_file raises for names that are too long

    def matching(self, pattern: str) -> list[Path]:
        """Return the files beside the recipe that match a pattern, sorted."""
        return contained.matching(self.folder or Path(), pattern)


def names(folder: Path) -> list[str]:
    """Return the names of all recipes in a folder, sorted."""
    if not folder.is_dir():
        return []
    return sorted(entry.name for entry in folder.iterdir() if (entry / RECIPE_FILE).is_file())


def is_path(given: str) -> bool:
    """Tell whether a text of the command line is a path, and cannot be the name of a recipe."""
    return given.startswith(".") or any(mark in given for mark in "/\\")


def located(folder: Path, given: str, catalogues: Iterable[Path]) -> tuple[Path, str]:
    """Return folder and name of a recipe that is given by its name, by its folder, or by its file.

    A name is looked for in the folder, where that does not exist in the folders of that name above the current one, and
    at last in the catalogues.
    """
    path = Path(given)
    path = path.parent if path.name == RECIPE_FILE else path
    if (is_path(given) or path != Path(given)) and (path / RECIPE_FILE).is_file():
        named = path if path.name else path.absolute()  # the current folder has no name of its own
        return named.parent, named.name
    if is_path(given):
        return folder, given
    above = () if folder.exists() or folder.is_absolute() else (parent / folder for parent in Path.cwd().parents)
    places = itertools.chain((folder, *above), catalogues)
    return next((each for each in places if (each / given / RECIPE_FILE).is_file()), folder), given


def _absent(folder: Path, name: str) -> UsageError:
    """Return the error for a name that is of no recipe; it may be meant as a path."""
    if Path(name).is_file():
        return UsageError(f"{name} is a file, and no recipe", hint=f"its packages: `layerwright build -r {name}`")
    if Path(name).is_dir():
        msg = f"{name} is a folder without a recipe"
        return UsageError(msg, hint="`layerwright build` takes folders of projects, in a call without recipes")
    if is_path(name):
        return UsageError(f"there is no folder {name}{_near(name)}", hint="`layerwright list` shows the recipes")
    others = names(folder)
    ready = names(facts.catalogue())
    if name in ready:
        msg = f"there is no recipe `{name}` in {folder}; it is one of the catalogue"
        return UsageError(msg, hint=f"`layerwright new {name} --from {name}` makes a copy of your own")
    msg = f"there is no recipe `{name}` in {folder}{near(name, [*others, *ready]) or _near(name)}"
    hint = "`layerwright list` shows the recipes" if others else f"`layerwright new {name} --pip {name}` writes one"
    return UsageError(msg, hint=hint)


def _near(name: str) -> str:
    """Return the hint at a folder that a path may mean: a name in it that is there in another spelling."""
    path = Path(name)
    missing = next((each for each in reversed((path, *path.parents)) if not each.exists()), path)
    try:
        beside = [each.name for each in missing.parent.iterdir() if each.is_dir()]
    except OSError:
        return ""
    match = near(missing.name, beside)
    return match.replace("`", f"`{name[: len(name.rstrip('/')) - len(path.name)]}", 1) if missing == path else match


def load(folder: Path, name: str) -> Loaded:
    """Load a recipe by name. Raises UsageError with all mistakes in it, or with all links that leave its folder."""
    path = folder / name / RECIPE_FILE
    if not path.is_file() or name != path.parent.name:
        raise _absent(folder, name)
    contained.path(folder, name)  # the folder may be a link itself
    contained.refuse_links(path.parent)
    text = TomlText(name=path.as_posix(), text=texts.read(path))
    data = text.parsed()
    _convert_dates(data)
    warnings = modernize(data, text.name)
    loaded = Loaded(recipe=decode(Recipe, data, text), folder=path.parent, warnings=warnings)
    if mistakes := [*_order(data), *_rules(loaded)]:
        raise text.mistaken(mistakes)
    return loaded


def load_all(*folders: Path) -> tuple[list[Loaded], list[LayerwrightError]]:
    """Load all recipes, of each name the first; return the valid ones, and the errors of the others."""
    good: list[Loaded] = []
    bad: list[LayerwrightError] = []
    places = {name: folder for folder in reversed(folders) for name in names(folder)}
    for name, folder in sorted(places.items()):
        try:
            good.append(load(folder, name))
        except UsageError as error:
            bad.append(error)
    return good, bad


def _convert_dates(data: dict[str, Any]) -> None:
    """Replace a date, which an unquoted 2026-11-01 is in TOML, by a number, for which there is a clear message."""
    layer = data.get("layer")
    if isinstance(layer, dict) and hasattr(layer.get("version"), "isoformat"):
        layer["version"] = 0


def _order(data: dict[str, Any]) -> Iterator[Mistaken]:
    """Yield a mistake if tables are not in the one order that makes recipes easy to read."""
    given = [key for key in data if key in TABLES]
    ordered = sorted(given, key=TABLES.index)
    if given != ordered:
        first = next(key for key, right in zip(given, ordered, strict=True) if key != right)
        yield (first,), f"tables are in another order than {', '.join(f'[{key}]' for key in ordered)}"


def _rules(loaded: Loaded) -> Iterator[Mistaken]:
    recipe = loaded.recipe
    if loaded.folder and recipe.layer.name != loaded.folder.name:
        yield ("layer", "name"), f"`{recipe.layer.name}` differs from the folder's name `{loaded.folder.name}`"
    yield from _duplicates(recipe)
    yield from _sources(recipe)
    yield from _files(loaded)
    yield from _languages(recipe)
    yield from _tests(recipe)
    yield from _libraries(recipe)


def _duplicates(recipe: Recipe) -> Iterator[Mistaken]:
    for key in ("runtimes", "architectures"):
        values = getattr(recipe.targets, key)
        for value in sorted({value for value in values if values.count(value) > 1}):
            yield ("targets", key), f"`{value}` is listed twice"
    named = [target.name for target in targets(recipe)]
    for name in sorted({name for name in named if named.count(name) > 1}):
        yield ("override",), f"two targets would both be called `{name}`"


def _languages(recipe: Recipe) -> Iterator[Mistaken]:
    """Yield steps whose packages none of the runtimes reads. Runtimes of .NET read no packages of layers."""
    for index, step in enumerate(recipe.step):
        if not step.languages:
            continue
        named = [step.when.runtime] if step.when and step.when.runtime else recipe.targets.runtimes
        for name in sorted({name for name in named if runtime(name).language not in {*step.languages, "provided"}}):
            yield ("step", index, "uses"), f'`uses = "{step.uses}"` adds nothing that {name} reads'
        if not any(runtime(name).language in step.languages for name in named):
            languages = " or ".join(sorted(step.languages))
            yield ("step", index, "uses"), f'`uses = "{step.uses}"` needs a runtime of {languages} in targets.runtimes'
    for name in recipe.targets.runtimes:
        if runtime(name).language == "dotnet" and any(_for_dotnet(step) for step in recipe.step):
            text = (
                f"{name} reads assemblies from no directory of a layer; AWS recommends to put them into the package of"
                " the function, or into a container image; a layer can have bin/, lib/ and extensions/"
            )
            yield ("targets", "runtimes"), text


def _for_dotnet(step: Step) -> bool:
    return isinstance(step, Copy) and step.to.strip("/").partition("/")[0] not in {"bin", "lib", "extensions", "."}


def _sources(recipe: Recipe) -> Iterator[Mistaken]:
    named = [source.name or recipe.layer.name for source in recipe.source]
    for name in sorted({name for name in named if named.count(name) > 1}):
        yield ("source",), f"two are called `{name}`; give them a `name`"
    for index, step in enumerate(recipe.step):
        if not isinstance(step, Build):
            continue
        if not named:
            yield ("step", index, "uses"), '`uses = "source"` needs a [[source]]'
        elif step.source and step.source not in named:
            yield ("step", index, "source"), f"there is no source `{step.source}`{near(step.source, named)}"


def _files(loaded: Loaded) -> Iterator[Mistaken]:
    for index, step in enumerate(loaded.recipe.step):
        file = getattr(step, "file", None)
        if file and not loaded.has(file):
            yield ("step", index, "file"), f"there is no `{file}` beside the recipe"
        if isinstance(step, FollowingStep) and step.project and not loaded.project(step.project).is_dir():
            yield ("step", index, "project"), f"there is no folder `{step.project}`, relative to the recipe's"
        if isinstance(step, Copy) and loaded.folder:
            for pattern in step.files:
                if not loaded.matching(pattern):
                    yield ("step", index, "files"), f"nothing beside the recipe matches `{pattern}`"


def _tests(recipe: Recipe) -> Iterator[Mistaken]:
    for index, test in enumerate(recipe.test):
        if test.python is None:
            continue
        try:
            ast.parse(test.python)
        except SyntaxError as error:
            yield ("test", index, "python"), f"{error.msg} in line {error.lineno}"


def _libraries(recipe: Recipe) -> Iterator[Mistaken]:
    """Yield libraries in `bundle` and `dlopen` that would crash, would never be used, or are not sonames."""
    runtimes = [runtime(name) for name in recipe.targets.runtimes]
    architectures = [ARCHITECTURES[name] for name in recipe.targets.architectures]
    for key in ("bundle", "dlopen"):
        listed = getattr(recipe.libraries, key)
        for index, soname in enumerate(() if isinstance(listed, str) else listed):
            if key == "bundle" and (reason := libraries.refusal(soname, runtimes, architectures)):
                yield ("libraries", key, index), reason
            elif ".so" not in soname or "/" in soname:
                yield ("libraries", key, index), f"`{soname}` is not a valid soname, such as `libpq.so.5`"
