"""The proof that a layer works: its zip at /opt in the runtime's own image, as a user without rights."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from builder.engine import containers
from builder.engine.client import Engine
from builder.errors import SmokeFailedError
from builder.layer.reader import LayerZip
from builder.layer.tree import Tree
from builder.model.architectures import Architecture
from builder.model.images import run_image
from builder.model.recipe import Test
from builder.model.runtimes import Runtime
from builder.model.target import Target
from builder.processes import Finished

_TAIL = 6
_ALL_THERE = 'for file; do test -e "/opt/$file" || { echo "no $file" >&2; exit 1; }; done'


def layer(engine: Engine, zip_path: Path, target: Target, tests: Iterable[Test]) -> int:
    """Run a recipe's tests on a finished zip and return how many ran, or raise SmokeFailedError with their words."""
    with LayerZip(zip_path) as opened:
        count = 0
        for test in tests:
            if not target.matches(test.when) or not (command := _command(test, target.base)):
                continue
            finished = call(engine, opened.tree, target.base, target.arch, command)
            if finished.returncode:
                msg = f"{target.name}: a test fails in {run_image(target.base, target.arch).name}"
                raise SmokeFailedError(msg, why=_tail(finished))
            count += 1
    return count


def call(engine: Engine, content: Tree, runtime: Runtime, arch: Architecture, command: list[str]) -> Finished:
    """Run a program of the runtime's image with a layer at /opt."""
    env = {"PYTHONPATH": "/opt/python", "HOME": "/tmp", "AWS_EXECUTION_ENV": f"AWS_Lambda_{runtime.name}"}  # noqa: S108
    what = containers.Call(image=run_image(runtime, arch), arch=arch, command=command, env=env)
    return containers.run(engine, what, containers.tar_of(_files(content)))


def _files(content: Tree) -> Iterator[tuple[str, int, bytes, str | None]]:
    for entry in content:
        yield entry.path, entry.mode, entry.content.read(), entry.link


def _command(test: Test, runtime: Runtime) -> list[str] | None:
    if test.python:
        return [runtime.interpreter, "-B", "-c", test.python]
    if test.shell:
        return ["/bin/sh", "-euc", test.shell]
    if test.files:
        return ["/bin/sh", "-euc", _ALL_THERE, "sh", *test.files]
    return None


def _tail(finished: Finished) -> list[str]:
    return (finished.stderr or finished.stdout).strip().splitlines()[-_TAIL:]
