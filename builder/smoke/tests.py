"""What the tests of layers run in a runtime's image, as command lines; and what a layer is tried with by default."""

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
class SmokeTest:
    """One program to run in the runtime's image."""

    what: str
    command: list[str]
    files: tuple[File, ...] = ()
    """What it brings besides the layer."""


def smoke_test(test: Test, runtime: Runtime) -> SmokeTest:
    """Return what a recipe's test runs."""
    if test.python:
        _only(runtime, "python")
        return SmokeTest(what="the python test", command=[runtime.interpreter, "-B", "-c", _PYTHON, test.python])
    if test.node:
        _only(runtime, "nodejs")
        as_module = nodejs.is_module(test.node)
        what = "the node test, as a module" if as_module else "the node test"
        return SmokeTest(what=what, command=nodejs.command(test.node, as_module=as_module))
    if test.ruby:
        _only(runtime, "ruby")
        return SmokeTest(what="the ruby test", command=[_RUBY, "-e", test.ruby])
    if test.java:
        _only(runtime, "java")
        return SmokeTest(
            what="the java test", command=jvm.command(runtime), files=(*jvm.compiler(runtime), *jvm.files(test.java))
        )
    if test.shell:
        return SmokeTest(what="the shell test", command=["/bin/sh", "-euc", test.shell])
    return SmokeTest(what="the files test", command=["/bin/sh", "-euc", _ALL_THERE, "sh", *test.files])


def default_tests(content: Tree, runtime: Runtime) -> list[SmokeTest]:
    """Return what a layer without tests of its own is tried with: each module is imported, each program started."""
    found = []
    if runtime.python and (names := sorted(set(modules(content)))):
        command = [runtime.interpreter, "-B", "-c", _MODULES, *names]
        found.append(SmokeTest(what="importing each module", command=command))
    if runtime.language == "nodejs" and (names := sorted(set(nodejs.packages(content)))):
        found.append(
            SmokeTest(what="importing each package", command=nodejs.command(nodejs.EACH, names, as_module=True))
        )
    if runtime.language == "ruby" and (names := sorted(set(_gems(content)))):
        found.append(SmokeTest(what="requiring each gem", command=[_RUBY, "-e", _GEMS, *names]))
    if programs := sorted(_programs(content)):
        found.append(SmokeTest(what="starting each program", command=["/bin/sh", "-uc", _PROGRAMS, "sh", *programs]))
    return found


def _only(runtime: Runtime, language: str) -> None:
    if runtime.language != language:
        msg = f"{runtime.name} has no {language.removesuffix('js')} to run that test with"
        raise UsageError(msg, hint="`when` in a [[test]] keeps it to the runtimes that it is for; `shell` fits all")


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
    """Return the milliseconds that a test says its imports took."""
    found = re.search(rf"^{MARK}([0-9.]+)$", stderr, re.MULTILINE)
    return float(found[1]) if found else None


def relevant_lines(lines: list[str], runtime: Runtime, most: int) -> list[str]:
    """Return the lines that say what went wrong: Python ends with it, Node.js and Java begin with it."""
    if runtime.language not in {"nodejs", "java"}:
        return lines[-most:]
    plain = [line for line in lines if not re.match(r"\s+at |Node\.js v", line)]
    first = next((number for number, line in enumerate(plain) if re.search(r"(?:Error|Exception)\b", line)), None)
    return plain[-most:] if first is None else plain[first : first + most]


def hint_for(output: list[str]) -> str | None:
    """Return a hint for the errors that people meet most."""
    text = "\n".join(output)
    for pattern, hint in _LIKELY:
        if match := re.search(pattern, text):
            return hint.format(*match.groups())
    return None
