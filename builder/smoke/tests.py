"""The tests of a layer as command lines for the image of its runtime, the default tests, and hints for failures."""

import re
from collections.abc import Callable, Iterator, Sequence

from builder.base import programs
from builder.base.errors import UsageError
from builder.base.frozen import dataclass
from builder.engine.sandbox import File
from builder.layer.elf import MAGIC
from builder.layer.tree import Tree
from builder.model.architectures import Architecture
from builder.model.hints import hints
from builder.model.recipe import Test
from builder.model.runtimes import Runtime
from builder.packages import table
from builder.packages.default_tests import DefaultTest, Judgement, TriedCount
from builder.smoke import jar_libraries, jvm, nodejs
from builder.smoke.results import ImportCost, largest

MARK = "layerwright-import-ms="
"""Stands before the milliseconds that the imports of a test took, on its standard error."""
PEAK = "layerwright-peak-mb="
"""Stands before the MB that the process had at most when they were done."""
UNCACHED = "layerwright-uncached-ms="
"""Stands before the milliseconds of the same imports when no file of the layer was in the page cache."""
IMPORT = "layerwright-import="
"""Stands before the name of one import, its milliseconds and its MB."""
MARKS = (MARK, PEAK, UNCACHED, IMPORT)
_OF_NOTE = 1.0
"""Milliseconds below which an import is not named."""
_COSTS = ("var/task/layerwright_costs.py", "smoke/layerwright_costs.py")
KILLED = 137
"""Exit code of a process that SIGKILL ended (128 + 9), usually because it exceeded the memory limit."""
_RUBY = "/var/lang/bin/ruby"
_COUNTED = re.compile(r"^started (?P<programs>\d+) resolved (?P<libraries>\d+) late (?P<late>\d+)$", re.MULTILINE)


def _passed(_stdout: str, _stderr: str) -> Judgement:
    return Judgement()


@dataclass(frozen=True, kw_only=True, slots=True)
class SmokeTest:
    """A command that tests a layer in the image of its runtime."""

    what: str
    """Name of the test, for messages."""
    command: list[str]
    files: tuple[File, ...] = ()
    """Files that the command needs in addition to the layer."""
    judge: Callable[[str, str], Judgement] = _passed
    """Takes what the command wrote to standard output and standard error when it exited with 0."""


def smoke_test(test: Test, runtime: Runtime) -> SmokeTest:
    """Return the command of a recipe's test. Raises UsageError if the runtime has no interpreter for it."""
    if test.python:
        _require(runtime, "python")
        command = running(runtime, programs.text("smoke/recipe_test.py"), [test.python])
        return SmokeTest(what="the python test", command=command, files=(_costs(),))
    if test.node:
        _require(runtime, "nodejs")
        as_module = nodejs.is_module(test.node)
        what = "the node test, as a module" if as_module else "the node test"
        return SmokeTest(what=what, command=nodejs.command(test.node, as_module=as_module))
    if test.ruby:
        _require(runtime, "ruby")
        return SmokeTest(what="the ruby test", command=[_RUBY, "-e", test.ruby])
    if test.java:
        _require(runtime, "java")
        return SmokeTest(
            what="the java test", command=jvm.command(runtime), files=(*jvm.compiler(runtime), *jvm.files(test.java))
        )
    if test.shell:
        return SmokeTest(what="the shell test", command=["/bin/sh", "-euc", test.shell])
    command = ["/bin/sh", "-euc", programs.text("smoke/files.sh"), "sh", *test.files]
    return SmokeTest(what="the files test", command=command)


def default_tests(content: Tree, runtime: Runtime, arch: Architecture) -> list[SmokeTest]:
    """Return the tests of a layer that has none of its own: modules and packages are imported, programs started."""
    tests = [
        _of_packages(test, runtime) for ecosystem in table.ECOSYSTEMS for test in ecosystem.tests(content, runtime)
    ]
    started, resolved = sorted(_programs(content)), sorted(_libraries(content))
    if started:
        command = ["/bin/sh", "-uc", programs.text("smoke/programs.sh"), "sh", *started, "--", *resolved]
        tests.append(SmokeTest(what="starting each program", command=command, judge=_of_programs))
    return [*tests, *(_of_jars(content, arch) if runtime.language == "java" else ())]


def _of_jars(content: Tree, arch: Architecture) -> Iterator[SmokeTest]:
    libraries, late = jar_libraries.unpacked(content, arch)
    if libraries:
        files = tuple(library.file(number) for number, library in enumerate(libraries))
        paths = [f"/{path}" for path, *_ in files]
        yield SmokeTest(
            what="resolving the libraries of each jar",
            command=["/bin/sh", "-uc", programs.text("smoke/jars.sh"), "sh", *paths],
            files=files,
            judge=lambda stdout, _: jar_libraries.judge(libraries, late, stdout),
        )


def _of_packages(test: DefaultTest, runtime: Runtime) -> SmokeTest:
    again = ["/bin/sh", "-uc", programs.text("smoke/again.sh"), "sh"]
    return SmokeTest(
        what=test.what,
        command=[*again, *running(runtime, test.code)],
        files=(("var/task/layerwright.json", 0o644, test.plan(), None), _costs()),
        judge=test.judged,
    )


def _costs() -> File:
    """Return the module with which tests in Python measure their imports."""
    path, program = _COSTS
    return path, 0o644, programs.text(program).encode(), None


def _of_programs(stdout: str, _stderr: str) -> Judgement:
    """Read what programs.sh prints at its end."""
    match = _COUNTED.search(stdout)
    if match is None:
        return Judgement()
    tried = (TriedCount(what=what, count=int(match[what])) for what in ("programs", "libraries"))
    late = (f"{match['late']} programs and libraries for lack of time",) if match["late"] != "0" else ()
    return Judgement(tried=tuple(tried), untried=late)


def running(runtime: Runtime, code: str, arguments: Sequence[str] = ()) -> list[str]:
    """Return the command line that runs code in the language of a runtime."""
    if runtime.language == "nodejs":
        return nodejs.command(code, arguments, as_module=True)
    if runtime.language == "ruby":
        return [_RUBY, "-e", code, *arguments]
    return [runtime.interpreter, "-B", "-c", f"{programs.text('smoke/search.py')}\n{code}", *arguments]


def _require(runtime: Runtime, language: str) -> None:
    if runtime.language != language:
        msg = f"{runtime.name} has no {language.removesuffix('js')} to run that test with"
        raise UsageError(msg, hint="`when` in a [[test]] limits it to some runtimes; `shell` works in all of them")


def _programs(content: Tree) -> Iterator[str]:
    for entry in content:
        if entry.parent == "bin" and entry.mode & 0o111 and (entry.link or entry.content.head(2) in {MAGIC[:2], b"#!"}):
            yield entry.path


def _libraries(content: Tree) -> Iterator[str]:
    for entry in content:
        if entry.parent == "lib" and ".so" in entry.name and not entry.link and entry.content.head(4) == MAGIC:
            yield entry.path


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportCosts:
    """What the imports of a test cost, as it printed that on its standard error; None for what it did not print."""

    ms: float | None
    peak_mb: float | None
    uncached_ms: float | None
    largest: tuple[ImportCost, ...]
    """Those that took longest, in that order."""


def import_costs(stderr: str) -> ImportCosts:
    """Read what a test says of its imports."""
    rows = re.findall(rf"^{IMPORT}([\w.@/-]{{1,100}}) ([0-9.]+) ([0-9.]+)$", stderr, re.MULTILINE)
    costs = (ImportCost(name=name, ms=float(ms), mb=float(mb)) for name, ms, mb in rows)
    return ImportCosts(
        ms=_measured(MARK, stderr),
        peak_mb=_measured(PEAK, stderr),
        uncached_ms=_measured(UNCACHED, stderr),
        largest=largest(cost for cost in costs if cost.ms >= _OF_NOTE),
    )


def _measured(mark: str, stderr: str) -> float | None:
    match = re.search(rf"^{mark}([0-9.]+)$", stderr, re.MULTILINE)
    return float(match[1]) if match else None


def relevant_lines(lines: list[str], runtime: Runtime, most: int) -> list[str]:
    """Return at most `most` lines around the cause of a failure: Python prints it last, Node.js and Java first."""
    if runtime.language not in {"nodejs", "java"}:
        return lines[-most:]
    plain = [line for line in lines if not re.match(r"\s+at |Node\.js v", line)]
    first = next((number for number, line in enumerate(plain) if re.search(r"(?:Error|Exception)\b", line)), None)
    return plain[-most:] if first is None else plain[first : first + most]


def hint_for(output: list[str]) -> str | None:
    """Return a hint for a common error; None if the output shows none."""
    text = "\n".join(output)
    return next((hint for known in hints().test if (hint := known.of(text))), None)
