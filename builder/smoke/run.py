"""The tests of a layer, run with its zip at /opt in the runtime's own image, under Lambda's conditions."""

import base64
import json
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from builder.base import contained, foreign, signals, tails
from builder.base.clock import now
from builder.base.errors import SmokeFailedError
from builder.base.frozen import dataclass
from builder.base.processes import Finished
from builder.engine import sandbox as containers
from builder.engine.client import Engine
from builder.engine.containers import digest
from builder.engine.sandbox import File
from builder.layer.reader import LayerZip
from builder.layer.tree import Tree
from builder.model.architectures import Architecture
from builder.model.images import run_image
from builder.model.recipe import Invoke, Recipe, Test
from builder.model.runtimes import Runtime
from builder.model.target import Target, matches
from builder.packages.default_tests import OWN_LINES
from builder.smoke import jvm
from builder.smoke.coverage import untried
from builder.smoke.record import ImageTrial
from builder.smoke.results import SmokeResult
from builder.smoke.sandboxes import Sandbox, layer_files
from builder.smoke.tests import (
    KILLED,
    SmokeTest,
    default_tests,
    hint_for,
    import_costs,
    relevant_lines,
    smoke_test,
)

_TAIL = 7
"""Lines of output that an error shows: as many as a default test keeps of a process, and two that say what fails."""
_LINE = 1000
"""Characters of a line that are looked at and shown."""
_CODE_FILES = {"python": "py", "nodejs": "mjs", "ruby": "rb"}
_ENTRY_POINT = "/lambda-entrypoint.sh"
_EMULATOR = "/usr/local/bin/aws-lambda-rie"
"""The runtime interface emulator of Amazon's images. Unlike the entry point of `provided`, it starts /opt/bootstrap."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """What the tests of a layer said in one image or several, and the error of the one that failed."""

    runs: tuple[ImageTrial, ...]
    error: SmokeFailedError | None = None

    @property
    def passed(self) -> tuple[SmokeResult, ...]:
        """The results. Raises the error if a test failed."""
        if self.error:
            raise self.error
        return tuple(result for run in self.runs for result in run.results)


def layer(  # noqa: PLR0913  what, where, with what
    engine: Engine, zip_path: Path, target: Target, recipe: Recipe, folder: Path | None = None, *, required: bool = True
) -> Trial:
    """Run a recipe's tests, or the default tests, on a finished zip, up to the first that fails.

    Architectures that the engine cannot run are skipped, except the target's.
    """
    runs: list[ImageTrial] = []
    with LayerZip(zip_path) as opened:
        for arch in target.architectures:
            if arch == target.arch or engine.can(arch):
                sandbox = Sandbox(engine=engine, runtime=target.base, arch=arch, content=opened.tree, folder=folder)
                tests = applicable(recipe.test, target.base, arch)
                trial = attempt(sandbox, tests, target.name, required=required)
                runs += trial.runs
                if trial.error:
                    return Trial(runs=tuple(runs), error=trial.error)
    return Trial(runs=tuple(runs))


def attempt(sandbox: Sandbox, recipe_tests: list[Test], name: str, *, required: bool = True) -> Trial:
    """Run tests as `execute` does, and return what they said, for the record of the layer."""
    results: list[SmokeResult] = []
    error: SmokeFailedError | None = None
    try:
        results = execute(sandbox, recipe_tests, name, required=required)
    except SmokeFailedError as failure:
        error = failure
    image = run_image(sandbox.runtime, sandbox.arch)
    said = ImageTrial(
        runtime=sandbox.runtime.name,
        arch=sandbox.arch.name,
        image=image.name,
        digest=digest(sandbox.engine, image),
        emulated=sandbox.emulated,
        at=now(),
        results=tuple(results),
        failure=error.what if error else None,
    )
    return Trial(runs=(said,), error=error)


def applicable(recipe_tests: Iterable[Test], runtime: Runtime, arch: Architecture) -> list[Test]:
    """Return the tests whose `when` matches a runtime and an architecture."""
    return [test for test in recipe_tests if matches(test.when, runtime, arch)]


def execute(sandbox: Sandbox, recipe_tests: list[Test], name: str, *, required: bool = True) -> list[SmokeResult]:
    """Run tests and return their results. Without any, import every module and start every program of the layer.

    Raises SmokeFailedError if a test fails, or if one is `required` and the layer has neither modules nor programs.
    """
    if recipe_tests:
        return [
            _run_function(sandbox, test, test.invoke, name)
            if test.invoke
            else _run_test(sandbox, smoke_test(test, sandbox.runtime), test, name)
            for test in recipe_tests
        ]
    defaults = default_tests(sandbox.content, sandbox.runtime, sandbox.arch)
    if not defaults and required:
        msg = f"{name}: the layer has nothing that the default tests can import or start"
        raise SmokeFailedError(msg, hint="add a [[test]], for example `files = [...]`, or pass one with --shell")
    results = [_run_test(sandbox, default, None, name) for default in defaults]
    left = untried(sandbox.content, sandbox.runtime) if results else ()
    return [*results[:-1], *(replace(last, untried=(*last.untried, *left)) for last in results[-1:])]


def command(engine: Engine, content: Tree, runtime: Runtime, arch: Architecture, arguments: list[str]) -> Finished:
    """Run a command in the runtime's image with a layer at /opt. The caller judges the exit code."""
    sandbox = Sandbox(engine=engine, runtime=runtime, arch=arch, content=content)
    return containers.run(engine, sandbox.container(arguments), layer_files(content))


def shell(sandbox: Sandbox) -> int:
    """Open a shell on this terminal in the runtime's image, with a layer at /opt. Return its exit code.

    A Python that is started there has what the runtime's bootstrap would have it search.
    """
    opened, runtime = sandbox.container(["/bin/sh", "-i"]), sandbox.runtime
    env = {**opened.env, "PS1": f"{runtime.name}:\\w$ ", "TERM": "xterm"}
    if runtime.language == "python":
        env["PYTHONPATH"] = f"/var/task:/opt/python/lib/python{runtime.series}/site-packages:/opt/python"
    return containers.interactive(sandbox.engine, replace(opened, env=env), layer_files(sandbox.content))


def _run_test(sandbox: Sandbox, smoke: SmokeTest, test: Test | None, name: str) -> SmokeResult:
    started = time.monotonic()
    files = [*layer_files(sandbox.content), *smoke.files]
    finished = containers.run(sandbox.engine, sandbox.container(smoke.command, test), files)
    if finished.returncode:
        output = [*(finished.stderr or finished.stdout).splitlines(), *tails.note(finished.dropped)]
        raise _failure(sandbox, name, smoke.what, output, finished.returncode)
    judged = smoke.judge(finished.stdout, finished.stderr)
    if judged.failed:
        raise _failure(sandbox, name, smoke.what, list(judged.failed), judged.code)
    costs = import_costs(finished.stderr)
    return replace(
        _result(sandbox, smoke.what, started, costs.ms),
        peak_mb=costs.peak_mb,
        uncached_ms=costs.uncached_ms,
        largest=costs.largest,
        tried=judged.tried,
        untried=judged.untried,
    )


def _failure(sandbox: Sandbox, name: str, what: str, lines: list[str], code: int | None = None) -> SmokeFailedError:
    image = run_image(sandbox.runtime, sandbox.arch).name
    output = [foreign.output(line[:_LINE]) for line in lines if line.strip() and not line.startswith(OWN_LINES)]
    why = relevant_lines(output, sandbox.runtime, _TAIL)
    hint = "out of memory? `memory = 2048` in its [[test]] raises the limit" if code == KILLED else hint_for(output)
    return SmokeFailedError(f"{name}: {what} fails in {image}", why=[*why, *signals.told(why, code)], hint=hint)


def _result(sandbox: Sandbox, what: str, started: float, cold_ms: float | None) -> SmokeResult:
    return SmokeResult(
        what=what,
        runtime=sandbox.runtime.name,
        arch=sandbox.arch.name,
        seconds=round(time.monotonic() - started, 2),
        cold_ms=cold_ms,
        emulated=sandbox.emulated,
    )


# ---- functions -----------------------------------------------------------------------------------------------------


def _run_function(sandbox: Sandbox, test: Test, invoke: Invoke, name: str) -> SmokeResult:
    started = time.monotonic()
    what = f"invoke {invoke.handler}"
    has_bootstrap = "bootstrap" in sandbox.content.paths()
    arguments = [_EMULATOR] if has_bootstrap else [_ENTRY_POINT, invoke.handler]
    files = [*layer_files(sandbox.content), *_function_files(sandbox, test, invoke, name)]
    reply = containers.invoke(sandbox.engine, sandbox.container(arguments, test), files, json.dumps(invoke.event))
    response = containers.parse_response(reply.body)
    failed = isinstance(response, dict) and "errorType" in response and response != invoke.response
    if failed or (invoke.response is not None and response != invoke.response):
        comparison = [f"answered {reply.body[:300] or 'nothing'}"]
        comparison += [] if invoke.response is None else [f"expected {json.dumps(invoke.response)[:300]}"]
        raise _failure(sandbox, name, what, [*reply.log.splitlines()[-_TAIL + 2 :], *comparison])
    if invoke.log and invoke.log not in reply.log:
        raise _failure(sandbox, name, what, [*reply.log.splitlines(), f"nothing wrote `{invoke.log}`"])
    durations = re.findall(r"\bDuration: ([0-9.]+) ms", reply.log)
    return _result(sandbox, what, started, float(durations[-1]) if durations else None)


def _function_files(sandbox: Sandbox, test: Test, invoke: Invoke, name: str) -> Iterator[File]:
    """Yield the function's files, below /var/task."""
    if invoke.code is not None and sandbox.runtime.language == "java":
        yield from _java_classes(sandbox, test, invoke, name)
    elif invoke.code is not None:
        module = invoke.handler.rpartition(".")[0] or invoke.handler
        suffix = _CODE_FILES.get(sandbox.runtime.language, "sh")
        yield f"var/task/{module}.{suffix}", 0o755, invoke.code.encode(), None
    for pattern in invoke.files:
        for path in contained.matching(sandbox.folder or Path(), pattern):
            yield f"var/task/{path.name}", 0o755, path.read_bytes(), None


def _java_classes(sandbox: Sandbox, test: Test, invoke: Invoke, name: str) -> Iterator[File]:
    """Yield the classes of a function that is given as source, compiled in the runtime's own image."""
    source = re.split(r"::|\.", invoke.handler.partition("::")[0])[-1] + ".java"
    files = [
        *layer_files(sandbox.content),
        *jvm.compiler(sandbox.runtime),
        (f"var/task/{source}", 0o644, str(invoke.code).encode(), None),
    ]
    compiler = sandbox.container(jvm.classes(sandbox.runtime, source), test)
    finished = containers.run(sandbox.engine, compiler, files)
    if finished.returncode:
        raise _failure(sandbox, name, f"compiling {source}", finished.stderr.splitlines(), finished.returncode)
    for line in finished.stdout.splitlines():
        path, _, encoded = line.rpartition(" ")
        yield f"var/task/{path}", 0o644, base64.b64decode(encoded), None
