"""`layerwright wheel`: wheels for people who want no layer; fetched where they exist, else compiled and repaired."""

import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from packaging.utils import canonicalize_name

from builder.base import cache_paths, fetch, files
from builder.base.errors import BuildError, SmokeFailedError, UsageError
from builder.building import compiling
from builder.building.artifacts import Artifact
from builder.layer import tree
from builder.model import recipes
from builder.model.architectures import ARCHITECTURES, architecture
from builder.model.recipe import Layer, Recipe, Targets
from builder.model.recipes import Loaded
from builder.model.runtimes import OperatingSystem, operating_system, runtime, runtimes
from builder.model.steps import Packages, Pip, Step
from builder.model.target import Target, targets
from builder.packages.pypi import metadata
from builder.packages.pypi.install import Pinned, install
from builder.packages.pypi.resolution import Wheels
from builder.packages.pypi.resolve import Wanted, best, resolve
from builder.plan import adhoc
from builder.plan.mode import EngineOptions
from builder.plan.planning import plan
from builder.smoke import run

Report = Callable[[str], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class WheelOptions:
    """Options of `layerwright wheel`."""

    requirements: tuple[str, ...]
    runtimes: tuple[str, ...]
    architectures: tuple[str, ...]
    systems: tuple[str, ...] = ()
    """Operating systems: every current Python of each."""
    packages: tuple[str, ...] = ()
    """What must be installed to compile."""
    from_source: bool = False
    recipes: Path | None = None
    """A folder of recipes: what one installs to compile a package is needed here, too."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wheel:
    path: Path
    how: str
    """`wheel` as the index has it, or one of `parts.WAYS`: compiled."""


def make(options: WheelOptions, choice: EngineOptions, output: Path, report: Report) -> Iterator[Wheel]:
    """Yield the wheel of each requirement for each runtime and architecture, each file once."""
    names = {adhoc.name(text) for text in options.requirements}
    seen: set[Path] = set()
    for target in targets(_recipe(options)):
        report(f"{target.base.name} {target.arch.name}: planning")
        loaded = Loaded(recipe=_recipe(options), folder=None, adhoc=True)
        planned = plan(loaded, target)
        packages = next(one for one in planned.resolutions if isinstance(one, Wheels))
        for one in packages.routes:
            if one.sdist is None and one.package.name in names:
                wheel = Wheel(path=_fetched(one.package, target, output), how="wheel")
                if wheel.path not in seen:
                    seen.add(wheel.path)
                    yield wheel
        if planned.container:
            container = dataclasses.replace(planned.container, repair=True)
            work = compiling.Work(container=container, folder=None, choice=choice)
            made = compiling.make(work, functools.partial(_tell, report, target))
            ready = [one.package for one in packages.routes if one.sdist is None]
            report(f"{target.base.name} {target.arch.name}: importing")
            for wheel in _repaired(packages, made, ready, choice, output):
                if _stem(wheel.path) in names and wheel.path not in seen:
                    seen.add(wheel.path)
                    yield wheel


def _tell(report: Report, target: Target, text: str) -> None:
    report(f"{target.base.name} {target.arch.name}: {text}")


def _recipe(options: WheelOptions) -> Recipe:
    packages = tuple(dict.fromkeys((*options.packages, *_packages_of_recipes(options))))
    steps: list[Step] = [Packages(uses="packages", install=packages)] if packages else []
    wheels: Literal["never", "prefer"] = "never" if options.from_source else "prefer"
    return Recipe(
        layer=Layer(name="wheels", version="1", description="Wheels", license="see the packages"),
        targets=Targets(runtimes=_runtimes(options), architectures=options.architectures or tuple(ARCHITECTURES)),
        step=(*steps, Pip(uses="pip", requirements=options.requirements, wheels=wheels)),
    )


def _packages_of_recipes(options: WheelOptions) -> Iterator[str]:
    """Yield what the recipes of the same names install before they compile."""
    folder = options.recipes
    known = recipes.names(folder) if folder else []
    for name in (adhoc.name(text) for text in options.requirements):
        if folder and name in known:
            for step in recipes.load(folder, name).recipe.step:
                if isinstance(step, Packages) and step.when is None:
                    yield from step.install


def _runtimes(options: WheelOptions) -> tuple[str, ...]:
    for name in options.runtimes:
        runtime(name)
    for name in options.architectures:
        architecture(name)
    of_systems = [python for system in options.systems for python in _pythons(operating_system(system))]
    return tuple(dict.fromkeys((*options.runtimes, *of_systems))) or (adhoc.current("python")[-1].name,)


def _pythons(system: OperatingSystem) -> list[str]:
    """Return the Python runtimes of an operating system, previews excluded."""
    names = [each.name for each in runtimes().values() if each.python and each.os == system and not each.preview]
    if not names:
        msg = f"no Python runtime of Lambda runs on {system.title}"
        raise UsageError(msg, hint="`layerwright runtimes` shows the operating system of each runtime")
    return names


def _fetched(package: Pinned, target: Target, output: Path) -> Path:
    found = resolve(Wanted(requirements=(f"{package.name}=={package.version}",)), target.base, target.arch)
    candidate = next(one for one in found if one.name == package.name)
    wheel = best(candidate, target.base, target.arch)
    if wheel is None:
        msg = f"{package.name} {package.version} has no wheel for {target.base.name} on {target.arch.name} any more"
        raise BuildError(msg)
    return fetch.into(output, str(wheel.url), wheel.sha256, wheel.filename)


def _stem(path: Path) -> str:
    return canonicalize_name(path.name.split("-")[0])


def _repaired(
    packages: Wheels, made: dict[str, Artifact], ready: Sequence[Pinned], choice: EngineOptions, output: Path
) -> Iterator[Wheel]:
    """Take the wheels out of the parts, import what they hold where they shall run, and give them their place."""
    with cache_paths.workspace() as work:
        built = packages.wheels(made, work / "wheels", repaired=True)
        install([*ready, *built.values()], packages.target.base, packages.target.arch, work / "python")
        _import(work / "python", packages.target, list(built), choice)
        for one in packages.compiles:
            path = work / "wheels" / built[one.name].filename
            final = output / path.name
            with files.replacing(final) as part:
                part.write_bytes(path.read_bytes())
            yield Wheel(path=final, how=made[one.repaired].mode)


def _import(folder: Path, target: Target, names: Sequence[str], choice: EngineOptions) -> None:
    modules = [module for name in names for module in metadata.modules(folder, name)]
    if not modules:
        return
    command = [target.base.interpreter, "-B", "-c", "; ".join(f"import {module}" for module in modules)]
    content = tree.from_folder(folder, "python")
    finished = run.command(choice.engine(), content, target.base, target.arch, command)
    if finished.returncode:
        msg = f"what was compiled cannot be imported on {target.base.name} {target.arch.name}: {', '.join(modules)}"
        raise SmokeFailedError(msg, why=finished.stderr.strip().splitlines()[-4:])
