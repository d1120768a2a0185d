"""`layerwright new`: a recipe that lints and builds, for packages that the user names."""

import json
from collections.abc import Iterable

from packaging.utils import canonicalize_name

from builder.base import cache_paths
from builder.base.errors import BuildError, UsageError
from builder.layer import tree
from builder.model.architectures import ARCHITECTURES, architecture
from builder.model.target import targets
from builder.packages.pypi import metadata
from builder.packages.pypi.resolve import Wanted, resolve
from builder.plan import adhoc
from builder.plan.adhoc import Request
from builder.plan.planning import plan

PRUNE = ("python/**/tests/", "python/**/*.pyi")


def write_recipe(request: Request, name: str) -> str:
    """Return the text of a recipe that lints and builds: versions pinned, targets with wheels, an import as test."""
    if not adhoc.NAME.fullmatch(name):
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
    loaded = adhoc.recipe(asked)
    target = targets(loaded.recipe)[0]
    planned = plan(loaded, target, wheels_only=True)  # what a compiled package needs of the system, nobody can guess
    versions: dict[str, str] = {canonicalize_name(package.name): package.version for package in planned.packages}
    with cache_paths.workspace() as work:
        for resolution in planned.resolutions:
            resolution.assemble(tree.Tree(()), {}, work)
        summary, licence, modules = metadata.facts(work / "python", adhoc.parsed(request.requirements[0]).name)
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
    for candidate in adhoc.current("python"):
        try:
            for arch in request.architectures or tuple(ARCHITECTURES):
                resolve(Wanted(requirements=request.requirements, wheels_only=True), candidate, architecture(arch))
        except BuildError:
            continue
        found.append(candidate.name)
    return found


def _pinned(text: str, index: int, versions: dict[str, str]) -> str:
    requirement = adhoc.parsed(text)
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    if requirement.url or requirement.marker:
        return text
    version = "{version}" if index == 0 else versions.get(canonicalize_name(requirement.name), "")
    return f"{requirement.name}{extras}=={version}" if version else text


def _toml(text: str) -> str:
    """Return a TOML string; JSON's escapes are TOML's."""
    return json.dumps(" ".join(text.split()), ensure_ascii=False)


def _toml_list(values: Iterable[str]) -> str:
    return f"[{', '.join(_toml(value) for value in values)}]"
