"""The programs in Ruby, run in the stand-in of the build image for Ruby."""

import json

import pytest
from kit.boxes import Box, standin

from builder.engine.client import Engine

STEPS, SMOKE = "/layerwright/steps", "/layerwright/smoke"
GEM = """
Gem::Specification.new do |spec|
  spec.name, spec.version, spec.summary, spec.authors = 'my-own', '1.0', 'x', ['x']
  spec.files = ['lib/my/own.rb', 'ext/extconf.rb', 'ext/own.c']
  spec.extensions = ['ext/extconf.rb']
end
"""
C = "#include <ruby.h>\nstatic VALUE three(VALUE self) { return INT2FIX(3); }\n"
C += 'void Init_own_ext(void) { rb_define_global_function("three", three, 0); }\n'
FILES = {
    "src/my-own.gemspec": GEM,
    "src/lib/my/own.rb": "require 'own_ext'\n",
    "src/ext/extconf.rb": "require 'mkmf'\ncreate_makefile('own_ext')\n",
    "src/ext/own.c": C,
    "gems/order.json": json.dumps([{"file": "my-own-1.0.gem", "options": []}]),
}
BUILD = f"""
cd /src && /var/lang/bin/gem build --quiet --output /gems/my-own-1.0.gem my-own.gemspec >/dev/null
RUBYOPT=-r{STEPS}/rbconfig.rb CFLAGS=-DOURS /var/lang/bin/ruby {STEPS}/gems.rb /gems /opt my-own-1.0 >&2
"""
REQUIRE = f'GEM_PATH=/layerwright/installed sh {SMOKE}/again.sh /var/lang/bin/ruby -e "$(cat {SMOKE}/requires.rb)" 2>&1'


def plan(*gems: str) -> dict[str, str]:
    return {"var/task/layerwright.json": json.dumps({"items": [[name, "first"] for name in gems]})}


@pytest.fixture
def box(engine: Engine) -> Box:
    return standin(engine, "sam/build-ruby3.3:latest")


def test_every_program_is_valid(box: Box) -> None:
    box.run(f"for file in {STEPS}/*.rb {SMOKE}/*.rb; do /var/lang/bin/ruby -c $file; done")


def test_gems_rb_compiles_and_keeps_the_extension_and_requires_rb_loads_it(box: Box) -> None:
    out = box.run(f"{BUILD}\nfind /opt -name '*.so'\n{REQUIRE}", {**FILES, **plan("my-own")})
    assert "/extensions/" in out
    assert "own_ext.so" in out
    assert "layerwright-import-ms=" in out
    assert '"fail"' not in out


def test_rbconfig_rb_hands_the_environment_to_mkmf(box: Box) -> None:
    ask = "puts RbConfig::MAKEFILE_CONFIG.values_at('CC', 'CFLAGS', 'LDFLAGS'), RbConfig::CONFIG['LDSHARED']"
    out = box.run(f'CC=my-cc CFLAGS=-DOURS LDFLAGS=-Lx RUBYOPT=-r{STEPS}/rbconfig.rb /var/lang/bin/ruby -e "{ask}"')
    compiler, cflags, ldflags, shared = out.splitlines()
    assert compiler == "my-cc"
    assert cflags.endswith("-DOURS")
    assert ldflags.endswith("-Lx")
    assert shared.startswith("my-cc ")


def test_gems_rb_shows_the_error_of_the_extension(box: Box) -> None:
    broken = {**FILES, "src/ext/own.c": "#error nothing works\n"}
    said = box.run(f"{BUILD}", broken, code=1)
    assert "nothing works" in said
    assert "Results logged" not in said


def test_requires_rb_names_what_cannot_be_required(box: Box) -> None:
    said = box.run(REQUIRE, plan("no-such-gem", "json"))
    notes = [json.loads(line) for line in said.splitlines() if line.startswith("[")]
    assert [note[:2] for note in notes] == [["begin", 0], ["fail", 0], ["begin", 1], ["through", 0]]
    assert "no-such-gem" in notes[1][2]["text"]
