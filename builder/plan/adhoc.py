"""Recipes that nobody has written yet: for `build --pip`, and for `new`."""

import re
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from builder.base.errors import UsageError
from builder.model.architectures import ARCHITECTURES, architecture
from builder.model.decode import decode
from builder.model.fields import NAME_PATTERN
from builder.model.recipe import Layer, Recipe, Targets
from builder.model.recipes import Loaded
from builder.model.runtimes import Runtime, runtime, runtimes, today
from builder.model.steps import Packages, Pip
from builder.packages.pypi.resolve import Wanted, resolve

NAME = re.compile(NAME_PATTERN)


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What stands on the command line instead of a recipe."""

    requirements: tuple[str, ...]
    file: Path | None
    name: str | None
    runtimes: tuple[str, ...]
    architectures: tuple[str, ...]
    packages: tuple[str, ...] = ()
    """Packages of the operating system, for what must be compiled."""
    node_packages: tuple[str, ...] = ()
    """Packages of Node.js, with or without `@version`; alone, without Python's."""


def current(language: str) -> list[Runtime]:
    """Return the runtimes of a language that Lambda supports today, on its newest system; the newest comes last."""
    every = [one for one in runtimes().values() if one.language == language and one.status(today()) == "current"]
    newest = max(one.os.age for one in every)
    return [one for one in every if one.os.age == newest]


def recipe(request: Request) -> Loaded:
    """Return a recipe for the packages of a command line, or raise UsageError."""
    if request.file and not request.file.is_file():
        msg = f"there is no file {request.file}"
        raise UsageError(msg)
    if request.node_packages:
        return _of_node(request)
    requirements = [parsed(text) for text in request.requirements]
    name = request.name or (canonicalize_name(requirements[0].name) if requirements else "")
    if not name:
        msg = "a layer from a requirements file needs a name"
        raise UsageError(msg, hint="add `--name my-dependencies`")
    if not NAME.fullmatch(name := re.sub(r"[^A-Za-z0-9_-]", "-", name)):
        msg = f"`{name}` is no name for a layer"
        raise UsageError(msg, hint="letters, digits, - and _; at most 100")
    chosen = request.runtimes or (current("python")[-1].name,)
    machines = request.architectures or tuple(ARCHITECTURES)
    version = _version(requirements[0], runtime(chosen[0]), machines[0]) if requirements else "1"
    version = re.sub(r"[^A-Za-z0-9.+_-]", "-", version)  # an epoch, `1!2.0`, would not go into a file's name
    made = Recipe(
        layer=Layer(name=name, version=version, description=f"Python packages: {name}", license="see its packages"),
        targets=Targets(runtimes=chosen, architectures=machines),
        step=(
            *([Packages(uses="packages", install=request.packages)] if request.packages else []),
            Pip(uses="pip", requirements=request.requirements, file=request.file.name if request.file else None),
        ),
    )
    return Loaded(recipe=made, folder=request.file.parent if request.file else None, adhoc=True)


def _of_node(request: Request) -> Loaded:
    """Return a recipe for Node.js packages; without a version, the newest."""
    if request.requirements or request.file:
        msg = "one layer is for Python or for Node.js"
        raise UsageError(msg, hint="call layerwright once with --pip and once with --npm")
    if others := [one for one in request.runtimes if runtime(one).language != "nodejs"]:
        msg = f"{', '.join(others)} has no Node.js"
        raise UsageError(msg, hint=f"for example `--runtime {current('nodejs')[-1].name}`")
    specs = [text if "@" in text[1:] else f"{text}@latest" for text in request.node_packages]
    first, _, wanted = specs[0].rpartition("@")
    name = request.name or re.sub(r"[^A-Za-z0-9_-]", "-", first.removeprefix("@"))
    data = {
        "layer": {
            "name": name,
            "version": re.sub(r"[^A-Za-z0-9.+_-]", "", wanted) or "1",
            "description": f"Node.js packages: {' '.join(request.node_packages)}"[:256],
            "license": "see its packages",
        },
        "targets": {
            "runtimes": list(request.runtimes or (current("nodejs")[-1].name,)),
            "architectures": list(request.architectures or ARCHITECTURES),
        },
        "step": [
            *([{"uses": "packages", "install": list(request.packages)}] if request.packages else []),
            {"uses": "npm", "packages": specs},
        ],
    }
    return Loaded(recipe=decode(Recipe, data, "the command line"), folder=None, adhoc=True)


def name(text: str) -> str:
    """Return the package that a requirement names, or raise UsageError."""
    return canonicalize_name(parsed(text).name)


def parsed(text: str) -> Requirement:
    try:
        return Requirement(text)
    except InvalidRequirement as error:
        msg = f"`{text}` is no requirement"
        hint = "for example `pandas==2.2.3`; a local wheel is `name @ file:///path/to/name.whl`"
        raise UsageError(msg, why=[str(error).splitlines()[0]], hint=hint) from None


def _version(requirement: Requirement, on: Runtime, arch: str) -> str:
    pinned = [one.version for one in requirement.specifier if one.operator == "==" and "*" not in one.version]
    if pinned:
        return pinned[0]
    found = resolve(Wanted(requirements=(str(requirement),)), on, architecture(arch))
    name = canonicalize_name(requirement.name)
    return next((one.version for one in found if canonicalize_name(one.name) == name), "1")
