"""Gems with files that a file system that ignores case cannot hold beside each other: no such file is written."""

from pathlib import Path
from zipfile import ZipFile

import pytest
from kit import folding, gems
from kit.commands import layerwright, recipe_head, write_recipe

from builder.base.files import sha256

FILES = {
    "lib/mine.rb": b"MINE = 1\n",
    "lib/Mine.rb": b"MINE = 2\n",
    "lib/aux.rb": b"",
    "README.md": b"1",
    "readme.md": b"2",
}
RECIPE = (
    recipe_head("mine", ("ruby3.4",), ("arm64",), "1.0")
    + """
[[step]]
uses = "gem"
gems = ["mine@1.0"]
"""
)


def test_a_gem_has_all_its_files(gem_index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gems.pack(gem_index / "gems", "mine", files=FILES)
    gems.write_index(gem_index)
    made = []
    for name in ("linux", "mac"):
        if name == "mac":
            folding.fold(monkeypatch)
        monkeypatch.setenv("LAYERWRIGHT_CACHE", str(tmp_path / name / "cache"))
        write_recipe(tmp_path / name, "mine", RECIPE)
        result = layerwright("build", "mine", "--no-test", cwd=tmp_path / name)
        assert result.code == 0, result.err
        (path,) = (tmp_path / name / "dist").glob("*.zip")
        names = set(ZipFile(path).namelist())
        assert {f"ruby/gems/3.4.0/gems/mine-1.0/{file}" for file in FILES} <= names
        made.append(sha256(path))
    assert made[0] == made[1]
