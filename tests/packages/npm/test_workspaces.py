"""Workspaces without a lock: no registry is asked for a package that has the name of a member."""

import json
from pathlib import Path
from typing import Any

import pytest
from kit.commands import Result, layerwright
from kit.npm import package, write_recipe

PNPM = "pnpm install --lockfile-only"
NPM = "npm install --package-lock-only"
FORMS: dict[str, tuple[dict[str, Any], str, str]] = {
    "npm": ({"workspaces": ["packages/*"]}, "", NPM),
    "npm, as a table": ({"workspaces": {"packages": ["packages/*"]}}, "", NPM),
    "pnpm": ({}, "packages:\n  - packages/*\n", PNPM),
    "pnpm by its name": ({"workspaces": ["packages/*"], "packageManager": "pnpm@9.15.9"}, "", PNPM),
    "Yarn 1": ({"workspaces": ["packages/*"], "packageManager": "yarn@1.22.22"}, "", "yarn install --ignore-scripts"),
    "Yarn 4": (
        {"workspaces": ["packages/*"], "packageManager": "yarn@4.6.0"},
        "",
        "yarn install --mode=update-lockfile",
    ),
}


def workspace(folder: Path, form: str, needs: dict[str, str], **more: Any) -> Path:
    root, listed, _ = FORMS[form]
    files = {
        "package.json": {"name": "shop", "private": True, **root},
        "packages/a/package.json": {"name": "a", "version": "1.0.0", "dependencies": needs, **more},
        "packages/b/package.json": {"name": "b", "version": "3.0.0"},
    }
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(json.dumps(content), encoding="utf-8")
    if listed:
        (folder / "pnpm-workspace.yaml").write_text(listed, encoding="utf-8")
    (folder / ".git").mkdir()
    return folder


def build(folder: Path, *arguments: str) -> Result:
    return layerwright("build", *arguments, "--runtime", "nodejs22.x", "--no-test", cwd=folder)


@pytest.fixture
def theirs(npm_registry: Path) -> Path:
    """The registry has a package with the name of a member, and one that needs it."""
    package(npm_registry, "b")
    package(npm_registry, "other", dependencies={"b": "^1.0.0"})
    package(npm_registry, "plain")
    return npm_registry


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("spec", ["^3.0.0", "^1.0.0", "npm:b@1.0.0"])
def test_a_member_is_taken_from_no_registry(theirs: Path, tmp_path: Path, form: str, spec: str) -> None:
    """Also where the version of the member is another than what is asked for."""
    assert theirs.is_dir()
    folder = workspace(tmp_path / "shop", form, {"named" if spec.startswith("npm:") else "b": spec})
    result = build(folder, "packages/a")
    assert result.code == 2
    assert "packages/a/package.json needs members of its workspace" in result.err
    assert f"b is the folder packages/b of {folder.as_posix()}" in result.err
    assert f"`{FORMS[form][2]}` in {folder.as_posix()} writes one" in result.err
    assert not list(folder.glob("dist/*.zip"))


@pytest.mark.parametrize("form", ["npm", "pnpm"])
def test_what_a_package_needs_is_no_member_either(program: Any, theirs: Path, tmp_path: Path, form: str) -> None:
    program("npm")
    assert theirs.is_dir()
    folder = workspace(tmp_path / "shop", form, {"other": "^1.0.0"})
    result = build(folder, "packages/a")
    assert result.code == 2, result.err
    assert "b is the folder packages/b" in result.err
    assert not list(folder.glob("dist/*.zip"))


@pytest.mark.parametrize("form", FORMS)
def test_the_root_of_a_workspace_needs_its_lock(tmp_path: Path, form: str) -> None:
    folder = workspace(tmp_path / "shop", form, {})
    result = build(folder, ".")
    assert result.code == 2
    assert "no lock that says what " in result.err
    assert f"`{FORMS[form][2]}` in " in result.err


def test_other_packages_of_a_member_are_those_of_the_registry(program: Any, theirs: Path, tmp_path: Path) -> None:
    program("npm")
    assert theirs.is_dir()
    folder = workspace(tmp_path / "shop", "npm", {"plain": "^1.0.0"})
    assert build(folder, "packages/a").code == 0
    (folder / "examples").mkdir()
    (folder / "examples" / "package.json").write_text('{"name": "example", "dependencies": {"b": "1.0.0"}}')
    result = build(folder, "examples")
    assert result.code == 0, result.err  # it is no member, and npm takes the same


def test_a_recipe_of_a_member_takes_none_either(program: Any, theirs: Path, tmp_path: Path) -> None:
    program("npm")
    assert theirs.is_dir()
    folder = workspace(tmp_path / "shop", "npm", {"b": "^1.0.0"})
    write_recipe(folder / "packages" / "a", "a", 'file = "package.json"')
    for command in ("build", "lock"):
        result = layerwright(command, "a", "--recipes", "packages", cwd=folder)
        assert result.code == 2
        assert "b is the folder packages/b" in result.err
    assert not (folder / "packages" / "a" / "package-lock.json").exists()


@pytest.mark.parametrize("form", FORMS)
def test_a_project_without_a_lock_is_locked_by_its_own_tool(tmp_path: Path, form: str) -> None:
    folder = workspace(tmp_path / "shop", form, {"b": "^3.0.0"})
    write_recipe(folder / "recipes" / "one", "one", 'project = "../../packages/a"')
    result = layerwright("lock", "one", cwd=folder)
    assert result.code == 2
    assert "packages/a/package.json has no lock, and layerwright writes none" in result.err
    assert f"`{FORMS[form][2]}` in {folder.as_posix()} writes one" in result.err


def test_a_damaged_lock_of_a_recipe_is_written_anew(program: Any, theirs: Path, tmp_path: Path) -> None:
    program("npm")
    assert theirs.is_dir()
    folder = tmp_path / "recipes" / "one"
    write_recipe(folder, "one", 'packages = ["plain@1.0.0"]')
    (folder / "package-lock.json").write_text("{", encoding="utf-8")
    result = build(tmp_path, "one")
    assert result.code == 2
    assert "`layerwright lock` writes it anew" in result.err
    assert layerwright("lock", "one", cwd=tmp_path).code == 0
    assert build(tmp_path, "one").code == 0
