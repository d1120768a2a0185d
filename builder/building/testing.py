"""Tests of anybody's zips in the images of their runtimes."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from builder.base.emitter import Events
from builder.building.checking import Destination
from builder.engine.client import Engine
from builder.layer import manifest
from builder.layer.reader import LayerZip
from builder.model import recipes
from builder.model.recipe import Test
from builder.smoke import run
from builder.smoke.results import SmokeResult
from builder.smoke.run import Sandbox


@dataclass(frozen=True, kw_only=True, slots=True)
class ZipTests:
    """A zip, what it is meant for, and how it is tested."""

    path: Path
    destination: Destination
    engine: Engine
    test: Test | None
    """The only test. Default: those of the recipe that the zip was built from, if there is one."""
    recipes: Path
    """Folder of recipes."""


def run_tests(asked: ZipTests, events: Events) -> Iterator[list[SmokeResult]]:
    """Yield the results in each image. Raises SmokeFailedError for the first test that fails."""
    tests, folder = ([asked.test], None) if asked.test else _own_tests(asked.path, asked.recipes)
    with LayerZip(asked.path) as layer:
        for runtime in asked.destination.runtimes:
            for arch in asked.destination.architectures:
                events.begin("testing", f"{runtime.name} on {arch.name}")
                sandbox = Sandbox(engine=asked.engine, runtime=runtime, arch=arch, content=layer.tree, folder=folder)
                yield run.execute(sandbox, run.applicable(tests, runtime, arch), asked.path.name)


def _own_tests(path: Path, folder: Path) -> tuple[list[Test], Path | None]:
    """Return the tests of the recipe that a zip was built from, and the recipe's folder; nothing without a recipe."""
    described = manifest.of_any(path)
    if described is None or described.name not in recipes.names(folder):
        return [], None
    loaded = recipes.load(folder, described.name)
    return list(loaded.recipe.test), loaded.folder
