"""`layerwright new --source --try` with the real engine: what the first build lacks is added, and the second works."""

import zipfile
from pathlib import Path

import pytest
from kit import upstream
from kit.commands import layerwright

from builder.engine.client import Engine
from builder.model import recipes
from builder.model.steps import Packages


@pytest.mark.usefixtures("engine")
def test_headers_that_the_first_build_lacks_are_added_and_the_program_starts(tmp_path: Path, engine: Engine) -> None:
    files = {"Makefile": upstream.MAKEFILE, "greet.c": upstream.GREET}
    upstream.pack(tmp_path / "served" / "greet-1.2.tar.gz", files)
    asked = ("--arch", engine.architecture.name, "--runtime", "python3.13", "--try")
    with upstream.serve(tmp_path / "served") as address:
        made = layerwright("new", "greet", "--source", f"{address}/greet-1.2.tar.gz", *asked, cwd=tmp_path)
        assert made.code == 0, made.err
        assert "build 1 lacked libyaml-devel: added to the recipe" in made.err
        assert f"built and tested greet-1.2-{engine.architecture.name}, build 2 of at most 5" in made.out + made.err
        packages = recipes.load(tmp_path / "recipes", "greet").recipe.step[0]
        assert isinstance(packages, Packages)
        assert packages.install == ("libyaml-devel",)
        built = layerwright("build", "greet", "--no-test", cwd=tmp_path, env={"PATH": str(tmp_path)})
        assert built.code == 0, built.err  # what was compiled stays in the cache: no engine is needed


@pytest.mark.usefixtures("engine")
def test_a_build_that_no_package_helps_keeps_the_recipe_and_says_why(tmp_path: Path, engine: Engine) -> None:
    files = {"Makefile": upstream.MAKEFILE, "greet.c": "#error never\n"}
    upstream.pack(tmp_path / "served" / "greet-1.3.tar.gz", files)
    asked = ("--arch", engine.architecture.name, "--runtime", "python3.13", "--try")
    with upstream.serve(tmp_path / "served") as address:
        made = layerwright("new", "greet", "--source", f"{address}/greet-1.3.tar.gz", *asked, cwd=tmp_path)
    assert made.code == 4
    assert "#error never" in made.err
    assert "the recipe is recipes/greet/recipe.toml" in made.err
    assert (tmp_path / "recipes/greet/recipe.toml").is_file()


@pytest.mark.usefixtures("engine")
def test_a_library_of_cmake_and_programs_of_the_system_are_built_and_tested(tmp_path: Path, engine: Engine) -> None:
    upstream.pack(tmp_path / "served" / "seven-2.1.tar.gz", upstream.LIBRARY)
    asked = ("--arch", engine.architecture.name, "--runtime", "python3.13", "--try")
    with upstream.serve(tmp_path / "served") as address:
        made = layerwright("new", "seven", "--source", f"{address}/seven-2.1.tar.gz", *asked, cwd=tmp_path)
    assert made.code == 0, made.err
    assert "build 1 of at most 5" in made.out + made.err
    made = layerwright("new", "tools", "--packages", "zip", *asked, cwd=tmp_path)
    assert made.code == 0, made.err
    assert layerwright("build", "--all", "--no-test", cwd=tmp_path).code == 0
    assert names(tmp_path, "seven-2.1") >= {"lib/libseven.so"}
    assert names(tmp_path, "seven-2.1").isdisjoint({"include/seven.h"})
    assert names(tmp_path, "tools-1") >= {"bin/zip"}


def names(folder: Path, layer: str) -> set[str]:
    (path,) = folder.glob(f"dist/{layer}-*.zip")
    with zipfile.ZipFile(path) as archive:
        return set(archive.namelist())
