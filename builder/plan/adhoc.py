"""Recipes that nobody has written yet: for `build --pip`, and for `new`."""

import json
import re
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from builder.base.errors import BuildError, UsageError
from builder.model.architectures import ARCHITECTURES, architecture
from builder.model.decode import decode
from builder.model.fields import NAME_PATTERN
from builder.model.recipe import Layer, Recipe, Targets
from builder.model.recipes import Loaded
from builder.model.runtimes import Runtime, runtime, runtimes, today
from builder.model.steps import Packages, Pip
from builder.model.target import targets
from builder.packages.pypi.install import install
from builder.packages.pypi.resolve import Wanted, resolve
from builder.plan.planning import plan

NAME = re.compile(NAME_PATTERN)
PRUNE = ("python/**/tests/", "python/**/*.pyi")


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
    parsed = [_parsed(text) for text in request.requirements]
    name = request.name or (canonicalize_name(parsed[0].name) if parsed else "")
    if not name:
        msg = "a layer from a requirements file needs a name"
        raise UsageError(msg, hint="add `--name my-dependencies`")
    if not NAME.fullmatch(name := re.sub(r"[^A-Za-z0-9_-]", "-", name)):
        msg = f"`{name}` is no name for a layer"
        raise UsageError(msg, hint="letters, digits, - and _; at most 100")
    chosen = request.runtimes or (current("python")[-1].name,)
    machines = request.architectures or tuple(ARCHITECTURES)
    version = _version(parsed[0], runtime(chosen[0]), machines[0]) if parsed else "1"
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
    return canonicalize_name(_parsed(text).name)


def _parsed(text: str) -> Requirement:
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


# ---- new -----------------------------------------------------------------------------------------------------------


def write_recipe(request: Request, name: str) -> str:
    """Return the text of a recipe that lints and builds: versions pinned, targets with wheels, an import as test."""
    if not NAME.fullmatch(name):
        msg = f"`{name}` is no name for a recipe"
        raise UsageError(msg, hint="letters, digits, - and _; at most 100")
    if not request.requirements:
        msg = "a new recipe needs at least one package"
        raise UsageError(msg, hint=f"for example `layerwright new {name} --pip {name}`")
    chosen = request.runtimes or tuple(_with_wheels(request))
    if not chosen:
        msg = f"no current Python runtime has wheels for {' '.join(request.requirements)}"
        raise BuildError(msg, hint="name one with --runtime to see why")
    machines = request.architectures or tuple(ARCHITECTURES)
    asked = Request(requirements=request.requirements, file=None, name=name, runtimes=chosen, architectures=machines)
    loaded = recipe(asked)
    target = targets(loaded.recipe)[0]
    planned = plan(loaded, target, wheels_only=True)  # what a compiled package needs of the system, nobody can guess
    versions: dict[str, str] = {canonicalize_name(one.package.name): one.package.version for one in planned.routes}
    with tempfile.TemporaryDirectory(prefix="layerwright-") as folder:
        install([one.package for one in planned.routes], target.base, target.arch, Path(folder))
        summary, licence, modules = _facts(Path(folder), _parsed(request.requirements[0]).name)
    return _TEMPLATE.format(
        name=name,
        version=loaded.recipe.layer.version,
        description=_toml(summary or f"{name} for AWS Lambda"),
        license=_toml(licence or "see the package"),
        runtimes=_toml_list(chosen),
        architectures=_toml_list(machines),
        requirements=_toml_list(_pinned(text, index, versions) for index, text in enumerate(request.requirements)),
        prune=_toml_list(PRUNE),
        test=_toml("; ".join(f"import {module}" for module in modules) or "import sys"),
    )


_TEMPLATE = """\
[layer]
name        = "{name}"
version     = "{version}"
description = {description}
license     = {license}

[targets]
runtimes      = {runtimes}
architectures = {architectures}

[[step]]
uses         = "pip"
requirements = {requirements}

[slim]
prune = {prune}

[[test]]
python = {test}
"""


def _with_wheels(request: Request) -> list[str]:
    found = []
    for candidate in current("python"):
        try:
            for arch in request.architectures or tuple(ARCHITECTURES):
                resolve(Wanted(requirements=request.requirements, wheels_only=True), candidate, architecture(arch))
        except BuildError:
            continue
        found.append(candidate.name)
    return found


def _pinned(text: str, index: int, versions: dict[str, str]) -> str:
    requirement = _parsed(text)
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    if requirement.url or requirement.marker:
        return text
    version = "{version}" if index == 0 else versions.get(canonicalize_name(requirement.name), "")
    return f"{requirement.name}{extras}=={version}" if version else text


def _facts(folder: Path, package: str) -> tuple[str, str, list[str]]:
    """Return summary, licence and importable modules from an installed package's metadata."""
    from importlib.metadata import PathDistribution

    for info in folder.glob("*.dist-info"):
        distribution = PathDistribution(info)
        if canonicalize_name(distribution.metadata["Name"]) != canonicalize_name(package):
            continue
        metadata = distribution.metadata.json
        licence = str(metadata.get("license_expression") or metadata.get("license") or "")
        tops = {str(path).split("/")[0] for path in distribution.files or () if not str(path).startswith("..")}
        modules = sorted(top.removesuffix(".py") for top in tops if _is_module(folder, top))
        return str(metadata.get("summary") or "")[:256], licence.splitlines()[0][:100] if licence else "", modules
    return "", "", []


def modules(folder: Path, package: str) -> list[str]:
    """Return what an installed package lets people import."""
    return _facts(folder, package)[2]


def _is_module(folder: Path, top: str) -> bool:
    name = top.removesuffix(".py")
    return (
        name.isidentifier()
        and not name.startswith("_")
        and (folder / top).exists()
        and (top.endswith(".py") or (folder / top / "__init__.py").is_file())
    )


def _toml(text: str) -> str:
    """Return a TOML string; JSON's escapes are TOML's."""
    return json.dumps(" ".join(text.split()), ensure_ascii=False)


def _toml_list(values: Iterable[str]) -> str:
    return f"[{', '.join(_toml(value) for value in values)}]"
