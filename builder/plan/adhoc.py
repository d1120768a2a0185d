"""Recipes made from a command line, for packages that no recipe lists."""

import dataclasses
import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any

from builder.base import files
from builder.base.errors import UsageError
from builder.base.frozen import dataclass
from builder.model.architectures import ARCHITECTURES, architecture
from builder.model.decode import decode
from builder.model.fields import NAME_PATTERN
from builder.model.recipe import Recipe
from builder.model.recipes import Loaded
from builder.model.runtimes import Runtime, runtime, supported
from builder.model.tables import changed
from builder.packages import table
from builder.packages.command_line import ANY_LANGUAGE, CommandLinePackages
from builder.packages.ecosystem import Ecosystem
from builder.packages.projects import FoundProject

NAME = re.compile(NAME_PATTERN)


@dataclass(frozen=True, kw_only=True, slots=True)
class AdhocRequest:
    """The packages and targets of a command line."""

    specs: Mapping[str, Sequence[str]]
    """Packages by the name of their ecosystem, each as its command line has it."""
    files: Mapping[str, Path] = field(default_factory=dict)
    """Files that list packages, by the name of the ecosystem."""
    name: str | None
    """Name of the layer. Default: the first package's."""
    runtimes: tuple[str, ...]
    architectures: tuple[str, ...]
    preferred: tuple[str, ...] = ()
    """Runtimes of any language, of which those that fit are taken if none is named."""
    system_packages: tuple[str, ...] = ()
    """Packages of the operating system, which compiling needs."""
    without: tuple[str, ...] = ()
    """Packages that are left to another layer, or that are not needed."""
    prune: tuple[str, ...] = ()
    """Patterns as in .gitignore of files that are left out."""
    prunes: bool = True
    """Whether what layers of these packages usually do without is left out, too."""
    projects: tuple[FoundProject, ...] = ()
    """Projects, whose packages are added, each once."""


def current(language: str) -> list[Runtime]:
    """Return the runtimes of a language that Lambda supports today, on its newest system; the newest comes last."""
    every = supported(language)
    newest = max(each.os.age for each in every)
    return [each for each in every if each.os.age == newest]


def of_language(names: Sequence[str], language: str) -> tuple[str, ...]:
    """Return the runtimes of a language among these."""
    return tuple(name for name in names if runtime(name).language == language)


def recipe(request: AdhocRequest) -> Loaded:
    """Return a recipe for the packages of a command line. Raises UsageError if they do not make one layer."""
    if request.projects:
        return _following(request)
    for file in request.files.values():
        if not file.is_file():
            msg = f"there is no file {file}"
            raise UsageError(msg)
    packages = named_packages(request)
    chosen = (
        request.runtimes or of_language(request.preferred, packages.language) or (current(packages.language)[-1].name,)
    )
    _require_language(packages, chosen)
    name = _layer_name(request, packages)
    architectures = request.architectures or tuple(ARCHITECTURES)
    data = {
        "layer": {
            "name": name,
            "version": packages.version(runtime(chosen[0]), architecture(architectures[0])),
            "description": f"{packages.title} packages: {packages.description or name}"[:256],
            "license": "see its packages",
        },
        "targets": {"runtimes": list(chosen), "architectures": list(architectures)},
        "step": list(_steps(request, packages)),
    }
    folder = next((file.parent for file in request.files.values()), None)
    return _loaded(request, data, folder)


def _following(request: AdhocRequest) -> Loaded:
    """Return a recipe that follows projects, with the packages that are named besides."""
    first, *_ = projects = request.projects
    besides = named_packages(request).step if any(request.specs.values()) else {}
    chosen = request.runtimes or of_language(request.preferred, first.language) or (first.runtime,)
    _require_one_language(projects, chosen, besides)
    names = ", ".join(project.name for project in projects)
    data = {
        "layer": {
            "name": _valid_name(request.name or first.name.lstrip("@")),
            "version": "1",
            "description": f"Packages of the {first.title} project {names}"[:256],
            "license": "see its packages",
        },
        "targets": {"runtimes": list(chosen), "architectures": list(request.architectures or ARCHITECTURES)},
    }
    folder = first.base
    if len(projects) > 1:
        folder = Path(os.path.commonpath([project.request.folder.resolve() for project in projects]))
    base = folder.resolve()
    steps = [project.step(files.relative(project.request.folder.resolve(), base)) for project in projects]
    steps[0] = {**besides, **steps[0], **_without(request)}
    return _loaded(request, {**data, "step": [*_system(request), *steps]}, folder)


def _require_one_language(
    projects: Sequence[FoundProject], runtimes: Sequence[str], besides: Mapping[str, Any]
) -> None:
    for project in projects:
        others = [name for name in runtimes if runtime(name).language != project.language]
        if project.language and others:
            msg = f"{', '.join(others)} reads no packages of {project.told}"
            raise UsageError(msg, hint=f"for example `--runtime {project.runtime}`")
        if besides and besides["uses"] != project.uses:
            msg = f"one layer is for the packages of {project.told} or for those of --{besides['uses']}"
            raise UsageError(msg, hint="call layerwright once with each")


def _loaded(request: AdhocRequest, data: Mapping[str, Any], folder: Path | None) -> Loaded:
    """Return a recipe that removes what a new one for its packages would prune, and what the command line names."""
    _refuse_idle(request, {step["uses"] for step in data["step"]})
    loaded = Loaded(recipe=decode(Recipe, data, "the command line"), folder=folder, adhoc=True)
    usual = [pattern for each in table.of_recipe(loaded) for pattern in each.prune] if request.prunes else []
    slim = changed(loaded.recipe.slim, prune=(*usual, *request.prune), keep_imported=True)
    return dataclasses.replace(loaded, recipe=changed(loaded.recipe, slim=slim))


def _refuse_idle(request: AdhocRequest, uses: Collection[str]) -> None:
    """Raise UsageError for options that do nothing for these kinds of packages."""
    kinds = [each for each in table.ECOSYSTEMS if each.step.__name__.lower() in uses]
    if not request.prunes and not any(each.prune for each in kinds):
        msg = "--no-prune has no effect: by default, nothing of these packages is left out"
        raise UsageError(msg, hint="leave --no-prune out")
    keys = {field.name for each in kinds for field in dataclasses.fields(each.step)}
    if request.without and "without" not in keys:
        name = request.without[0]
        msg = "--without is for packages of Python"
        raise UsageError(msg, hint=f"`--prune {name}/` leaves the files of {name} out; or remove it from the project")


def named_packages(request: AdhocRequest) -> CommandLinePackages:
    """Return the packages of a request. Raises UsageError for packages of several ecosystems, or of none."""
    named = [
        packages
        for ecosystem in table.ECOSYSTEMS
        if request.specs.get(ecosystem.name) or ecosystem.name in request.files
        if (packages := _packages(request, ecosystem))
    ]
    if not named:
        msg = "no package is named"
        raise UsageError(msg)
    if len(named) > 1:
        msg = f"one layer is {' or '.join(f'for {packages.title}' for packages in named)}"
        options = " and once with ".join(f"--{packages.step['uses']}" for packages in named)
        raise UsageError(msg, hint=f"call layerwright once with {options}")
    return named[0]


def _packages(request: AdhocRequest, ecosystem: Ecosystem) -> CommandLinePackages | None:
    return ecosystem.command_line(request.specs.get(ecosystem.name, ()), request.files.get(ecosystem.name))


def _require_language(packages: CommandLinePackages, names: Sequence[str]) -> None:
    if packages.language == ANY_LANGUAGE:
        return
    if others := [name for name in names if runtime(name).language != packages.language]:
        msg = f"{', '.join(others)} has no {packages.title}"
        raise UsageError(msg, hint=f"for example `--runtime {current(packages.language)[-1].name}`")


def _layer_name(request: AdhocRequest, packages: CommandLinePackages) -> str:
    name = request.name or packages.name
    if not name:
        msg = "a layer from a requirements file needs a name"
        raise UsageError(msg, hint="add `--name my-dependencies`")
    return _valid_name(name)


def _valid_name(name: str) -> str:
    if not NAME.fullmatch(name := re.sub(r"[^A-Za-z0-9_-]", "-", name)):
        msg = f"`{name}` is not a valid name for a layer"
        raise UsageError(msg, hint="letters, digits, - and _; at most 100")
    return name


def _steps(request: AdhocRequest, packages: CommandLinePackages) -> Iterator[Mapping[str, Any]]:
    yield from _system(request)
    yield {**packages.step, **_without(request)}


def _without(request: AdhocRequest) -> Mapping[str, Any]:
    return {"without": list(request.without)} if request.without else {}


def _system(request: AdhocRequest) -> Iterator[Mapping[str, Any]]:
    if request.system_packages:
        yield {"uses": "packages", "install": list(request.system_packages)}
