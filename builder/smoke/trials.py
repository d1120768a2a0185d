"""What the tests of layers run in a runtime's image, as command lines; and what a layer is tried with by default."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from builder.base.errors import UsageError
from builder.engine.sandbox import File
from builder.layer.elf import MAGIC
from builder.layer.tree import Tree
from builder.model.recipe import Test
from builder.model.runtimes import Runtime
from builder.packages import table
from builder.smoke import jvm, nodejs

MARK = "layerwright-import-ms="
"""Stands before the milliseconds that the imports of a test took, on its standard error."""
KILLED = 137
"""128 + SIGKILL: what the kernel does to whom takes too much memory."""
_PYTHON = f"""
import ast, sys, time
tree = ast.parse(sys.argv.pop())
imports = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
started = time.perf_counter()
space = {{"__name__": "__main__"}}
exec(compile(ast.Module(imports, []), "test", "exec"), space)
if imports:
    print("{MARK}%.1f" % ((time.perf_counter() - started) * 1000), file=sys.stderr)
exec(compile(tree, "test", "exec"), space)
"""
_RUBY = "/var/lang/bin/ruby"
_ALL_THERE = 'for file; do test -r "/opt/$file" || { echo "no $file" >&2; exit 1; }; done'
_PROGRAMS = """
for program; do
    said=$("/opt/$program" --version </dev/null 2>&1) && code=0 || code=$?
    case "$said" in
        *"error while loading shared"* | *"version \\`GLIBC"* | *"symbol lookup error"*) code=127 ;;
    esac
    if [ "$code" -ge 126 ]; then printf '%s: %s\\nexit code %s\\n' "$program" "$said" "$code" >&2; exit 1; fi
done
"""
"""Not every program knows --version; what counts is that the loader can start it."""
_LIKELY = (
    (r"No module named '([\w.]+)'", "`{0}` is not in the layer: a dependency that was pruned or never installed?"),
    (r"([\w.+-]+\.so[\w.]*): cannot open shared object", "`{0}` is missing: bundle it into lib/"),
    (r"version [`']((?:GLIBC|GLIBCXX|CXXABI)_[\d.]+)' not found", "`{0}` is newer than Lambda's: compile in its image"),
    (r"Cannot find (?:module|package) '([\w@./-]+)'", "`{0}` is not in the layer: a dependency that was pruned?"),
    (r"cannot load such file -- (\S+)", "`{0}` is not in the layer: a gem that was pruned or never asked for?"),
    (r"NoClassDefFoundError: ([\w/$]+)", "`{0}` is in no jar of the layer: a dependency that Maven was not asked for?"),
    (r"UnsupportedClassVersionError", "a jar was compiled for a newer Java than the runtime has"),
    (r"Read-only file system", "only /tmp can be written to in Lambda"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """One program to run in the runtime's image."""

    what: str
    command: list[str]
    files: tuple[File, ...] = ()
    """What it brings besides the layer."""


def of(test: Test, runtime: Runtime) -> Trial:
    """Return what a recipe's test runs."""
    if test.python:
        _only(runtime, "python")
        return Trial(what="the python test", command=[runtime.interpreter, "-B", "-c", _PYTHON, test.python])
    if test.node:
        _only(runtime, "nodejs")
        as_module = nodejs.is_module(test.node)
        what = "the node test, as a module" if as_module else "the node test"
        return Trial(what=what, command=nodejs.command(test.node, as_module=as_module))
    if test.ruby:
        _only(runtime, "ruby")
        return Trial(what="the ruby test", command=[_RUBY, "-e", test.ruby])
    if test.java:
        _only(runtime, "java")
        return Trial(
            what="the java test", command=jvm.command(runtime), files=(*jvm.compiler(runtime), *jvm.files(test.java))
        )
    if test.shell:
        return Trial(what="the shell test", command=["/bin/sh", "-euc", test.shell])
    return Trial(what="the files test", command=["/bin/sh", "-euc", _ALL_THERE, "sh", *test.files])


def defaults(content: Tree, runtime: Runtime) -> list[Trial]:
    """Return the tests of a layer that has none of its own: each package is imported, each program started."""
    tests = [
        Trial(what=test.what, command=_command(runtime, test.code, test.arguments))
        for ecosystem in table.ECOSYSTEMS
        for test in ecosystem.tests(content, runtime)
    ]
    if programs := sorted(_programs(content)):
        tests.append(Trial(what="starting each program", command=["/bin/sh", "-uc", _PROGRAMS, "sh", *programs]))
    return tests


def _command(runtime: Runtime, code: str, arguments: Sequence[str] = ()) -> list[str]:
    """Return the command line that runs code in the language of a runtime."""
    if runtime.language == "nodejs":
        return nodejs.command(code, arguments, as_module=True)
    if runtime.language == "ruby":
        return [_RUBY, "-e", code, *arguments]
    return [runtime.interpreter, "-B", "-c", code, *arguments]


def _only(runtime: Runtime, language: str) -> None:
    if runtime.language != language:
        msg = f"{runtime.name} has no {language.removesuffix('js')} to run that test with"
        raise UsageError(msg, hint="`when` in a [[test]] keeps it to the runtimes that it is for; `shell` fits all")


def _programs(content: Tree) -> Iterator[str]:
    for entry in content:
        if entry.parent == "bin" and entry.mode & 0o111 and (entry.link or entry.content.head(4) == MAGIC):
            yield entry.path


def import_ms(stderr: str) -> float | None:
    """Return the milliseconds that a test says its imports took."""
    found = re.search(rf"^{MARK}([0-9.]+)$", stderr, re.MULTILINE)
    return float(found[1]) if found else None


def essence(lines: list[str], runtime: Runtime, most: int) -> list[str]:
    """Return the lines that say what went wrong: Python ends with it, Node.js and Java begin with it."""
    if runtime.language not in {"nodejs", "java"}:
        return lines[-most:]
    plain = [line for line in lines if not re.match(r"\s+at |Node\.js v", line)]
    first = next((number for number, line in enumerate(plain) if re.search(r"(?:Error|Exception)\b", line)), None)
    return plain[-most:] if first is None else plain[first : first + most]


def advice(said: list[str]) -> str | None:
    """Return a hint for the errors that people meet most."""
    text = "\n".join(said)
    for pattern, hint in _LIKELY:
        if match := re.search(pattern, text):
            return hint.format(*match.groups())
    return None
