"""Layers of Ruby gems: compiled in the build image, tested in the runtime's image."""

import subprocess
import zipfile
from pathlib import Path

import pytest
from kit import gems as kit
from kit import standin
from kit.zips import entry

from builder.base.emitter import Events
from builder.base.errors import BuildError, SmokeFailedError
from builder.building.job import Options
from builder.building.layer import Built, build
from builder.engine.client import Engine
from builder.layer.tree import of
from builder.model import recipes
from builder.model.architectures import architecture
from builder.model.recipe import Invoke, Test
from builder.model.runtimes import runtime
from builder.model.target import targets
from builder.smoke import run
from builder.smoke.results import SmokeResult
from builder.smoke.sandboxes import Sandbox

BOTH = pytest.mark.parametrize("arch", ["x86_64", "arm64"])
ROOT = "ruby/gems/3.3.0"
SPEC = b"Gem::Specification.new { |s| s.name = 'one'; s.version = '1.0'; s.summary = 'x'; s.authors = ['x'] }\n"
ONE = {f"{ROOT}/specifications/one-1.0.gemspec": SPEC, f"{ROOT}/gems/one-1.0/lib/one.rb": b"ONE = 7\n"}
EXTENSION = {
    "lib/fast.rb": b"require 'fast/fast'\n",
    "ext/fast/extconf.rb": b"""
require 'mkmf'
abort 'no log in the C library' unless have_library('m', 'log') && have_header('math.h')
$defs << "-DNUMBER=#{with_config('number', '1')}"
create_makefile('fast/fast')
""",
    "ext/fast/fast.c": b"""
#include <ruby.h>
#include <math.h>
static VALUE number(VALUE self) { return INT2NUM(NUMBER); }
static VALUE root(VALUE self, VALUE of) { return DBL2NUM(cbrt(NUM2DBL(of))); }
void Init_fast(void) {
    VALUE fast = rb_define_module("Fast");
    rb_define_singleton_method(fast, "number", number, 0);
    rb_define_singleton_method(fast, "root", root, 1);
}
""",
}


def tried(engine: Engine, files: dict[str, bytes], test: Test | None, arch: str = "x86_64") -> list[SmokeResult]:
    content = of(entry(path, data) for path, data in files.items())
    bench = Sandbox(engine=engine, runtime=runtime("ruby3.3"), arch=architecture(arch), content=content)
    return run.execute(bench, [test] if test else [], "layer")


@BOTH
def test_ruby_code_finds_gems_and_libraries_of_the_layer(engine: Engine, arch: str) -> None:
    files = {**ONE, "ruby/lib/plain.rb": b"PLAIN = 8\n"}
    code = "require 'one'; require 'plain'; raise 'no' unless ONE + PLAIN == 15"
    assert tried(engine, files, Test(ruby=code), arch)[0].what == "the ruby test"


@pytest.mark.parametrize("arch", ["x86_64", pytest.param("arm64", marks=pytest.mark.long)])
def test_a_function_in_ruby_uses_a_gem_of_the_layer(engine: Engine, arch: str) -> None:
    code = "require 'one'\ndef handler(event:, context:)\n  ONE + event['n']\nend\n"
    invoke = Invoke(handler="app.handler", code=code, event={"n": 1}, response=8)
    assert tried(engine, ONE, Test(invoke=invoke), arch)[0].cold_ms is not None


def test_without_a_test_every_gem_is_required(engine: Engine) -> None:
    (found,) = tried(engine, ONE, None)
    assert found.what == "requiring each gem"
    assert found.cold_ms is not None
    broken = {**ONE, f"{ROOT}/gems/one-1.0/lib/one.rb": b"require 'nowhere'\n"}
    with pytest.raises(SmokeFailedError, match="cannot be required: one") as raised:
        tried(engine, broken, None)
    assert "`nowhere` is not in the layer" in str(raised.value.hint)


def test_gems_for_another_ruby_are_not_found(engine: Engine) -> None:
    other = {path.replace("3.3.0", "3.4.0"): data for path, data in ONE.items()}
    with pytest.raises(SmokeFailedError) as raised:
        tried(engine, other, Test(ruby="require 'one'"))
    assert "`one` is not in the layer" in str(raised.value.hint)


def made(
    folder: Path, arch: str, gems: str = '["fast"]', more: str = "options = { fast = ['--with-number=42'] }"
) -> Built:
    beside = folder / "recipes" / "mine"
    beside.mkdir(parents=True)
    (beside / "recipe.toml").write_text(
        '[layer]\nname = "mine"\nversion = "1.0"\ndescription = ""\nlicense = "MIT"\n'
        f'[targets]\nruntimes = ["ruby3.3"]\narchitectures = ["{arch}"]\n'
        f'[[step]]\nuses = "gem"\ngems = {gems}\n{more}\n',
        encoding="utf-8",
    )
    loaded = recipes.load(folder / "recipes", "mine")
    (target,) = targets(loaded.recipe)
    return build(loaded, target, Options(output=folder / "dist"), Events())


@pytest.mark.parametrize("arch", ["x86_64", pytest.param("arm64", marks=pytest.mark.long)])
def test_an_extension_is_compiled_and_loads(engine: Engine, gem_index: Path, tmp_path: Path, arch: str) -> None:
    kit.pack(gem_index / "gems", "fast", "1.0", EXTENSION, extensions=["ext/fast/extconf.rb"], needs={"pure": "~> 2.0"})
    kit.pack(gem_index / "gems", "pure", "2.1")
    kit.write_index(gem_index)
    built = made(tmp_path, arch)
    route = "native" if arch == engine.architecture.name else "accelerated"
    assert built.manifest.route == route
    assert {row.name: row.route for row in built.manifest.packages} == {"fast": route, "pure": "gem"}
    machine = {"x86_64": "x86_64", "arm64": "aarch64"}[arch]
    library = f"{ROOT}/gems/fast-1.0/lib/fast/fast.so"
    extension = f"{ROOT}/extensions/{machine}-linux/3.3.0/fast-1.0"
    with zipfile.ZipFile(built.path) as archive:
        names = set(archive.namelist())
        assert {library, f"{extension}/gem.build_complete", f"{ROOT}/specifications/fast-1.0.gemspec"} <= names
        assert not [name for name in names if name.endswith((".c", ".o", ".log", ".out", "Makefile"))]
        pointed = archive.read(f"{extension}/fast/fast.so").decode()
        assert (Path("/opt") / extension / "fast" / pointed).resolve() == Path("/opt") / library
        assert b"/native" not in archive.read(library)
    code = "require 'fast'; require 'pure'; raise 'no' unless [Fast.number, Fast.root(27.0).round(9)] == [42, 3.0]"
    test = Test(ruby=code)
    loaded = recipes.load(tmp_path / "recipes", "mine")
    (target,) = targets(loaded.recipe)
    with_test = type(loaded.recipe)(
        layer=loaded.recipe.layer, targets=loaded.recipe.targets, step=loaded.recipe.step, test=(test,)
    )
    assert run.layer(engine, built.path, target, with_test).passed


@pytest.mark.usefixtures("engine")
def test_the_same_gems_give_the_same_zip(gem_index: Path, tmp_path: Path) -> None:
    kit.pack(gem_index / "gems", "fast", "1.0", EXTENSION, extensions=["ext/fast/extconf.rb"])
    kit.write_index(gem_index)
    first = made(tmp_path / "a", "x86_64").path.read_bytes()
    loaded = recipes.load(tmp_path / "a" / "recipes", "mine")
    options = Options(output=tmp_path / "b", rebuild=True, derived=tmp_path / "derived")
    second = build(loaded, targets(loaded.recipe)[0], options, Events())
    assert second.path.read_bytes() == first


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("ext/fast/extconf.rb", b"abort 'libmissing is not installed'\n", "libmissing is not installed"),
        ("ext/fast/fast.c", b"#include <ruby.h>\nvoid Init_fast(void) { nowhere; }\n", "nowhere"),
    ],
)
def test_a_failing_extension_of_a_gem_is_reported_with_its_output(
    gem_index: Path, tmp_path: Path, file: str, text: bytes, says: str
) -> None:
    wrong = {**EXTENSION, file: text}
    kit.pack(gem_index / "gems", "fast", "1.0", wrong, extensions=["ext/fast/extconf.rb"])
    kit.write_index(gem_index)
    with pytest.raises(BuildError) as raised:
        made(tmp_path, "x86_64")
    assert any(says in line for line in raised.value.why), raised.value.why
    assert not list((tmp_path / "dist").glob("*.zip"))


@pytest.mark.usefixtures("engine")
def test_our_specification_equals_that_of_rubygems(gem_index: Path, tmp_path: Path) -> None:
    needs = {"pure": "~> 2.0, != 2.5"}
    path = kit.pack(gem_index / "gems", "fast", "1.0", {"lib/fast.rb": b""}, needs=needs, ruby=">= 2.7, < 4.dev")
    kit.pack(gem_index / "gems", "pure", "2.1")
    kit.write_index(gem_index)
    built = made(tmp_path, "x86_64", more="")
    with zipfile.ZipFile(built.path) as archive:
        ours = archive.read(f"{ROOT}/specifications/fast-1.0.gemspec")
    (tmp_path / "ours.gemspec").write_bytes(ours)
    compare = """
require 'rubygems/package'
ours, theirs = Gem::Specification.load('/w/ours.gemspec'), Gem::Package.new('/w/fast.gem').spec
fields = %i[name version platform require_paths summary authors dependencies required_ruby_version extensions]
fields.each do |one|
  mine, own = ours.send(one), theirs.send(one)
  raise "#{one}: #{mine} is not #{own}" unless mine == own
end
stub = Gem::StubSpecification.gemspec_stub('/w/ours.gemspec', '/w', '/w')
raise 'no stub' unless stub.name == 'fast' && stub.version == theirs.version && stub.stubbed?
"""
    (tmp_path / "fast.gem").write_bytes(path.read_bytes())
    image = f"{standin.REGISTRY}/sam/build-ruby3.3:latest-x86_64"
    mount = ["-v", f"{tmp_path}:/w", "--entrypoint=/var/lang/bin/ruby"]
    command = ["docker", "run", "--rm", *mount, image, "-e", compare]
    finished = subprocess.run(command, capture_output=True, encoding="utf-8", check=False, timeout=120)
    assert finished.returncode == 0, finished.stderr
