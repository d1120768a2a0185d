"""Wheels that need a library of the system: it comes from the packages that a recipe or the command line names."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from kit.commands import Result, layerwright, pip_recipe, write_recipe

pytestmark = [pytest.mark.usefixtures("engine"), pytest.mark.network]
WHERE = ("--runtime", "python3.13", "--arch", "x86_64")
PYODBC = "pyodbc==5.3.0"
"""Its wheels for Linux need libodbc.so.2."""
MORE = """
[[step]]
uses = "packages"
install = ["unixODBC-devel"]

[libraries]
bundle = {bundle}

[[test]]
python = "import pyodbc; assert pyodbc.version; assert pyodbc.drivers() == []"
"""


def odbc(bundle: str) -> str:
    """Return the text of a recipe with this `bundle`."""
    return pip_recipe("odbc", PYODBC, architectures=("x86_64",), more=MORE.format(bundle=bundle))


def libraries(result: Result, folder: Path) -> tuple[set[str], dict[str, Any]]:
    """Return the names in lib/ of the only zip, and its manifest."""
    assert result.code == 0, result.err
    (path,) = (folder / "dist").glob("*.zip")
    with zipfile.ZipFile(path) as archive:
        names = {name.removeprefix("lib/") for name in archive.namelist() if name.startswith("lib/")}
    return names, json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))


def test_without_a_recipe_the_packages_of_the_command_line_bring_it(tmp_path: Path) -> None:
    named = ("--pip", PYODBC, *WHERE, "--packages", "unixODBC-devel")
    there, manifest = libraries(layerwright("build", *named, "--test", cwd=tmp_path), tmp_path)
    assert there == {"libodbc.so.2", "libltdl.so.7"}
    assert {row["soname"]: row["package"] for row in manifest["libraries"]}["libodbc.so.2"] == "unixODBC"
    assert [row["name"] for row in manifest["packages"]] == ["pyodbc"]
    again = layerwright("build", *named, cwd=tmp_path)
    assert "unchanged" in again.out


@pytest.mark.parametrize("bundle", ['"auto"', '["libodbc.so.2"]'])
def test_in_a_recipe_the_packages_of_a_step_bring_it(tmp_path: Path, bundle: str) -> None:
    write_recipe(tmp_path, "odbc", odbc(bundle))
    first = layerwright("build", "odbc", "--test", cwd=tmp_path)
    there, manifest = libraries(first, tmp_path)
    assert there == {"libodbc.so.2", "libltdl.so.7"}
    assert manifest["build_image"]["digest"]
    again, kept = libraries(layerwright("build", "odbc", cwd=tmp_path), tmp_path)
    assert (again, kept) == (there, manifest)


def test_switched_off_the_check_says_what_is_lacked(tmp_path: Path) -> None:
    write_recipe(tmp_path, "odbc", odbc('"off"'))
    result = layerwright("build", "odbc", cwd=tmp_path)
    assert result.code == 5
    assert "needs `libodbc.so.2`, which neither the layer nor python3.13 on Lambda has" in result.err
    assert "takes it from what a `packages` step installs" in result.err


def test_packages_that_nothing_needs_are_told(tmp_path: Path) -> None:
    result = layerwright("build", "--pip", "orjson", *WHERE, "--packages", "no-such-package", cwd=tmp_path)
    assert result.code == 0, result.err
    assert "nothing uses `no-such-package`: nothing is compiled, and what is prebuilt lacks no library" in result.err
