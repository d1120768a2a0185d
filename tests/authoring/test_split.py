"""Recipes that are too large for one function."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from kit.commands import layerwright, pip_recipe, write_recipe
from kit.wheels import Index, make_wheel

from builder.authoring.split import split
from builder.authoring.split_recipes import untested, write
from builder.base.emitter import Events
from builder.building.job import Options
from builder.building.layer import build
from builder.layer import interpreters
from builder.model import recipes
from builder.model.architectures import host_architecture
from builder.model.limits import UNZIPPED_LIMIT
from builder.model.steps import Pip
from builder.model.symbol_versions import version_key
from builder.model.target import targets
from builder.packages.pypi.ecosystem import ECOSYSTEM

BIG = ("pyarrow==26.0.1", "opencv-python-headless==5.0.0.93", "scikit-learn==1.9.1")
IMPORTS = {"pyarrow": "pyarrow.parquet", "opencv-python-headless": "cv2", "scikit-learn": "sklearn.linear_model"}


def series() -> str:
    """Return a Python of this host that Lambda has with Amazon Linux 2023, for which all of BIG have wheels."""
    found = [name for name in ("3.14", "3.13", "3.12") if interpreters.find(name)]
    if not found:
        if os.environ.get("LAYERWRIGHT_CI"):
            return "3.13"
        pytest.skip("no Python 3.12 or newer on this host")
    return max(found, key=version_key)


@pytest.mark.long
@pytest.mark.network
@pytest.mark.engine
def test_each_import_works_with_the_layers_that_the_split_names(tmp_path: Path) -> None:
    python, arch = series(), host_architecture()
    assert arch is not None
    runtimes = (f"python{python}",)
    write_recipe(tmp_path, "big", pip_recipe("big", *BIG, runtimes=runtimes, architectures=(arch.name,)))
    result = layerwright("split", "big", "--write", "--json", cwd=tmp_path)
    assert result.code == 0, result.err
    assert result.json["bytes"] > UNZIPPED_LIMIT
    layers = {one["name"]: one for one in result.json["layers"]}
    assert "numpy" in layers["big-base"]["packages"]
    assert layerwright("lint", cwd=tmp_path).code == 0
    zips = {}
    for name in layers:
        loaded = recipes.load(tmp_path / "recipes", name)
        (target,) = targets(loaded.recipe)
        built = build(loaded, target, Options(output=tmp_path / "dist"), Events())
        zips[name] = built
        assert {package.name for package in built.manifest.packages} == set(layers[name]["packages"])
        assert built.manifest.unzipped_bytes <= UNZIPPED_LIMIT
    for root, module in IMPORTS.items():
        attach = layers[f"big-{root}"]["attach"]
        assert sum(zips[name].manifest.unzipped_bytes for name in attach) <= UNZIPPED_LIMIT
        opt = tmp_path / root
        for name in attach:
            with zipfile.ZipFile(zips[name].path) as archive:
                archive.extractall(opt)
        if sys.platform == "linux" and (interpreter := interpreters.find(python)):
            code = f"import {module}, os; os._exit(0)"
            env = {"PYTHONPATH": str(opt / "python"), "PATH": os.defpath, "HOME": str(tmp_path)}
            finished = subprocess.run(
                [*interpreter.command, "-B", "-s", "-c", code], env=env, cwd=tmp_path, check=False
            )
            assert finished.returncode == 0, root


@pytest.mark.network
def test_what_fits_is_not_split_and_what_is_there_is_not_overwritten(tmp_path: Path) -> None:
    write_recipe(tmp_path, "small", pip_recipe("small", "six==1.17.0", "python-dateutil==2.9.0.post0"))
    fits = layerwright("split", "small", cwd=tmp_path)
    assert fits.code == 4
    assert "fits:" in fits.err
    shown = layerwright("split", "small", "--anyway", "--json", cwd=tmp_path)
    assert [one["name"] for one in shown.json["layers"]] == ["small-base", "small-python-dateutil"]
    assert shown.json["written"] == []
    assert layerwright("split", "small", "--anyway", "--write", cwd=tmp_path).code == 0
    again = layerwright("split", "small", "--anyway", "--write", cwd=tmp_path)
    assert (again.code, "are there already" in again.err) == (2, True)


def test_only_a_recipe_of_python_packages_can_be_split(tmp_path: Path) -> None:
    text = pip_recipe("odd", "six==1.17.0", more='\n[[step]]\nuses = "packages"\ninstall = ["gcc"]\n')
    write_recipe(tmp_path, "odd", text)
    result = layerwright("split", "odd", cwd=tmp_path)
    assert (result.code, "cannot be split" in result.err) == (2, True)


@pytest.mark.network
def test_without_leaves_out_what_another_layer_brings(tmp_path: Path) -> None:
    text = pip_recipe("date", "python-dateutil==2.9.0.post0").replace("[[step]]\n", '[[step]]\nwithout = ["six"]\n')
    write_recipe(tmp_path, "date", text)
    plan = layerwright("plan", "date", "--json", cwd=tmp_path).json["plans"][0]
    assert [one["name"] for one in plan["packages"]] == ["python-dateutil"]
    write_recipe(tmp_path, "date", text.replace('"six"', '"sixx"'))
    wrong = layerwright("plan", "date", cwd=tmp_path)
    assert (wrong.code, "`without` names sixx, which nothing here requires" in wrong.err) == (2, True)


@pytest.mark.network
def test_a_function_never_needs_more_than_five_layers(tmp_path: Path) -> None:
    many = ("six", "idna", "certifi", "toml", "pytz", "attrs", "click")
    path = write_recipe(tmp_path, "many", pip_recipe("many", *many))
    loaded = recipes.load(path.parent.parent, "many")
    found = split(loaded, targets(loaded.recipe)[0])
    assert len(found.shares) == 5
    assert {root for share in found.shares for root in share.roots} == set(many)
    assert json.dumps(sorted(one.name for share in found.shares for one in share.packages)) == json.dumps(sorted(many))


WHOLE = r"""
[layer]
name        = "big"
version     = "2.0"
description = "for tests"
license     = "MIT"

[targets]
runtimes = ["python3.11", "python3.13"]

[[override]]
when    = { os = "al2" }
version = "1.0"

[[step]]
uses         = "pip"
requirements = [
    "alpha=={version}", "beta==1.0; python_version == '3.11'", "beta==2.0; python_version != '3.11'", "delta",
]

[slim]
prune    = ["python/**/tests/"]
keep     = ["python/alpha/tests/needed.py"]
bytecode = "off"

[libraries]
bundle = "off"
dlopen = ["libz.so.1"]

[[test]]
python = "import alpha"

[[test]]
python  = "import delta\nassert delta.version"
timeout = 20

[[test]]
files = ["python/gamma/__init__.py"]
when  = { runtime = "python3.13" }

[[test]]
shell = "exit 0"

[[allow]]
check  = "secret"
reason = "an example in the documentation"
path   = "python/beta/**"

[[allow]]
check  = "license"
reason = "bought a commercial one"

[publish]
name    = "team-{runtime}"
regions = ["eu-west-1"]
share   = ["account:123456789012"]
keep    = 3
ssm     = "/layers/{name}/{runtime}/{arch}"
"""


@pytest.fixture
def big(tmp_path: Path, index: Index) -> Path:
    """Write a recipe with settings of every kind, whose versions differ by target."""
    more = {f"alpha/tests/{name}.py": b"x = 1\n" for name in ("needed", "other")}
    for version in ("1.0", "2.0"):
        make_wheel(index.folder, "alpha", version, requires=("common",), files=more)
    make_wheel(index.folder, "beta", "1.0", requires=("common<2",))
    make_wheel(index.folder, "beta", "2.0", requires=("common<2", "gamma"))
    for name, version in (("common", "1.5"), ("common", "2.5"), ("gamma", "3.0"), ("delta", "4.0")):
        make_wheel(index.folder, name, version)
    write_recipe(tmp_path, "big", WHOLE)
    return tmp_path


def packages(folder: Path, name: str) -> dict[tuple[str, str], dict[str, str]]:
    """Build a recipe and return the packages of each of its targets."""
    loaded = recipes.load(folder / "recipes", name)
    return {
        (target.base.name, target.arch.name): {
            package.name: package.version
            for package in build(loaded, target, Options(output=folder / "dist"), Events()).manifest.packages
        }
        for target in targets(loaded.recipe)
    }


def written(big: Path) -> dict[str, str]:
    """Split the recipe and return the texts of the written ones."""
    loaded = recipes.load(big / "recipes", "big")
    paths = write(loaded, split(loaded, targets(loaded.recipe)[0]), big / "recipes")
    return {path.parent.name: path.read_text() for path in paths}


def test_the_layers_of_a_split_have_the_packages_of_the_whole_on_every_target(big: Path) -> None:
    result = layerwright("split", "big", "--anyway", "--write", "--json", cwd=big)
    assert result.code == 0, result.err
    assert "[[test]] number 1 of big needs packages of several layers" in result.err
    names = [layer["name"] for layer in result.json["layers"]]
    assert names == ["big-base", "big-alpha", "big-beta", "big-delta"]
    assert layerwright("lint", cwd=big).code == 0
    together: dict[tuple[str, str], dict[str, str]] = {}
    for name in names:
        for target, built in packages(big, name).items():
            assert not together.get(target, {}).keys() & built.keys()
            together.setdefault(target, {}).update(built)
    whole = packages(big, "big")
    assert together == whole
    assert whole["python3.11", "arm64"] == {"alpha": "1.0", "beta": "1.0", "common": "1.5", "delta": "4.0"}
    assert whole["python3.13", "x86_64"]["gamma"] == "3.0"


def test_versions_that_differ_by_target_have_conditions_and_others_follow_the_layer(big: Path) -> None:
    texts = written(big)
    assert 'requirements = ["alpha=={version}"]' in texts["big-alpha"]
    assert '[[override]]\nwhen    = {os = "al2"}\nversion = "1.0"' in texts["big-alpha"]
    assert texts["big-alpha"].count("[[step]]") == 1
    assert texts["big-alpha"].startswith("# Goes with big-base, which has common.\n")
    steps = {
        step.when.os: step
        for step in recipes.load(big / "recipes", "big-beta").recipe.step
        if step.when and isinstance(step, Pip)
    }
    assert steps["al2"].requirements == ("beta==1.0",)
    assert steps["al2023"].requirements == ("beta==2.0", "gamma==3.0")
    assert steps["al2023"].without == ("common",)


def test_settings_go_with_the_packages_that_they_are_for(big: Path) -> None:
    written(big)
    whole = recipes.load(big / "recipes", "big").recipe
    part = {name: recipes.load(big / "recipes", f"big-{name}").recipe for name in ("base", "alpha", "beta", "delta")}
    for recipe in part.values():
        assert recipe.slim == whole.slim
        assert recipe.libraries == whole.libraries
        assert recipe.override == whole.override
        assert (recipe.publish.regions, recipe.publish.keep) == (("eu-west-1",), 3)
        assert recipe.publish.share == ("account:123456789012",)
        assert recipe.publish.ssm == "/layers/{name}/{runtime}/{arch}"
    assert part["alpha"].publish.name == "team-{runtime}-alpha"
    assert [allow.check for allow in part["beta"].allow] == ["secret", "license"]
    assert [allow.check for allow in part["alpha"].allow] == ["license"]


def test_a_test_stays_in_the_layer_that_has_all_it_needs(big: Path) -> None:
    texts = written(big)
    part = {name: recipes.load(big / "recipes", name).recipe for name in texts}
    assert [test.python for test in part["big-delta"].test] == ["import delta\nassert delta.version"]
    assert part["big-delta"].test[0].timeout == 20
    assert [test.files for test in part["big-alpha"].test] == [("python/alpha/__init__.py",)]
    assert [test.files for test in part["big-beta"].test] == [("python/gamma/__init__.py",)]
    assert part["big-base"].test == ()
    loaded = recipes.load(big / "recipes", "big")
    assert untested(loaded, split(loaded, targets(loaded.recipe)[0])) == [1, 4]


def test_a_layer_is_for_the_targets_that_have_its_packages(big: Path) -> None:
    text = WHOLE.replace('"delta"', "\"delta; python_version == '3.13'\"").replace('bundle = "off"', "license = false")
    write_recipe(big, "big", text)
    written(big)
    delta = recipes.load(big / "recipes", "big-delta").recipe
    assert delta.targets.runtimes == ("python3.13",)
    assert delta.override == ()
    assert recipes.load(big / "recipes", "big-base").recipe.targets.runtimes == ("python3.11", "python3.13")


def test_a_layer_with_a_gap_in_its_targets_is_refused(big: Path) -> None:
    marker = "python_version == '3.11' or platform_machine == 'x86_64'"
    write_recipe(big, "big", WHOLE.replace('"delta"', f'"delta; {marker}"'))
    refused = layerwright("split", "big", "--anyway", "--write", cwd=big)
    assert (refused.code, "would have no package for big-2.0-python3.13-arm64" in refused.err) == (2, True)
    assert recipes.names(big / "recipes") == ["big"]


def test_packages_of_another_layer_stay_out_of_all_parts(big: Path) -> None:
    write_recipe(big, "big", WHOLE.replace("uses         = ", 'without = ["common"]\nuses = '))
    texts = written(big)
    assert list(texts) == ["big-alpha", "big-beta", "big-delta"]
    assert 'without      = ["common"]' in texts["big-alpha"]
    together: dict[str, str] = {}
    for name in texts:
        together |= packages(big, name)["python3.13", "arm64"]
    assert together == packages(big, "big")["python3.13", "arm64"]


def test_what_is_compiled_on_purpose_still_is(big: Path) -> None:
    loaded = recipes.load(big / "recipes", "big")
    target = targets(loaded.recipe)[-1]
    owned = [split(loaded, target).contents[target][name] for name in ("common", "gamma")]
    step = Pip(uses="pip", requirements=("gamma>=3", "beta"), wheels="never")
    assert ECOSYSTEM.divider.divided(step, owned, ["beta"], target) == [
        {"uses": "pip", "requirements": ["gamma==3.0"], "wheels": "never", "without": ["beta"]},
        {"uses": "pip", "requirements": ["common==1.5"]},
    ]


def test_no_folder_of_a_recipe_is_overwritten(big: Path) -> None:
    notes = big / "recipes" / "big-delta" / "notes.txt"
    notes.parent.mkdir()
    notes.write_text("mine")
    refused = layerwright("split", "big", "--anyway", "--write", cwd=big)
    assert (refused.code, "are there already" in refused.err, "big-delta" in refused.err) == (2, True, True)
    assert recipes.names(big / "recipes") == ["big"]
    assert list(notes.parent.iterdir()) == [notes]
