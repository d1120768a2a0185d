"""Tests of anybody's zips in the images of their runtimes."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import product
from pathlib import Path

from builder.base import files
from builder.base.emitter import Events
from builder.base.errors import SmokeFailedError
from builder.base.frozen import dataclass
from builder.building import tested
from builder.building.checking import Destination, common_destination, stacked
from builder.engine.client import Engine
from builder.layer import manifest, merge
from builder.layer.reader import LayerZip
from builder.model import recipes
from builder.model.recipe import Test
from builder.model.recipes import Loaded
from builder.smoke import record, run
from builder.smoke.record import ImageTrial, ZipTrials
from builder.smoke.results import SmokeResult
from builder.smoke.sandboxes import Sandbox


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


def run_tests(asked: ZipTests, events: Events) -> Iterator[tuple[SmokeResult, ...]]:
    """Yield the results in each image, a stage each, and write the record beside the zip.

    A test of the command line is recorded only where the zip has no recipe with tests of its own. Raises
    SmokeFailedError for the first test that fails; the record then says so, unless only the command line asked for it.
    """
    recipe = _recipe(asked.path, asked.recipes)
    own = recipe.recipe.test if recipe else ()
    tests, folder = ((asked.test,), None) if asked.test else (own, recipe.folder if recipe else None)
    definition = tested.definition(tests, None if asked.test else recipe)
    runs: list[ImageTrial] = []
    try:
        with LayerZip(asked.path) as layer:
            for runtime, arch in product(asked.destination.runtimes, asked.destination.architectures):
                sandbox = Sandbox(engine=asked.engine, runtime=runtime, arch=arch, content=layer.tree, folder=folder)
                with events.stage("testing", f"{runtime.name} on {arch.name}"):
                    trial = run.attempt(sandbox, run.applicable(tests, runtime, arch), asked.path.name)
                    runs += trial.runs
                    passed = trial.passed
                yield passed
    except SmokeFailedError:
        if not asked.test:
            _keep(asked.path, definition, runs)
        raise
    if not (asked.test and own):
        _keep(asked.path, definition, runs)


def _keep(path: Path, definition: str, runs: Sequence[ImageTrial]) -> None:
    said = ZipTrials(zip=files.sha256(path), tests=definition, runs=tuple(runs))
    record.at(path).replace(said.joined(record.of(path, said.zip)))


def run_together(asked: Sequence[ZipTests], test: Test, events: Events) -> Iterator[tuple[SmokeResult, ...]]:
    """Yield the results of one test in each image, with all zips in /opt as the layers of one function, in their order.

    A later layer replaces files of earlier ones. Nothing is recorded: the result is that of no zip alone. Raises
    SmokeFailedError where the test fails.
    """
    where = common_destination({each.path: each.destination for each in asked})
    name = together(asked)
    with ExitStack() as stack:
        content = merge.merge(stacked((each.path for each in asked), stack)).tree
        for runtime, arch in product(where.runtimes, where.architectures):
            sandbox = Sandbox(engine=asked[0].engine, runtime=runtime, arch=arch, content=content, folder=None)
            with events.stage("testing", f"{runtime.name} on {arch.name}"):
                passed = run.attempt(sandbox, run.applicable((test,), runtime, arch), name).passed
            yield passed


def open_shell(asked: Sequence[ZipTests]) -> int:
    """Open a shell in the sandbox of the first runtime and architecture, with the zips as the layers of one function.

    Returns its exit code.
    """
    where = common_destination({each.path: each.destination for each in asked})
    with ExitStack() as stack:
        content = merge.merge(stacked((each.path for each in asked), stack)).tree
        runtime, arch = where.runtimes[0], where.architectures[0]
        return run.shell(Sandbox(engine=asked[0].engine, runtime=runtime, arch=arch, content=content))


def together(asked: Sequence[ZipTests]) -> str:
    """Return the name of several zips."""
    return " + ".join(each.path.name for each in asked)


def _recipe(path: Path, folder: Path) -> Loaded | None:
    """Return the recipe that a zip was built from; None if there is none."""
    described = manifest.of_any(path)
    if described is None or described.name not in recipes.names(folder):
        return None
    return recipes.load(folder, described.name)
