"""Two packages that install another file at the same place."""

import json
from pathlib import Path

import pytest
from kit.commands import layerwright
from kit.wheels import Index, make_wheel

LIB = """\
[project]
name = "{name}"
version = "1"
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[tool.hatch.build.targets.wheel]
packages = ["common"]
"""


@pytest.mark.parametrize("case", ["two local packages", "one of an index", "the same content"])
def test_files_of_local_packages_that_collide_are_told(case: str, tmp_path: Path, index: Index) -> None:
    """uv installs both, and what came last would be in the layer."""
    make_wheel(index.folder, "third", "1.0", files={"common/__init__.py": b"who = 'third'\n"})
    same = case == "the same content"
    for name in ("first", "second"):
        (tmp_path / name / "common").mkdir(parents=True)
        (tmp_path / name / "pyproject.toml").write_text(LIB.format(name=name), encoding="utf-8")
        text = f"who = '{'both' if same else name}'\n"
        (tmp_path / name / "common" / "__init__.py").write_text(text, encoding="utf-8")
    others = ["first", "third"] if case == "one of an index" else ["first", "second"]
    rows = [f"{name} @ {(tmp_path / name).as_uri()}" if name != "third" else name for name in others]
    project = f'[project]\nname = "api"\nversion = "1"\ndependencies = {json.dumps(rows)}\n'
    (tmp_path / "api").mkdir()
    (tmp_path / ".git").mkdir()
    (tmp_path / "api" / "pyproject.toml").write_text(project, encoding="utf-8")
    result = layerwright("build", "api", "--runtime", "python3.13", "--arch", "arm64", "--no-test", cwd=tmp_path)
    if same:
        assert result.code == 0, result.err
        return
    assert result.code == 2, result.err
    assert f"common/__init__.py: {' and '.join(others)}" in result.err
    assert "install different files at the same place" in result.err
