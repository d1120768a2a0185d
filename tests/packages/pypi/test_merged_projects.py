"""Packages of a command line: several projects in one layer."""

import zipfile
from pathlib import Path

from kit.commands import layerwright
from kit.wheels import Index, make_wheel


def write_project(folder: Path, dependencies: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    text = f'[project]\nname = "{folder.name}"\nversion = "1"\ndependencies = {dependencies}\n'
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")


def test_several_projects_make_one_layer_with_each_package_once(index: Index, tmp_path: Path) -> None:
    for name, version in (("both", "1.0"), ("both", "2.0"), ("left", "1.0"), ("right", "1.0")):
        make_wheel(index.folder, name, version)
    write_project(tmp_path / "services" / "a", '["left", "both==1.0"]')
    write_project(tmp_path / "services" / "b", '["right", "both"]')
    (tmp_path / ".git").mkdir()
    options = ("--runtime", "python3.13", "--arch", "arm64", "--no-test")
    several = layerwright("build", "services/a", "services/b", *options, cwd=tmp_path)
    assert (several.code, "--merge NAME" in several.err) == (2, True)
    merged = layerwright("build", "services/a", "services/b", "--merge", "shared-deps", *options, cwd=tmp_path)
    assert merged.code == 0, merged.err
    assert merged.err.count("Python project `") == 2
    names = zipfile.ZipFile(tmp_path / "dist" / "shared-deps-1-python3.13-arm64.zip").namelist()
    found = sorted(name.split("/")[1] for name in names if name.endswith(".dist-info/METADATA"))
    assert found == ["both-1.0.dist-info", "left-1.0.dist-info", "right-1.0.dist-info"]
    write_project(tmp_path / "services" / "b", '["both==2.0"]')
    apart = layerwright("build", "services/a", "services/b", "--merge", "shared-deps", *options, cwd=tmp_path)
    assert apart.code == 4
    assert "both==1.0 and both==2.0" in apart.err
    assert "services/a asks for both==1.0\n" in apart.err
    assert "services/b asks for both==2.0\n" in apart.err
    assert "from wheels" not in apart.err
    alone = layerwright("build", "--merge", "x", "--pip", "left", cwd=tmp_path)
    assert (alone.code, "--merge requires" in alone.err) == (2, True)
