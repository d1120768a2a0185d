"""The tests of a layer as command lines for the image of its runtime, the default tests, and hints for failures."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from builder.base.errors import UsageError
from builder.engine.sandbox import File
from builder.layer.elf import MAGIC
from builder.layer.slim import SITE_PACKAGES
from builder.layer.tree import Tree
from builder.model.recipe import Test
from builder.model.runtimes import Runtime
from builder.smoke import jvm, nodejs

MARK = nodejs.MARK
KILLED = 137
"""Exit code of a process that SIGKILL ended (128 + 9), usually because it exceeded the memory limit."""
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
_MODULES = f"""
import importlib, sys, time, traceback
started, failed = time.perf_counter(), []
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except BaseException:
        failed.append(name)
        traceback.print_exc()
print("{MARK}%.1f" % ((time.perf_counter() - started) * 1000), file=sys.stderr)
if failed:
    sys.exit("cannot be imported: " + " ".join(failed))
"""
_GEMS = f"""
started, failed = Process.clock_gettime(Process::CLOCK_MONOTONIC), []
ARGV.each do |name|
  gem name
  folders = Gem.loaded_specs.fetch(name).full_require_paths
  file = [name, name.tr('-', '/'), name.tr('-', '_')].find {{ |one|
    folders.any? {{ |folder| File.exist?("#{{folder}}/#{{one}}.rb") || File.exist?("#{{folder}}/#{{one}}.so") }} }}
  require file if file
rescue Exception => error
  failed << name
  warn error.full_message(highlight: false, order: :bottom)
end
warn format('{MARK}%.1f', (Process.clock_gettime(Process::CLOCK_MONOTONIC) - started) * 1000)
abort "cannot be required: #{{failed.join(' ')}}" unless failed.empty?
"""
_GEMSPEC = re.compile(r"^ruby/gems/[^/]+/specifications/(?P<name>.+?)-\d[^/]*\.gemspec$")
_RUBY = "/var/lang/bin/ruby"
_ALL_THERE = 'for file; do test -r "/opt/$file" || { echo "no $file" >&2; exit 1; }; done'
_PROGRAMS = """
for program; do
    output=$("/opt/$program" --version </dev/null 2>&1) && code=0 || code=$?
    case "$output" in
        *"error while loading shared"* | *"version \\`GLIBC"* | *"symbol lookup error"*) code=127 ;;
    esac
    if [ "$code" -ge 126 ]; then printf '%s: %s\\nexit code %s\\n' "$program" "$output" "$code" >&2; exit 1; fi
done
"""
"""Starts each program with --version. Only failures of the loader count, because not every program has that option."""
_HINTS = (
    (r"No module named '([\w.]+)'", "`{0}` is not in the layer: was a dependency pruned or never installed?"),
    (r"([\w.+-]+\.so[\w.]*): cannot open shared object", "`{0}` is missing: bundle it into lib/"),
    (r"version [`']((?:GLIBC|GLIBCXX|CXXABI)_[\d.]+)' not found", "`{0}` is newer than Lambda's: compile in its image"),
    (r"Cannot find (?:module|package) '([\w@./-]+)'", "`{0}` is not in the layer: was a dependency pruned?"),
    (r"cannot load such file -- (\S+)", "`{0}` is not in the layer: was a gem pruned or never installed?"),
    (r"NoClassDefFoundError: ([\w/$]+)", "`{0}` is in no jar of the layer: is a dependency missing in the recipe?"),
    (r"UnsupportedClassVersionError", "a jar was compiled for a newer Java than the runtime has"),
    (r"Read-only file system", "only /tmp can be written to in Lambda"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class SmokeTest:
    """A command that tests a layer in the image of its runtime."""

    what: str
    """Name of the test, for messages."""
    command: list[str]
    files: tuple[File, ...] = ()
    """Files that the command needs in addition to the layer."""


def smoke_test(test: Test, runtime: Runtime) -> SmokeTest:
    """Return the command of a recipe's test. Raises UsageError if the runtime has no interpreter for it."""
    if test.python:
        _require(runtime, "python")
        return SmokeTest(what="the python test", command=[runtime.interpreter, "-B", "-c", _PYTHON, test.python])
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
    return SmokeTest(what="the files test", command=["/bin/sh", "-euc", _ALL_THERE, "sh", *test.files])


def default_tests(content: Tree, runtime: Runtime) -> list[SmokeTest]:
    """Return the tests of a layer whose recipe has none: import every module, start every program."""
    defaults = []
    if runtime.python and (names := sorted(set(modules(content)))):
        command = [runtime.interpreter, "-B", "-c", _MODULES, *names]
        defaults.append(SmokeTest(what="importing each module", command=command))
    if runtime.language == "nodejs" and (names := sorted(set(nodejs.packages(content)))):
        defaults.append(
            SmokeTest(what="importing each package", command=nodejs.command(nodejs.EACH, names, as_module=True))
        )
    if runtime.language == "ruby" and (names := sorted(set(_gems(content)))):
        defaults.append(SmokeTest(what="requiring each gem", command=[_RUBY, "-e", _GEMS, *names]))
    if programs := sorted(_programs(content)):
        defaults.append(SmokeTest(what="starting each program", command=["/bin/sh", "-uc", _PROGRAMS, "sh", *programs]))
    return defaults


def _require(runtime: Runtime, language: str) -> None:
    if runtime.language != language:
        msg = f"{runtime.name} has no {language.removesuffix('js')} to run that test with"
        raise UsageError(msg, hint="`when` in a [[test]] limits it to some runtimes; `shell` works in all of them")


def modules(content: Tree) -> Iterator[str]:
    """Yield the names that `import` finds at the top of a layer."""
    for entry in content:
        inside = SITE_PACKAGES.sub("", entry.path)
        if inside == entry.path:
            continue
        first, _, rest = inside.partition("/")
        name = first if rest in {"__init__.py", "__init__.pyc"} else first.partition(".")[0]
        code = rest.startswith("__init__.") if rest else first.endswith((".py", ".so"))
        if code and name.isidentifier() and not name.startswith("__") and name not in {"conftest", "setup"}:
            yield name


def _gems(content: Tree) -> Iterator[str]:
    for entry in content:
        if match := _GEMSPEC.match(entry.path):
            yield match["name"]


def _programs(content: Tree) -> Iterator[str]:
    for entry in content:
        if entry.parent == "bin" and entry.mode & 0o111 and (entry.link or entry.content.head(4) == MAGIC):
            yield entry.path


def import_ms(stderr: str) -> float | None:
    """Return the duration of the imports in milliseconds, as printed by a test; None if it printed none."""
    match = re.search(rf"^{MARK}([0-9.]+)$", stderr, re.MULTILINE)
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
    for pattern, hint in _HINTS:
        if match := re.search(pattern, text):
            return hint.format(*match.groups())
    return None
