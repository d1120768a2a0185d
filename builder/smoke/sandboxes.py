"""Where tests run: a layer, its runtime and architecture, and the container that is as Lambda has it."""

from collections.abc import Iterator
from pathlib import Path

from builder.base.frozen import dataclass
from builder.engine.client import Engine
from builder.engine.sandbox import ContainerRun, File
from builder.engine.witness import Witness
from builder.layer.tree import Tree
from builder.model import libraries
from builder.model.architectures import Architecture
from builder.model.images import run_image
from builder.model.recipe import Test
from builder.model.runtimes import Runtime

_UNCACHED = 10.0
"""Seconds that imports without the page cache may take at most; else they are not told."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sandbox:
    """A layer, and the runtime, architecture and engine that its tests run with."""

    engine: Engine
    runtime: Runtime
    arch: Architecture
    content: Tree
    folder: Path | None = None
    """Folder of the recipe, which paths of test files are relative to."""
    witness: Witness | None = None
    """What learns which files the tests open."""

    @property
    def emulated(self) -> bool:
        return self.engine.native_node(self.arch) is None

    def container(self, command: list[str], test: Test | None = None) -> ContainerRun:
        """Return the container for a command, with the environment and limits of a test."""
        test = test or Test(files=("lib",))
        return ContainerRun(
            image=run_image(self.runtime, self.arch),
            arch=self.arch,
            command=command,
            env={**environment(self.runtime, test), **self._measuring(test)},
            memory=test.memory,
            hidden=tuple(sorted(libraries.hidden(self.runtime))),
            timeout=float(test.timeout),
            witness=self.witness,
        )

    def _measuring(self, test: Test) -> dict[str, str]:
        """Return the variable that has imports measured without the page cache, for a part of the test's time.

        Times under emulation say nothing, and what a witness sees is what the test opens itself.
        """
        if self.runtime.language != "python" or self.emulated or self.witness:
            return {}
        return {"LAYERWRIGHT_UNCACHED": f"{min(_UNCACHED, test.timeout / 4):.2f}"}


def environment(runtime: Runtime, test: Test) -> dict[str, str]:
    """Return Lambda's variables for a function (developer guide, "Defined runtime environment variables")."""
    return {
        **dict(runtime.environment),
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{runtime.name}",
        "AWS_LAMBDA_FUNCTION_NAME": "test",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(test.memory),
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(test.timeout),
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/test",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "_HANDLER": test.invoke.handler if test.invoke else "app.handler",
        "HOME": "/tmp",  # noqa: S108  in Lambda, too, the home of the sandbox user is not writable
    }


def layer_files(content: Tree) -> Iterator[File]:
    """Yield the files of a layer as a container gets them."""
    for entry in content:
        yield f"opt/{entry.path}", entry.mode, entry.content.read(), entry.link
