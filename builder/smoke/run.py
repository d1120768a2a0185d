"""The proof that a layer works: its zip at /opt in the runtime's own image, under Lambda's conditions."""

import base64
import io
import json
import re
import tarfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from builder.base.errors import SmokeFailedError
from builder.base.processes import Finished
from builder.engine import sandbox
from builder.engine.client import Engine
from builder.engine.sandbox import Call, File
from builder.layer.reader import LayerZip
from builder.layer.tree import Tree
from builder.model import libraries
from builder.model.architectures import Architecture
from builder.model.images import run_image
from builder.model.recipe import Invoke, Recipe, Test
from builder.model.runtimes import Runtime
from builder.model.target import Target, matches
from builder.smoke import jvm, trials
from builder.smoke.trials import Trial

_TAIL = 6
_CODE_FILES = {"python": "py", "nodejs": "mjs", "ruby": "rb"}
_ENTRY_POINT = "/lambda-entrypoint.sh"
_EMULATOR = "/usr/local/bin/aws-lambda-rie"
"""Of Amazon's images, by its own path. It looks for /opt/bootstrap, which the entry point of `provided` does not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """A test that passed."""

    what: str
    runtime: str
    arch: str
    seconds: float
    """From making the container to its end."""
    cold_ms: float | None
    """Milliseconds that imports, or the first invocation, took in a new process."""
    emulated: bool
    """On another processor than the layer's: times say little."""

    def as_json(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, kw_only=True, slots=True)
class Bench:
    """Where tests run."""

    engine: Engine
    runtime: Runtime
    arch: Architecture
    content: Tree
    folder: Path | None = None
    """Of the recipe, for files that tests bring."""

    @property
    def emulated(self) -> bool:
        return self.engine.native_node(self.arch) is None

    def call(self, command: list[str], test: Test | None = None) -> Call:
        test = test or Test(files=("lib",))
        return Call(
            image=run_image(self.runtime, self.arch),
            arch=self.arch,
            command=command,
            env=environment(self.runtime, test),
            memory=test.memory,
            hidden=tuple(sorted(libraries.maybe_absent())),
            timeout=float(test.timeout),
        )


def environment(runtime: Runtime, test: Test) -> dict[str, str]:
    """Return Lambda's variables for a function (developer guide, "Defined runtime environment variables")."""
    series, own = runtime.series, {}
    if runtime.python:
        own = {"PYTHONPATH": f"/var/task:/opt/python/lib/python{series}/site-packages:/opt/python:/var/runtime"}
    elif runtime.language == "nodejs":
        modules = f"/opt/nodejs/node{series}/node_modules:/opt/nodejs/node_modules:/var/runtime/node_modules"
        own = {"NODE_PATH": modules}
    elif runtime.language == "ruby":
        own = {"GEM_PATH": f"/var/task/vendor/bundle/ruby/{series}:/opt/ruby/gems/{series}", "RUBYLIB": "/opt/ruby/lib"}
    return {
        **own,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{runtime.name}",
        "AWS_LAMBDA_FUNCTION_NAME": "test",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(test.memory),
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(test.timeout),
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/test",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "_HANDLER": test.invoke.handler if test.invoke else "app.handler",
        "HOME": "/tmp",  # noqa: S108  the sandbox user's in Lambda has no place to write to either
    }


def layer(  # noqa: PLR0913  what, where, with what
    engine: Engine, zip_path: Path, target: Target, recipe: Recipe, folder: Path | None = None, *, required: bool = True
) -> list[Outcome]:
    """Run a recipe's tests on a finished zip, or the default ones; return what passed, or raise SmokeFailedError."""
    outcomes = []
    with LayerZip(zip_path) as opened:
        for arch in target.architectures:
            if arch == target.arch or engine.can(arch):
                bench = Bench(engine=engine, runtime=target.base, arch=arch, content=opened.tree, folder=folder)
                tests = fitting(recipe.test, target.base, arch)
                outcomes += proven(bench, tests, target.name, required=required)
    return outcomes


def fitting(tests: Iterable[Test], runtime: Runtime, arch: Architecture) -> list[Test]:
    """Return the tests whose condition holds for a runtime and an architecture."""
    return [test for test in tests if matches(test.when, runtime, arch)]


def proven(bench: Bench, tests: list[Test], name: str, *, required: bool = True) -> list[Outcome]:
    """Run tests; without any, those that fit every layer: import each module, start each program.

    A layer that holds neither is an error if a test is `required`, else it passes with no outcome.
    """
    if tests:
        return [
            _invoked(bench, test, test.invoke, name)
            if test.invoke
            else _ran(bench, trials.of(test, bench.runtime), test, name)
            for test in tests
        ]
    chosen = trials.defaults(bench.content, bench.runtime)
    if not chosen and required:
        msg = f"{name}: there is nothing in the layer that could be tried"
        raise SmokeFailedError(msg, hint="write a [[test]], for example `files = [...]`, or give a test with --shell")
    return [_ran(bench, trial, None, name) for trial in chosen]


def call(engine: Engine, content: Tree, runtime: Runtime, arch: Architecture, command: list[str]) -> Finished:
    """Run a program of the runtime's image with a layer at /opt."""
    bench = Bench(engine=engine, runtime=runtime, arch=arch, content=content)
    return sandbox.run(engine, bench.call(command), _files(content))


def _ran(bench: Bench, trial: Trial, test: Test | None, name: str) -> Outcome:
    started = time.monotonic()
    files = [*_files(bench.content), *trial.files]
    finished = sandbox.run(bench.engine, bench.call(trial.command, test), files)
    if finished.returncode:
        raise _failed(bench, name, trial.what, (finished.stderr or finished.stdout).splitlines(), finished.returncode)
    return _outcome(bench, trial.what, started, trials.import_ms(finished.stderr))


def _failed(bench: Bench, name: str, what: str, lines: list[str], code: int | None = None) -> SmokeFailedError:
    image = run_image(bench.runtime, bench.arch).name
    told = [line for line in lines if line.strip() and not line.startswith(trials.MARK)]
    said = trials.essence(told, bench.runtime, _TAIL)
    killed = code == trials.KILLED
    hint = "out of memory? `memory = 2048` in its [[test]] gives it more" if killed else trials.advice(told)
    return SmokeFailedError(f"{name}: {what} fails in {image}", why=said or [f"exit code {code}"], hint=hint)


def _outcome(bench: Bench, what: str, started: float, cold_ms: float | None) -> Outcome:
    return Outcome(
        what=what,
        runtime=bench.runtime.name,
        arch=bench.arch.name,
        seconds=round(time.monotonic() - started, 2),
        cold_ms=cold_ms,
        emulated=bench.emulated,
    )


def _files(content: Tree) -> Iterator[File]:
    for entry in content:
        yield f"opt/{entry.path}", entry.mode, entry.content.read(), entry.link


# ---- functions -----------------------------------------------------------------------------------------------------


def _invoked(bench: Bench, test: Test, asked: Invoke, name: str) -> Outcome:
    started = time.monotonic()
    what = f"invoke {asked.handler}"
    own = bench.content.paths() & {"bootstrap"}
    command = [_EMULATOR] if own else [_ENTRY_POINT, asked.handler]
    files = [*_files(bench.content), *_function(bench, test, asked, name)]
    reply = sandbox.invoke(bench.engine, bench.call(command, test), files, json.dumps(asked.event))
    found = sandbox.answer(reply.body)
    wrong = isinstance(found, dict) and "errorType" in found and found != asked.response
    if wrong or (asked.response is not None and found != asked.response):
        wanted = [f"answered {reply.body[:300] or 'nothing'}"]
        wanted += [] if asked.response is None else [f"expected {json.dumps(asked.response)[:300]}"]
        raise _failed(bench, name, what, [*reply.log.splitlines()[-_TAIL + 2 :], *wanted])
    if asked.log and asked.log not in reply.log:
        raise _failed(bench, name, what, [*reply.log.splitlines(), f"nothing wrote `{asked.log}`"])
    took = re.findall(r"\bDuration: ([0-9.]+) ms", reply.log)
    return _outcome(bench, what, started, float(took[-1]) if took else None)


def _function(bench: Bench, test: Test, asked: Invoke, name: str) -> Iterator[File]:
    """Yield the function's files, below /var/task."""
    if asked.code is not None and bench.runtime.language == "java":
        yield from _java_function(bench, test, asked, name)
    elif asked.code is not None:
        module = asked.handler.rpartition(".")[0] or asked.handler
        suffix = _CODE_FILES.get(bench.runtime.language, "sh")
        yield f"var/task/{module}.{suffix}", 0o755, asked.code.encode(), None
    for pattern in asked.files:
        for path in sorted((bench.folder or Path()).glob(pattern)):
            if path.is_file():
                yield f"var/task/{path.name}", 0o755, path.read_bytes(), None


def _java_function(bench: Bench, test: Test, asked: Invoke, name: str) -> Iterator[File]:
    """Yield the classes of a function that is given as source, compiled in the runtime's own image."""
    source = re.split(r"::|\.", asked.handler.partition("::")[0])[-1] + ".java"
    files = [
        *_files(bench.content),
        *jvm.compiler(bench.runtime),
        (f"var/task/{source}", 0o644, str(asked.code).encode(), None),
    ]
    finished = sandbox.run(bench.engine, bench.call(jvm.classes(bench.runtime, source), test), files)
    if finished.returncode:
        raise _failed(bench, name, f"compiling {source}", finished.stderr.splitlines(), finished.returncode)
    with tarfile.open(fileobj=io.BytesIO(base64.b64decode(finished.stdout))) as archive:
        for member in archive.getmembers():
            if stream := archive.extractfile(member) if member.isreg() else None:
                yield f"var/task/{member.name.removeprefix('./')}", 0o644, stream.read(), None
