"""Recipes that are too large for one function."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from kit.commands import layerwright, pip_recipe, write_recipe

from builder.authoring.split import split
from builder.building.layer import Options, build
from builder.layer import interpreters
from builder.layer.versions import version_key
from builder.model import recipes
from builder.model.architectures import host_architecture
from builder.model.limits import UNZIPPED_LIMIT
from builder.model.target import targets

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


@pytest.mark.network
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
        built = build(loaded, target, Options(output=tmp_path / "dist"), lambda _: None)
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
