"""Projects of programs are compiled by a recipe beside them, unless another project in the folder needs them."""

from pathlib import Path

import pytest
from kit.commands import layerwright

from builder.base.errors import UsageError
from builder.model.steps.project import ProjectChoice
from builder.packages import projects, table

CARGO = '[package]\nname = "tool"\nversion = "1.0.0"\n'


def request(folder: Path, **choice: str | bool | tuple[str, ...]) -> projects.ProjectRequest:
    return projects.requested(folder, ProjectChoice(**choice))  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "tool"
    made.mkdir()
    return made


@pytest.mark.parametrize(("file", "text", "uses"), [("Cargo.toml", CARGO, "cargo"), ("go.mod", "module tool\n", "go")])
def test_a_program_is_a_step_with_its_path(folder: Path, file: str, text: str, uses: str) -> None:
    (folder / file).write_text(text, encoding="utf-8")
    found = table.project(request(folder))
    assert found.step("tool") == {"uses": uses, "path": "tool"}
    assert found.base == folder.parent.resolve()
    assert found.language == ""
    with pytest.raises(UsageError, match="makes a program"):
        table.project(request(folder, with_project=True))
    with pytest.raises(UsageError, match="has no group"):
        table.project(request(folder, groups=("dev",)))


def test_a_crate_of_a_package_is_a_part_of_it(folder: Path) -> None:
    (folder / "Cargo.toml").write_text(CARGO, encoding="utf-8")
    pyproject = '[project]\nname = "tool"\nversion = "1"\ndependencies = ["x"]\n'
    (folder / "pyproject.toml").write_text(pyproject, encoding="utf-8")
    assert table.project(request(folder)).uses == "pip"
    assert table.project(request(folder, file="Cargo.toml")).uses == "cargo"


def test_a_program_without_its_lock_is_refused(folder: Path) -> None:
    (folder / "Cargo.toml").write_text(CARGO, encoding="utf-8")
    (folder / "src").mkdir()
    (folder / "src" / "main.rs").write_text("fn main() {}\n", encoding="utf-8")
    result = layerwright("plan", "tool", "--arch", "arm64", cwd=folder.parent)
    assert result.code == 2
    assert "Cargo.lock" in result.err
    assert "Cargo project `tool`" in layerwright("build", "tool", "--arch", "arm64", cwd=folder.parent).err
