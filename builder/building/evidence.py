"""What the tests of a layer never open: evidence for `[slim] prune`."""

from pathlib import Path

from builder.base.errors import SmokeFailedError, UsageError
from builder.base.frozen import dataclass
from builder.engine.client import Engine
from builder.engine.witness import Witness
from builder.layer import unopened
from builder.layer.reader import LayerZip
from builder.layer.unopened import Unopened
from builder.model.recipes import Loaded
from builder.model.target import Target
from builder.smoke import run
from builder.smoke.sandboxes import Sandbox


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """What tests opened of a layer, and what not."""

    tests: int
    own: bool
    """Whether the recipe has the tests; default tests import and start, and do no more."""
    opened: int
    """Files."""
    files: int
    bytes: int
    """Of the layer."""
    unopened: tuple[Unopened, ...]


def gather(loaded: Loaded, target: Target, output: Path, engine: Engine) -> Evidence:
    """Run the tests of a target's zip, and return what they did not open.

    Raises UsageError if the zip is not built, SmokeFailedError if a test fails: what works decides what is needed.
    """
    path = output / f"{target.name}.zip"
    if not path.is_file():
        msg = f"{path} is not there, and what its tests open cannot be seen"
        raise UsageError(msg, hint=f"`layerwright build {target.layer} --only {target.name}` makes it")
    with LayerZip(path) as opened:
        tree = opened.tree
        witness = Witness(paths=[entry.path for entry in tree if entry.link is None and "\n" not in entry.path])
        sandbox = Sandbox(
            engine=engine,
            runtime=target.base,
            arch=target.arch,
            content=tree,
            folder=loaded.folder,
            witness=witness,
        )
        tests = run.applicable(loaded.recipe.test, target.base, target.arch)
        results = run.execute(sandbox, tests, target.name)
        if not witness.opened:
            msg = f"{target.name}: its tests open no file of the layer"
            raise SmokeFailedError(msg, hint="a [[test]] that does what functions do with it says what is needed")
        return Evidence(
            tests=len(results),
            own=bool(tests),
            opened=len(witness.opened),
            files=len(witness.paths),
            bytes=sum(entry.size for entry in tree),
            unopened=tuple(unopened.find(tree, witness.opened)),
        )
