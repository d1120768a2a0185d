"""Local packages of Node.js: in the layer as files, by the hash of their content, or refused."""

import base64
import hashlib
import json
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from kit.commands import layerwright, recipe_head
from kit.npm import package

from builder.packages.npm import layout, local
from builder.packages.npm.locks import npm_lock
from builder.packages.npm.project import NodeProject

RECIPE = (
    recipe_head("some", ("nodejs22.x",), ("arm64",))
    + """
[[step]]
uses = "npm"
file = "package.json"
"""
)
Files = Mapping[str, Any]
"""Texts, or what is written as JSON."""
CORE = {"name": "@shop/core", "version": "1.2.0"}


@pytest.fixture
def npm(program: Callable[[str], str], npm_registry: Path) -> Path:
    program("npm")
    package(npm_registry, "ms")
    return npm_registry


def write(folder: Path, files: Files) -> None:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / path).write_text(text, encoding="utf-8")


def project(root: Path, files: Files, *, locked: bool = True) -> Path:
    """Write a recipe with a project around its package.json, locked by npm."""
    (root / ".git").mkdir()
    folder = root / "recipes" / "some"
    write(folder, {"recipe.toml": RECIPE, **files})
    if locked:
        lock(folder)
    return folder


def lock(folder: Path) -> None:
    command = ["npm", "install", "--package-lock-only", "--ignore-scripts", "--no-audit"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def built(root: Path) -> list[str]:
    result = layerwright("build", "some", "--no-test", cwd=root)
    assert result.code == 0, result.err
    (path,) = (root / "dist").glob("*.zip")
    return [name.removeprefix("nodejs/node_modules/") for name in ZipFile(path).namelist()]


def refused(root: Path, *words: str) -> str:
    result = layerwright("build", "some", cwd=root)
    assert result.code in {2, 4}, result.err
    assert "hint:" in result.err
    assert all(word in result.err for word in words), result.err
    assert {path.name for path in (root / "dist").glob("*")} <= {".gitignore"}
    return result.err


def test_a_folder_is_in_the_layer_as_files_with_its_dependencies(npm: Path, tmp_path: Path) -> None:
    package(npm, "left")
    project(
        tmp_path,
        {
            "package.json": {"name": "service", "dependencies": {"@shop/core": "file:core", "ms": "1.0.0"}},
            "core/package.json": {**CORE, "dependencies": {"left": "1.0.0", "@shop/lib": "file:../lib"}},
            "core/index.js": "module.exports = require('left');",
            "core/.npmignore": "secret.txt",
            "core/secret.txt": "x",
            "core/node_modules/old/index.js": "x",
            "lib/package.json": {"name": "@shop/lib"},
            "lib/index.js": "",
        },
    )
    names = set(built(tmp_path))
    assert {"@shop/core/index.js", "@shop/core/package.json", "@shop/lib/index.js", "left/index.js"} <= names
    assert not [name for name in names if "secret" in name or "old" in name]
    (manifest,) = (path for path in (tmp_path / "dist").glob("*.json") if not path.name.endswith(".cdx.json"))
    rows = {row["name"]: row for row in json.loads(manifest.read_text())["packages"]}
    assert rows["@shop/core"]["route"] == "local"
    assert len(rows["@shop/core"]["sha256"]) == 64
    assert rows["@shop/core"]["local"] == "core"
    assert rows["@shop/lib"]["version"] == "0.0.0"


def test_a_change_in_a_local_package_is_another_layer(npm: Path, tmp_path: Path) -> None:  # noqa: ARG001
    files = {
        "package.json": {"name": "service", "dependencies": {"@shop/core": "file:core"}},
        "core/package.json": CORE,
        "core/index.js": "1",
    }
    folder = project(tmp_path, files)
    built(tmp_path)
    assert "unchanged" in layerwright("build", "some", "--no-test", cwd=tmp_path).out
    (folder / "core" / "index.js").write_text("2", encoding="utf-8")
    assert "unchanged" not in layerwright("build", "some", "--no-test", cwd=tmp_path).out


def test_a_workspace_is_built_from_its_root(npm: Path, tmp_path: Path) -> None:  # noqa: ARG001
    project(
        tmp_path,
        {
            "package.json": {"name": "mono", "private": True, "workspaces": ["packages/*"]},
            "packages/core/package.json": CORE,
            "packages/core/index.js": "",
            "packages/service/package.json": {
                "name": "service",
                "version": "1.0.0",
                "dependencies": {"@shop/core": "*", "ms": "1.0.0"},
            },
        },
    )
    assert {"@shop/core/index.js", "ms/index.js", "service/package.json"} <= {*built(tmp_path)}


def test_a_tarball_is_taken_by_the_hash_of_the_lock(npm: Path, tmp_path: Path) -> None:
    folder = tmp_path / "recipes" / "some" / "vendor"
    folder.mkdir(parents=True)
    shutil.move(package(npm, "packed"), folder / "packed.tgz")
    project(tmp_path, {"package.json": {"name": "service", "dependencies": {"packed": "file:vendor/packed.tgz"}}})
    assert "packed/index.js" in built(tmp_path)
    shutil.rmtree(tmp_path / "dist")
    package(folder, "packed", files={"more.js": "x"})
    refused(tmp_path, "vendor/packed.tgz is not the file that the lock names for packed")
    (folder / "packed.tgz").unlink()
    refused(tmp_path, "vendor/packed.tgz is not there")


def test_other_versions_of_a_dependency_lie_below_the_local_package(tmp_path: Path) -> None:
    rows = {
        "": {"dependencies": {"core": "file:core", "ms": "2"}},
        "core": {"version": "1.0.0", "dependencies": {"ms": "1"}},
        "core/node_modules/ms": {"version": "1.0.0", "integrity": "sha512-aaaa"},
        "node_modules/core": {"link": True, "resolved": "core"},
        "node_modules/ms": {"version": "2.0.0", "integrity": "sha512-aaaa"},
    }
    lock = tmp_path / "package-lock.json"
    node = NodeProject(manifest=tmp_path / "package.json", lock=lock, repository=tmp_path)
    read = npm_lock.graph(json.dumps({"lockfileVersion": 3, "packages": rows}), node)
    placed = {path: node.version for path, node in layout.placed(read).items()}
    assert placed["node_modules/core/node_modules/ms"] == "1.0.0"
    assert placed["node_modules/ms"] == "2.0.0"


def test_the_scripts_of_a_local_package_never_run_on_the_host(npm: Path, tmp_path: Path) -> None:  # noqa: ARG001
    ran = tmp_path / "ran"
    hooks = ("preinstall", "install", "postinstall", "prepare", "prepack", "prepublish")
    project(
        tmp_path,
        {
            "package.json": {"name": "service", "dependencies": {"@shop/core": "file:core"}},
            "core/package.json": {**CORE, "scripts": dict.fromkeys(hooks, f"touch {ran}")},
            "core/index.js": "",
        },
    )
    result = layerwright("build", "some", "--route", "wheels", cwd=tmp_path)
    assert result.code == 4
    assert "@shop/core has an install script" in result.err
    assert layerwright("plan", "some", cwd=tmp_path).code == 0
    assert not ran.exists()


def test_what_is_not_built_yet_is_told(npm: Path, tmp_path: Path) -> None:  # noqa: ARG001
    project(
        tmp_path,
        {
            "package.json": {"name": "service", "dependencies": {"@shop/core": "file:core"}},
            "core/package.json": {**CORE, "main": "./dist/index.js", "scripts": {"build": "tsc"}},
            "core/index.ts": "",
        },
    )
    refused(tmp_path, "has no dist/index.js, which its package.json names as `main`", "npm run build --prefix")


def test_the_digest_is_that_of_the_tarball(tmp_path: Path) -> None:
    write(tmp_path / "core", {"package.json": CORE, "lib/a.js": "x" * 20_000, "b.js": ""})
    made = local.of_folder(tmp_path / "core", "core", 7)
    made.write(tmp_path)
    data = (tmp_path / "7.tar").read_bytes()
    assert made.integrity == f"sha512-{base64.b64encode(hashlib.sha512(data).digest()).decode()}"
    with tarfile.open(tmp_path / "7.tar") as archive:
        assert archive.getnames() == ["package/b.js", "package/lib/a.js", "package/package.json"]


def test_a_folder_outside_of_the_repository_is_refused(npm: Path, tmp_path: Path) -> None:  # noqa: ARG001
    write(tmp_path / "outside", {"package.json": CORE, "index.js": ""})
    inside = tmp_path / "inside"
    inside.mkdir()
    project(inside, {"package.json": {"name": "service", "dependencies": {"@shop/core": "file:../../../outside"}}})
    refused(inside, "package-lock.json", "@shop/core is", "outside of")


def test_a_link_that_leads_out_of_the_repository_is_refused(npm: Path, tmp_path: Path) -> None:  # noqa: ARG001
    write(tmp_path / "outside", {"package.json": CORE, "index.js": ""})
    inside = tmp_path / "inside"
    inside.mkdir()
    files = {"package.json": {"name": "service", "dependencies": {"@shop/core": "file:../../libs/core"}}}
    (inside / "libs").mkdir()
    (inside / "libs" / "core").symlink_to(tmp_path / "outside")
    project(inside, files)
    refused(inside, "outside of")


def test_a_lock_that_does_not_fit_is_told_with_the_command(npm: Path, tmp_path: Path) -> None:  # noqa: ARG001
    folder = project(
        tmp_path,
        {
            "package.json": {"name": "mono", "workspaces": ["packages/*"]},
            "packages/core/package.json": CORE,
            "packages/core/index.js": "",
        },
    )
    write(
        folder,
        {"packages/core/package.json": {**CORE, "dependencies": {"ms": "1.0.0"}}, "packages/new/package.json": {}},
    )
    refused(
        tmp_path,
        "package-lock.json does not fit its package.json",
        "ms: packages/core/package.json asks for 1.0.0, the lock is for nothing",
        "packages/new is a member of the workspace that the lock does not have",
        "npm install --package-lock-only",
    )


def test_a_member_that_is_missing_and_a_lock_that_is_missing_are_told(npm: Path, tmp_path: Path) -> None:  # noqa: ARG001
    files = {
        "package.json": {"name": "service", "dependencies": {"@shop/core": "file:core"}},
        "core/package.json": CORE,
        "core/index.js": "",
    }
    folder = project(tmp_path, files, locked=False)
    refused(tmp_path, "has local packages, and there is no package-lock.json", "dependencies.@shop/core: file:core")
    lock(folder)
    shutil.rmtree(folder / "core")
    refused(tmp_path, "@shop/core is the folder core, which is not there")


def test_a_circle_of_local_packages_is_refused(npm: Path, tmp_path: Path) -> None:  # noqa: ARG001
    project(
        tmp_path,
        {
            "package.json": {"name": "service", "dependencies": {"a": "file:a"}},
            "a/package.json": {"name": "a", "version": "1.0.0", "dependencies": {"b": "file:../b"}},
            "b/package.json": {"name": "b", "version": "1.0.0", "dependencies": {"a": "file:../a"}},
        },
    )
    refused(tmp_path, "a -> b -> a")
