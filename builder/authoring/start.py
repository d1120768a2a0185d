"""`layerwright init`: settings, a first recipe, a workflow and lines of .gitignore for a repository that has none."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import tomlkit

from builder import __version__
from builder.authoring.new import copy_recipe
from builder.authoring.recipe_text import recipe_text
from builder.base import files, settings_file, texts
from builder.base.errors import UsageError, near
from builder.base.frozen import dataclass
from builder.model import facts, recipes
from builder.plan import catalogues

CodeHostName = Literal["github", "gitlab", "none"]
EXAMPLE = "example"
"""The recipe that needs no network and no engine; others are copies of those of catalogues."""
_WORKFLOWS = {"github": ".github/workflows/layers.yml", "gitlab": ".gitlab-ci.yml"}
_RUNNERS = {"x86_64": "ubuntu-24.04", "arm64": "ubuntu-24.04-arm"}
_IGNORED = {"github": ("/dist/",), "gitlab": ("/dist/", "/.cache/"), "none": ("/dist/",)}
_HEADER = "# What holds for all layers of this repository, unless the command line says something else.\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class StartingPoint:
    """What a repository begins with."""

    runtimes: tuple[str, ...]
    architectures: tuple[str, ...]
    regions: tuple[str, ...]
    ci: CodeHostName
    recipe: str
    """`example`, or a recipe of a catalogue."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StartedFile:
    """A file of a new project, and what was done with it."""

    path: Path
    done: Literal["wrote", "added to", "kept"]


def start(folder: Path, point: StartingPoint) -> Iterator[StartedFile]:
    """Write what is not there yet, and yield each file. What exists is kept as it is; .gitignore gets what it lacks."""
    yield _write(folder / settings_file.NAME, _settings(point))
    yield _recipe(folder, point)
    if point.ci != "none":
        yield _write(folder / _WORKFLOWS[point.ci], _workflow(point))
    yield _ignore(folder / ".gitignore", _IGNORED[point.ci])


def require_recipe(name: str) -> None:
    """Raise UsageError for a first recipe that there is not."""
    known = [EXAMPLE, *(each for folder in catalogues.folders() for each in recipes.names(folder))]
    if name not in known:
        msg = f"no catalogue has a recipe `{name}`{near(name, known)}"
        raise UsageError(msg, hint="`layerwright list --catalogue` shows them; later, `layerwright new` writes others")


def _write(path: Path, text: str) -> StartedFile:
    if path.exists():
        return StartedFile(path=path, done="kept")
    return StartedFile(path=files.write_text(path, text), done="wrote")


def _settings(point: StartingPoint) -> str:
    document = tomlkit.document()
    document["runtimes"] = list(point.runtimes)
    document["architectures"] = list(point.architectures)
    document["recipes"] = "recipes"
    document["output"] = "dist"
    if point.regions:
        document["publish"] = {"regions": list(point.regions)}
    return f"{_HEADER}{tomlkit.dumps(document)}"


def _recipe(folder: Path, point: StartingPoint) -> StartedFile:
    """Write the first recipe, unless there are recipes already."""
    place = folder / "recipes"
    if recipes.names(place) or (place / point.recipe).exists():
        return StartedFile(path=place, done="kept")
    if point.recipe == EXAMPLE:
        return _example(place / EXAMPLE, point)
    source = next(each / point.recipe for each in catalogues.folders() if point.recipe in recipes.names(each))
    return StartedFile(path=copy_recipe(source, point.recipe, place), done="wrote")


def _example(folder: Path, point: StartingPoint) -> StartedFile:
    tables: Mapping[str, Mapping[str, Any] | Sequence[Mapping[str, Any]]] = {
        "layer": {
            "name": EXAMPLE,
            "version": "1.0.0",
            "description": "A script that functions can call, as an example",
            "license": "MIT",
        },
        "targets": {
            "runtimes": list(point.runtimes),
            "architectures": list(point.architectures),
            "split-by": [],
        },
        "step": [{"uses": "copy", "files": ["hello"], "to": "bin", "executable": True}],
        "test": [{"shell": 'test "$(hello)" = "hello from a layer"'}],
    }
    with files.filling(folder) as made:
        files.write_text(made / "hello", texts.read(facts.folder() / "start" / "hello"))
        files.write_text(made / recipes.RECIPE_FILE, recipe_text(tables))
    return StartedFile(path=folder / recipes.RECIPE_FILE, done="wrote")


def _workflow(point: StartingPoint) -> str:
    indented = " " * 10
    jobs = [f"{indented}- arch: {arch}\n{indented}  runner: {_RUNNERS[arch]}" for arch in point.architectures]
    filled = {"JOBS": "\n".join(jobs), "ARCHITECTURES": ", ".join(point.architectures), "VERSION": __version__}
    text = texts.read(facts.folder() / "start" / f"{point.ci}.yml")
    for name, value in filled.items():
        text = text.replace(f"@{name}@", value)
    return text


def _ignore(path: Path, patterns: Iterable[str]) -> StartedFile:
    """Add patterns that a .gitignore lacks, also in other spellings, at its end."""
    text = texts.read(path) if path.exists() else ""
    there = {line.strip().strip("/") for line in text.splitlines()}
    lacked = [pattern for pattern in patterns if pattern.strip("/") not in there]
    if not lacked:
        return StartedFile(path=path, done="kept")
    before = f"{text}\n" if text and not text.endswith("\n") else text
    files.write_text(path, before + "".join(f"{pattern}\n" for pattern in lacked))
    return StartedFile(path=path, done="added to" if text else "wrote")
