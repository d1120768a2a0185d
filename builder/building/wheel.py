"""`layerwright wheel`: wheels without a layer. They are downloaded where they exist, else compiled and repaired."""

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from packaging.utils import canonicalize_name

from builder.base import cache_paths, caches, fetch, files
from builder.base.emitter import Events
from builder.base.errors import BuildError, SmokeFailedError, UsageError
from builder.base.frozen import dataclass
from builder.building import compiling, pinning
from builder.building.artifacts import Artifact
from builder.layer import tree
from builder.model import recipes
from builder.model.architectures import ARCHITECTURES, architecture
from builder.model.recipe import Layer, Recipe, Targets
from builder.model.recipes import Loaded
from builder.model.runtime_tables import OperatingSystem
from builder.model.runtimes import operating_system, runtime, runtimes
from builder.model.steps import Packages, Pip, Step
from builder.model.target import Target, targets
from builder.packages.pypi import metadata
from builder.packages.pypi.command_line import package_name
from builder.packages.pypi.install import Pinned, install
from builder.packages.pypi.resolution import Wheels
from builder.packages.pypi.resolve import Wanted, best, resolve
from builder.plan import adhoc
from builder.plan.mode import EngineOptions
from builder.plan.planning import plan
from builder.smoke import run, tests


@dataclass(frozen=True, kw_only=True, slots=True)
class WheelOptions:
    """Options of `layerwright wheel`."""

    requirements: tuple[str, ...]
    runtimes: tuple[str, ...]
    architectures: tuple[str, ...]
    systems: tuple[str, ...] = ()
    """Operating systems; each stands for all its current Python runtimes."""
    packages: tuple[str, ...] = ()
    """Packages of the operating system to be installed before compiling."""
    from_source: bool = False
    """Whether to compile packages that have a wheel."""
    recipes: Path | None = None
    """A folder of recipes. Packages that a recipe of the same name installs are installed, too."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wheel:
    """A wheel in the output folder."""

    path: Path
    how: str
    """`wheel` as published, or the mode in which it was compiled: one of `plan.mode.MODES`."""


def make(options: WheelOptions, engine_options: EngineOptions, output: Path, events: Events) -> Iterator[Wheel]:
    """Yield the wheel of each requirement for each runtime and architecture, each file once.

    Raises SmokeFailedError if a compiled wheel cannot be imported in the image of its runtime.
    """
    with caches.within_limit():
        yield from _make(options, engine_options, output, events)


def _make(options: WheelOptions, engine_options: EngineOptions, output: Path, events: Events) -> Iterator[Wheel]:
    seen: set[Path] = set()
    for target in targets(_recipe(options)):
        with events.target(f"{target.base.name} {target.arch.name}") as inner:
            for wheel in _of_target(options, engine_options, output, target, inner):
                if wheel.path not in seen:
                    seen.add(wheel.path)
                    yield wheel


def _of_target(
    options: WheelOptions, engine_options: EngineOptions, output: Path, target: Target, events: Events
) -> Iterator[Wheel]:
    names = {package_name(text) for text in options.requirements}
    events.begin("planning")
    loaded = Loaded(recipe=_recipe(options), folder=None, adhoc=True)
    planned = plan(loaded, target)
    if pinning.pin_images(planned, engine_options, events):
        planned = plan(loaded, target)
    packages = next(resolution for resolution in planned.resolutions if isinstance(resolution, Wheels))
    prebuilt = [route.package for route in packages.routes if route.sdist is None]
    for package in prebuilt:
        if package.name in names:
            events.begin("downloading", package.name)
            yield Wheel(path=_fetched(package, target, output), how="wheel")
    if planned.container:
        container = dataclasses.replace(planned.container, repair=True)
        work = compiling.Work(container=container, folder=None, options=engine_options)
        artifacts = compiling.make(work, events)
        _require_compiled(artifacts)
        events.begin("importing")
        for wheel in _repaired(packages, artifacts, prebuilt, engine_options, output):
            if _stem(wheel.path) in names:
                yield wheel


def _require_compiled(artifacts: dict[str, Artifact]) -> None:
    """Raise BuildError for a wheel that promises compiled code and has none."""
    for stage, artifact in sorted(artifacts.items()):
        if (fell := artifact.fallback()) is not None:
            msg = f"{stage.partition('-')[2]}: {fell.what}"
            hint = fell.hint or "--packages NAME installs packages of the system that a build needs"
            raise BuildError(msg, why=fell.why, hint=hint)


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
    """Yield the packages of the operating system that recipes of the same names install."""
    folder = options.recipes
    existing = recipes.names(folder) if folder else []
    for name in (package_name(text) for text in options.requirements):
        if folder and name in existing:
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
    query = Wanted(requirements=(f"{package.name}=={package.version}",))
    candidates = resolve(query, target.base, target.arch)
    candidate = next(candidate for candidate in candidates if candidate.name == package.name)
    wheel = best(candidate, target.base, target.arch)
    if wheel is None:
        msg = f"{package.name} {package.version} no longer has a wheel for {target.base.name} on {target.arch.name}"
        raise BuildError(msg)
    return fetch.into(output, str(wheel.url), wheel.sha256, wheel.filename)


def _stem(path: Path) -> str:
    return canonicalize_name(path.name.split("-")[0])


def _repaired(
    packages: Wheels,
    artifacts: dict[str, Artifact],
    prebuilt: Sequence[Pinned],
    engine_options: EngineOptions,
    output: Path,
) -> Iterator[Wheel]:
    """Import the compiled wheels in the image of the runtime, copy them to the output folder, and yield them."""
    with cache_paths.workspace() as work:
        built = packages.wheels(artifacts, work / "wheels", repaired=True)
        install(
            [*prebuilt, *built.values()], packages.target.base, packages.target.arch, work / "python", packages.indexes
        )
        _import(work / "python", packages.target, list(built), engine_options)
        for compiled in packages.compiles:
            path = work / "wheels" / built[compiled.name].filename
            final = output / path.name
            with files.replacing(final) as part:
                part.write_bytes(path.read_bytes())
            yield Wheel(path=final, how=artifacts[compiled.repaired].mode)


def _import(folder: Path, target: Target, names: Sequence[str], engine_options: EngineOptions) -> None:
    modules = [module for name in names for module in metadata.modules(folder, name)]
    if not modules:
        return
    command = tests.running(target.base, "; ".join(f"import {module}" for module in modules))
    content = tree.from_folder(folder, "python")
    finished = run.command(engine_options.engine(), content, target.base, target.arch, command)
    if finished.returncode:
        msg = f"the compiled wheels cannot be imported on {target.base.name} {target.arch.name}: {', '.join(modules)}"
        raise SmokeFailedError(msg, why=finished.stderr.strip().splitlines()[-4:])
