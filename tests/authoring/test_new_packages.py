"""Recipes that `layerwright new` writes for packages: pinned, locked, with a test that uses them."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import need
from kit.commands import layerwright
from kit.wheels import Index, make_sdist, make_wheel
from kit.worlds.all import WORLDS
from kit.worlds.world import Thing, World

from builder.authoring.draft_packages import EVERYTHING
from builder.model import recipes
from builder.model.architectures import ARCHITECTURES
from builder.packages import table

OPTIONS = {"pypi": "--pip", "npm": "--npm", "gem": "--gem", "maven": "--maven", "cargo": "--cargo", "golang": "--go"}
PINNED = {
    "pypi": 'requirements = ["tiny=={version}"]',
    "npm": 'packages = ["tiny@{version}"]',
    "gem": 'gems = ["tiny@{version}"]',
    "maven": ':tiny:{version}"]',
    "cargo": '"tiny@{version}"',
    "golang": '/tiny@v{version}"',
}
USED = {
    "pypi": 'assert version("tiny") == "1.0.0"',
    "npm": "assert.equal(version('tiny'), '1.0.0');",
    "gem": "gem 'tiny', '1.0.0'\nrequire 'tiny'\n",
    "maven": 'if (!from.endsWith("/tiny-1.0.0.jar")) throw new AssertionError(from);',
    "cargo": "timeout 20 /opt/bin/tiny --version </dev/null || [ $? -lt 126 ]",
    "golang": "timeout 20 /opt/bin/tiny --version </dev/null || [ $? -lt 126 ]",
}
CLASS = b"\xca\xfe\xba\xbe\0\0\0\x41" + bytes(20)
"""The beginning of a class for Java 21."""


def marked(names: dict[str, Any]) -> list[Any]:
    return [pytest.param(name, marks=pytest.mark.network if name == "maven" else ()) for name in names]


@pytest.fixture
def world(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    made = WORLDS[request.param]()
    for program in made.programs:
        need(program)
    (tmp_path / "world").mkdir()
    (tmp_path / "project").mkdir()
    with made.running(tmp_path / "world", monkeypatch):
        yield made


def specification(world: World) -> str:
    """Return what a command line calls the package `tiny`, without a version."""
    match = re.search(r'"([^"]*tiny)', world.step("tiny"))
    assert match is not None
    return match[1]


@pytest.mark.parametrize("world", marked(OPTIONS), indirect=True)
def test_a_new_recipe_pins_locks_and_uses_its_package(world: World, tmp_path: Path) -> None:
    files = {"org/tiny/Tiny.class": CLASS} if world.ecosystem == "maven" else {}
    declared = "MIT/Apache-2.0" if world.ecosystem == "cargo" else "MIT"  # as old crates write a choice
    world.publish(Thing(name="tiny", files=files, license=declared))
    work = tmp_path / "project"
    asked = specification(world) + (":1.0.0" if world.ecosystem == "maven" else "")  # it has no list of versions
    made = layerwright("new", "mine", OPTIONS[world.ecosystem], asked, "--json", cwd=work)
    assert made.code == 0, made.err
    path = "recipes/mine/recipe.toml"
    assert made.json == {"version": 1, "name": "mine", "path": path, "trial": None}
    text = (work / "recipes/mine/recipe.toml").read_text(encoding="utf-8")
    assert 'version     = "1.0.0"' in text
    assert PINNED[world.ecosystem] in text
    assert USED[world.ecosystem] in text
    told = f'license     = "{declared.replace("/", " OR ")}"'
    assert (told in text) is (world.ecosystem != "golang")  # a module in Go declares none
    loaded = recipes.load(work / "recipes", "mine")
    (ecosystem,) = table.of_recipe(loaded)
    assert loaded.has(ecosystem.locks[0])
    assert layerwright("lint", cwd=work).code == 0
    assert layerwright("lock", "--all", "--check", cwd=work).code == 0
    planned = layerwright("plan", "mine", "--arch", "arm64", "--json", cwd=work)
    assert planned.code == 0, planned.err
    packages = [package for plan in planned.json["plans"] for package in plan["packages"]]
    assert "1.0.0" in {package["version"].removeprefix("v") for package in packages}
    assert [path.name for path in (work / "recipes").iterdir()] == ["mine"]


@pytest.mark.parametrize("world", marked(OPTIONS), indirect=True)
def test_a_name_that_no_registry_knows_is_an_error_that_names_it(world: World, tmp_path: Path) -> None:
    world.publish(Thing(name="other"))
    work = tmp_path / "project"
    made = layerwright("new", "mine", OPTIONS[world.ecosystem], specification(world), cwd=work)
    assert made.code in {2, 4}, made.err
    assert "error: " in made.err
    assert "tiny" in made.err
    assert not list(work.iterdir())


@pytest.mark.parametrize("world", ["npm", "pypi"], indirect=True)
def test_plain_code_is_one_zip_where_the_runtimes_share_it(world: World, tmp_path: Path) -> None:
    for name in ("tiny", "other"):
        world.publish(Thing(name=name))
    work = tmp_path / "project"
    option = OPTIONS[world.ecosystem]
    made = layerwright("new", "mine", option, "tiny", option, "other", "--runtime", world.runtime, cwd=work)
    assert made.code == 0, made.err
    built = layerwright("build", "mine", "--no-test", "--json", cwd=work)
    assert built.code == 0, built.err
    targets = [row["target"] for row in built.json["built"]]
    each = [f"mine-1.0.0-{world.runtime}-{arch}" for arch in ARCHITECTURES]
    assert targets == (["mine-1.0.0"] if world.ecosystem == "npm" else each)


def test_a_requirements_file_becomes_the_file_of_the_recipe(index: Index, tmp_path: Path) -> None:
    for name in ("alpha", "beta"):
        make_wheel(index.folder, name, "1.0", files={f"{name}/__init__.py": b""})
    requirements = tmp_path / "elsewhere.txt"
    requirements.write_text("alpha\nbeta==1.0  # both\n", encoding="utf-8")
    made = layerwright("new", "mine", "-r", requirements, "--runtime", "python3.13", cwd=tmp_path)
    assert made.code == 0, made.err
    folder = tmp_path / "recipes/mine"
    assert (folder / "elsewhere.txt").read_bytes() == requirements.read_bytes()
    text = (folder / "recipe.toml").read_text(encoding="utf-8")
    assert "import alpha\nimport beta\n" in text
    assert "requirements =" not in text
    built = layerwright("build", "mine", "--arch", "arm64", "--no-test", cwd=tmp_path)
    assert built.code == 0, built.err
    requirements.write_text("alpha\n-r more.txt\n", encoding="utf-8")
    refused = layerwright("new", "other", "-r", requirements, cwd=tmp_path)
    assert refused.code == 2
    assert "-r more.txt" in refused.err
    assert "--from" in refused.err
    absent = layerwright("new", "other", "-r", "absent.txt", cwd=tmp_path)
    assert absent.code == 2


def test_what_has_to_be_compiled_is_refused_until_its_packages_are_named(index: Index, tmp_path: Path) -> None:
    files = {"PKG-INFO": "Name: gamma\nVersion: 1.0\nSummary: Compiles\nLicense: MIT\n"}
    make_sdist(index.folder, "gamma", "1.0", "raise SystemExit", {**files, "gamma.egg-info/top_level.txt": "gamma_c\n"})
    make_wheel(index.folder, "setuptools", "80.0")
    refused = layerwright("new", "mine", "--pip", "gamma", cwd=tmp_path)
    assert refused.code == 4
    assert "gamma" in refused.err
    asked = ("--packages", "zlib-devel", "--runtime", "python3.13")
    made = layerwright("new", "mine", "--pip", "gamma", *asked, cwd=tmp_path)
    assert made.code == 0, made.err
    text = (tmp_path / "recipes/mine/recipe.toml").read_text(encoding="utf-8")
    assert 'uses    = "packages"\ninstall = ["zlib-devel"]' in text
    assert text.index("zlib-devel") < text.index("gamma=={version}")
    assert "import gamma_c\n" in text
    assert 'description = "Compiles"' in text


def test_packages_of_the_system_alone_go_into_the_layer(tmp_path: Path) -> None:
    made = layerwright("new", "tools", "--packages", "git-core", "--packages", "zip", cwd=tmp_path)
    assert made.code == 0, made.err
    recipe = recipes.load(tmp_path / "recipes", "tools").recipe
    (step,) = recipe.step
    assert (step.install, step.layer) == (("git-core", "zip"), True)  # type: ignore[union-attr]
    assert recipe.test[0].shell == EVERYTHING["shell"]
    assert recipe.targets.runtimes == ("provided.al2023",)
    assert layerwright("lint", cwd=tmp_path).code == 0
    unknown = layerwright("new", "more", "--packages", "git-coree", cwd=tmp_path)
    assert unknown.code == 2
    assert "al2023 has no package `git-coree`; did you mean `git-core`?" in unknown.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--pip", "a", "--npm", "b"), "--pip and --npm are mutually exclusive"),
        (("--from", "numpy", "--cargo", "b"), "--from and --cargo are mutually exclusive"),
        (("--cargo", "a", "--cargo", "b"), "one layer is for one crate, not for a and b"),
        (("--cargo", "ripgrep@14"), "not one with an exact version"),
        (("--go", "a", "--go", "b"), "one new recipe is for one program, not for a and b"),
        (("--go", "gojq"), "`gojq` is not the path of a program"),
        (("--maven", "jackson"), "`jackson` is not `group:artifact`"),
        (("--gem", "a b"), "`a b` is not `name@version`"),
        (("-r", "a.txt", "-r", "b.txt"), "-r is given more than once"),
    ],
)
def test_what_makes_no_recipe_is_told(tmp_path: Path, arguments: tuple[str, ...], told: str) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("x\n", encoding="utf-8")
    result = layerwright("new", "mine", *arguments, cwd=tmp_path)
    assert result.code == 2, result.err
    assert told in result.err
    assert not (tmp_path / "recipes").exists()


@pytest.mark.parametrize(
    ("path", "content", "passes"),
    [
        ("bin/good", "#!/bin/sh\necho 1.2\n", True),
        ("bin/usage", "#!/bin/sh\nexit 64\n", True),
        ("bin/no-interpreter", "#!/usr/bin/absent\n", False),
        ("bin/no-program", "#!/bin/sh\nabsent\n", False),
        ("bin/killed", "#!/bin/sh\nkill -SEGV $$\n", False),
        ("lib/libdata.so.1", "no library", False),
        ("lib/data.txt", "no library", True),
    ],
)
def test_the_test_of_programs_and_libraries_fails_for_those_that_cannot_be_loaded(
    tmp_path: Path,
    path: str,
    content: str,
    passes: bool,  # noqa: FBT001
) -> None:
    file = tmp_path / path
    file.parent.mkdir()
    file.write_text(content, encoding="utf-8")
    file.chmod(0o755)
    code = EVERYTHING["shell"].replace("/opt", str(tmp_path))
    done = subprocess.run(["sh", "-euc", code], capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode == 0) is passes, done.stderr


def test_the_test_of_programs_fails_for_a_layer_without_a_file(tmp_path: Path) -> None:
    code = EVERYTHING["shell"].replace("/opt", str(tmp_path))
    assert subprocess.run(["sh", "-euc", code], check=False).returncode == 1
