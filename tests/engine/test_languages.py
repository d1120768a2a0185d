"""Layers of Node.js and Java in their runtimes' images, and install scripts in the build image."""

import json
import subprocess
import zipfile
from pathlib import Path

import pytest
from kit import zips
from kit.npm import package
from kit.zips import entry

from builder.authoring.relock import relock
from builder.base.emitter import Events
from builder.base.errors import BuildError, SmokeFailedError, UsageError
from builder.building.job import Options
from builder.building.layer import build
from builder.engine.client import Engine
from builder.layer.tree import of
from builder.model import recipes
from builder.model.architectures import architecture
from builder.model.recipe import Invoke, Test
from builder.model.runtimes import runtime
from builder.model.target import targets
from builder.plan.planning import plan
from builder.smoke import run
from builder.smoke.results import SmokeResult
from builder.smoke.sandboxes import Sandbox

BOTH = pytest.mark.parametrize("arch", ["x86_64", "arm64"])
COMMON = {
    "nodejs/node_modules/common/package.json": b'{"name": "common", "main": "index.js"}',
    "nodejs/node_modules/common/index.js": b"exports.value = 7;\n",
}
MODERN = {
    "nodejs/node22/node_modules/@a/modern/package.json": b'{"name": "@a/modern", "exports": "./a.mjs"}',
    "nodejs/node22/node_modules/@a/modern/a.mjs": b"import { value } from 'common';\nexport const more = value + 1;\n",
}


def tried(
    engine: Engine, files: dict[str, bytes], test: Test | None, on: str, arch: str = "x86_64"
) -> list[SmokeResult]:
    content = of(entry(path, data) for path, data in files.items())
    bench = Sandbox(engine=engine, runtime=runtime(on), arch=architecture(arch), content=content)
    return run.execute(bench, [test] if test else [], "layer")


@BOTH
def test_node_code_runs_as_commonjs_and_as_a_module(engine: Engine, arch: str) -> None:
    files = {**COMMON, **MODERN}
    required = Test(node="if (require('common').value !== 7) throw new Error('no');")
    assert tried(engine, files, required, "nodejs22.x", arch)[0].what == "the node test"
    imported = Test(node="import { more } from '@a/modern';\nif (more !== 8) throw new Error('no');")
    assert tried(engine, files, imported, "nodejs22.x", arch)[0].what == "the node test, as a module"


def test_the_folder_of_another_node_is_not_found(engine: Engine) -> None:
    with pytest.raises(SmokeFailedError, match="@a/modern") as raised:
        tried(engine, {**COMMON, **MODERN}, Test(node="require('@a/modern')"), "nodejs24.x")
    assert "is not in the layer" in str(raised.value.hint)


def test_without_a_test_every_package_is_imported(engine: Engine) -> None:
    (found,) = tried(engine, {**COMMON, **MODERN}, None, "nodejs22.x")
    assert found.what == "importing each package"
    assert found.cold_ms is not None
    broken = {**COMMON, "nodejs/node_modules/common/index.js": b"require('nowhere');\n"}
    with pytest.raises(SmokeFailedError, match="cannot be imported: common"):
        tried(engine, broken, None, "nodejs22.x")


@BOTH
def test_a_function_in_node_finds_modules_of_the_layer(engine: Engine, arch: str) -> None:
    code = "import { value } from 'common';\nexport const run = async (event) => value + event.n;\n"
    invoke = Invoke(handler="app.run", code=code, event={"n": 1}, response=8)
    assert tried(engine, COMMON, Test(invoke=invoke), "nodejs22.x", arch)[0].cold_ms is not None


def test_a_class_that_is_in_no_jar_is_named(engine: Engine, tmp_path: Path) -> None:
    jar = zips.write(tmp_path / "a.jar", {"a.txt": b"in a jar"}).read_bytes()
    files = {"java/lib/a.jar": jar}
    read = 'if (Test.class.getResourceAsStream("/a.txt").read() != 105) throw new Error();'
    assert tried(engine, files, Test(java=read), "java21")
    with pytest.raises(SmokeFailedError) as raised:
        tried(engine, files, Test(java='throw new NoClassDefFoundError("com/none/Gone");'), "java21")
    assert "`com/none/Gone` is in no jar of the layer" in str(raised.value.hint)


def write(folder: Path, registry: Path, script: str, more: str = "") -> recipes.Loaded:
    """Write a recipe with one package whose install script is that, and offer the package."""
    package(registry, "mine", scripts={"install": script})
    beside = folder / "recipes" / "mine"
    beside.mkdir(parents=True)
    dependencies = {"mine": "1.0.0"}
    (beside / "package.json").write_text(json.dumps({"name": "layer", "dependencies": dependencies}), encoding="utf-8")
    (beside / "recipe.toml").write_text(
        '[layer]\nname = "mine"\nversion = "1.0"\ndescription = ""\nlicense = "MIT"\n'
        '[targets]\nruntimes = ["nodejs22.x"]\narchitectures = ["x86_64"]\n'
        f'[[step]]\nuses = "npm"\nfile = "package.json"\n{more}\n',
        encoding="utf-8",
    )
    loaded = recipes.load(folder / "recipes", "mine")
    relock(loaded, upgrade=False, events=Events())
    return loaded


@pytest.mark.usefixtures("engine")
def test_an_install_script_runs_in_the_build_image_without_network(tmp_path: Path, npm_registry: Path) -> None:
    loaded = write(tmp_path, npm_registry, """node -e "require('fs').writeFileSync('made.js', process.arch)" """)
    (target,) = targets(loaded.recipe)
    with pytest.raises(BuildError, match="never happens on the host"):
        plan(loaded, target, wheels_only=True)
    built = build(loaded, target, Options(output=tmp_path / "dist"), Events())
    assert [(row.name, row.route) for row in built.manifest.packages] == [("mine", "native")]
    with zipfile.ZipFile(built.path) as archive:
        assert archive.read("nodejs/node_modules/mine/made.js") == b"x64"
        assert not [name for name in archive.namelist() if "package-lock" in name or name == "nodejs/package.json"]


@pytest.mark.usefixtures("engine")
def test_the_install_script_of_a_local_package_runs_in_the_build_image(tmp_path: Path, npm_registry: Path) -> None:
    package(npm_registry, "ms")
    folder = tmp_path / "recipes" / "mine"
    script = """node -e "require('fs').writeFileSync('made.js', process.arch)" """
    core = {"name": "@shop/core", "version": "1.0.0", "scripts": {"install": script}, "dependencies": {"ms": "1.0.0"}}
    files = {
        "package.json": json.dumps({"name": "layer", "dependencies": {"@shop/core": "file:core"}}),
        "core/package.json": json.dumps(core),
        "core/index.js": "exports.value = require('./made.js');\n",
        "recipe.toml": (
            '[layer]\nname = "mine"\nversion = "1.0"\ndescription = ""\nlicense = "MIT"\n'
            '[targets]\nruntimes = ["nodejs22.x"]\narchitectures = ["x86_64"]\n'
            '[[step]]\nuses = "npm"\nfile = "package.json"\n'
        ),
    }
    (folder / "core").mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    command = ["npm", "install", "--package-lock-only", "--ignore-scripts"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    loaded = recipes.load(tmp_path / "recipes", "mine")
    (target,) = targets(loaded.recipe)
    built = build(loaded, target, Options(output=tmp_path / "dist"), Events())
    assert {row.name: row.route for row in built.manifest.packages} == {"@shop/core": "native", "ms": "npm"}
    with zipfile.ZipFile(built.path) as archive:
        assert archive.read("nodejs/node_modules/@shop/core/made.js") == b"x64"
        assert "nodejs/node_modules/ms/index.js" in archive.namelist()
    assert not (folder / "core" / "made.js").exists()


@pytest.mark.usefixtures("engine")
def test_an_install_script_that_fails_is_told_with_its_words(tmp_path: Path, npm_registry: Path) -> None:
    loaded = write(tmp_path, npm_registry, "echo this cannot be built >&2; exit 3")
    (target,) = targets(loaded.recipe)
    with pytest.raises(BuildError) as raised:
        build(loaded, target, Options(output=tmp_path / "dist"), Events())
    assert any("this cannot be built" in line for line in raised.value.why)


def test_a_lock_that_is_older_than_the_recipe_is_refused(tmp_path: Path, npm_registry: Path) -> None:
    loaded = write(tmp_path, npm_registry, "true")
    path = loaded.file("package.json")
    path.write_text(json.dumps({"name": "layer", "dependencies": {"other": "1"}}), encoding="utf-8")
    with pytest.raises(UsageError, match="does not fit its recipe") as raised:
        plan(loaded, targets(loaded.recipe)[0])
    assert "other: the recipe asks for 1, the lock is for nothing" in raised.value.why
