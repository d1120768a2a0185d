"""`lock --check`: what would be written, told and not written."""

from pathlib import Path

import pytest
from kit.commands import layerwright, pip_recipe, write_recipe
from kit.wheels import Index, make_wheel


@pytest.fixture
def project(tmp_path: Path, index: Index) -> Path:
    for version in ("1.0", "2.0"):
        make_wheel(index.folder, "dep", version)
    write_recipe(tmp_path, "mine", pip_recipe("mine", "dep<2"))
    return tmp_path


def test_a_lock_that_fits_is_accepted_and_stays(project: Path) -> None:
    assert layerwright("lock", "mine", cwd=project).code == 0
    path = project / "recipes/mine/requirements.lock"
    before = path.read_bytes()
    result = layerwright("lock", "--all", "--check", cwd=project)
    assert result.code == 0, result.err
    assert "1 recipe with locks that fit" in result.err
    assert layerwright("lock", "--check", cwd=project).err == result.err, "no name means all where nothing is written"
    assert "no recipe is named" in layerwright("lock", cwd=project).err
    path.write_bytes(before.replace(b"\n", b"\r\n"))  # as Git writes it on Windows
    assert layerwright("lock", "mine", "--check", cwd=project).code == 0


def test_a_lock_that_is_missing_or_stale_is_told_with_what_would_change(project: Path) -> None:
    missing = layerwright("lock", "mine", "--check", cwd=project)
    assert missing.code == 2
    assert "locks are missing or do not fit their recipes: mine" in missing.err
    assert "dep (new) -> 1.0" in missing.err
    path = project / "recipes/mine/requirements.lock"
    assert not path.exists()
    assert layerwright("lock", "mine", cwd=project).code == 0
    before = path.read_bytes()
    write_recipe(project, "mine", pip_recipe("mine", "dep>=2"))
    stale = layerwright("lock", "mine", "--check", cwd=project)
    assert stale.code == 2
    assert "dep 1.0 -> 2.0" in stale.err
    assert "`layerwright lock mine` writes them" in stale.err
    assert path.read_bytes() == before


def test_all_are_those_with_packages(project: Path) -> None:
    assert layerwright("new", "script", "--from", "exec-wrapper", cwd=project).code == 0
    for arguments in (("--all",), ("--all", "--check"), ("--check",)):
        result = layerwright("lock", *arguments, cwd=project)
        assert result.code == 0, result.err
        assert "script" not in result.err
    assert "script has no packages to lock" in layerwright("lock", "script", cwd=project).err


def test_checking_and_upgrading_exclude_each_other(project: Path) -> None:
    result = layerwright("lock", "mine", "--check", "--upgrade", cwd=project)
    assert result.code == 2
    assert "--check and --upgrade are mutually exclusive" in result.err


def test_what_was_locked_is_a_document(project: Path) -> None:
    first = layerwright("lock", "mine", "--json", cwd=project).json["recipes"]["mine"]
    assert [(row["path"], row["packages"]) for row in first] == [("recipes/mine/requirements.lock", 1)]
    assert first[0]["changes"][0]["old"] is None
    assert layerwright("lock", "mine", "--json", cwd=project).json["recipes"]["mine"][0]["changes"] == []
