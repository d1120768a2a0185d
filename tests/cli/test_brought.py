"""The recipes that layerwright brings: built in any folder, listed, and copied as one's own."""

import shutil
from pathlib import Path

import pytest
from kit.commands import ROOT, layerwright

from builder.base.files import sha256

READY = ROOT / "recipes"


def test_a_recipe_of_the_catalogue_is_built_in_any_folder(tmp_path: Path) -> None:
    result = layerwright("build", "bash-runtime", cwd=tmp_path)
    assert result.code == 0, result.err
    assert "from the catalogue: bash-runtime 1.0.0" in result.err
    (made,) = (tmp_path / "dist").glob("*.zip")
    own = layerwright("build", "bash-runtime", "--output", tmp_path / "own", cwd=ROOT)
    assert "from the catalogue" not in own.err
    assert sha256(made) == sha256(tmp_path / "own" / made.name)


def test_a_recipe_of_the_folder_comes_before_one_of_the_catalogue(tmp_path: Path) -> None:
    shutil.copytree(READY / "bash-runtime", tmp_path / "recipes/bash-runtime")
    path = tmp_path / "recipes/bash-runtime/recipe.toml"
    path.write_text(path.read_text(encoding="utf-8").replace('"1.0.0"', '"7.0.0"'), encoding="utf-8")
    result = layerwright("build", "bash-runtime", cwd=tmp_path)
    assert result.code == 0, result.err
    assert "catalogue" not in result.err
    assert [each.name for each in (tmp_path / "dist").glob("*.zip")] == ["bash-runtime-7.0.0.zip"]
    assert layerwright("plan", "exec-wrapper", cwd=tmp_path).code == 0


def test_the_catalogue_is_listed(tmp_path: Path) -> None:
    result = layerwright("list", "--catalogue", cwd=tmp_path)
    assert result.code == 0
    assert [name for name in ("numpy", "ffmpeg", "bash-runtime") if name not in result.out] == []
    empty = layerwright("list", cwd=tmp_path)
    assert empty.code == 2
    assert "`layerwright list --catalogue` shows recipes that are ready to build" in empty.err


@pytest.mark.parametrize("source", ["bash-runtime", "ffmpeg", "bcrypt", "powertools-java"])
def test_a_copy_differs_in_its_name_alone(tmp_path: Path, source: str) -> None:
    result = layerwright("new", "mine", "--from", source, cwd=tmp_path)
    assert result.code == 0, result.err
    copied, original = tmp_path / "recipes/mine", READY / source
    files = sorted(path.relative_to(original) for path in original.rglob("*") if path.is_file())
    assert sorted(path.relative_to(copied) for path in copied.rglob("*") if path.is_file()) == files
    for file in files:
        text = (original / file).read_bytes()
        named = text.replace(f'= "{source}"'.encode(), b'= "mine"', 1) if file.name == "recipe.toml" else text
        assert (copied / file).read_bytes() == named
    assert layerwright("lint", cwd=tmp_path).code == 0
    again = layerwright("new", "mine", "--from", source, cwd=tmp_path)
    assert again.code == 2
    assert "exists already" in again.err


def test_steps_of_the_catalogue_do_not_depend_on_the_name() -> None:
    """A copy has another one."""
    assert [path.parent.name for path in READY.glob("*/recipe.toml") if "{name}" in path.read_text("utf-8")] == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("new", "mine", "--from", "nunpy"), "did you mean `numpy`?"),
        (("new", "../mine", "--from", "numpy"), "is not a valid name"),
        (("new", "mine", "--from", "numpy", "--arch", "arm64"), "are mutually exclusive"),
        (("build", "nunpy"), "did you mean `numpy`?"),
        (("lock", "numpy"), "`layerwright new numpy --from numpy` makes a copy of your own"),
        (("lint", "numpy"), "`layerwright new numpy --from numpy` makes a copy of your own"),
    ],
)
def test_what_is_not_possible_says_what_is(tmp_path: Path, arguments: tuple[str, ...], told: str) -> None:
    result = layerwright(*arguments, cwd=tmp_path)
    assert result.code == 2
    assert told in result.err
    assert not any(tmp_path.iterdir())
