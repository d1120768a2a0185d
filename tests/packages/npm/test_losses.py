"""Packages of Node.js with files that a file system that ignores case cannot hold beside each other."""

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from zipfile import ZipFile

import pytest
from kit import folding, npm
from kit.commands import Result, layerwright

from builder.base import host_names
from builder.base.errors import BuildError, UsageError
from builder.base.files import sha256

FILES = {"README.md": "1", "readme.md": "2", "lib/aux.js": "3", "lib/A.js": "4", "lib/a.js": "5"}
BUILD = ("build", "--runtime", "nodejs22.x", "--arch", "arm64", "--no-test")


@pytest.fixture
def registry(program: Callable[[str], str], npm_registry: Path) -> Path:
    program("npm")
    npm.package(npm_registry, "mine", files=FILES)
    return npm_registry


@pytest.fixture
def blind(monkeypatch: pytest.MonkeyPatch) -> None:
    folding.fold(monkeypatch)


def project(root: Path, dependencies: Mapping[str, str]) -> Path:
    """Write a recipe with a package.json, and return its folder."""
    (root / ".git").mkdir()
    folder = root / "recipes" / "some"
    npm.write_recipe(folder, "some", 'file = "package.json"')
    manifest = {"name": "app", "version": "1.0.0", "dependencies": dependencies}
    (folder / "package.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def told(result: Result, *lines: str) -> None:
    assert result.code == BuildError.exit_code, result.err
    assert "this system cannot hold all files of the packages" in result.err
    assert "hint: build the layer on Linux" in result.err
    for line in lines:
        assert line in result.err


@pytest.mark.usefixtures("registry", "blind")
def test_a_package_that_loses_files_on_this_host_is_refused(tmp_path: Path) -> None:
    told(
        layerwright(*BUILD, "--npm", "mine@1.0.0", cwd=tmp_path),
        "node_modules/mine/readme.md: one file with node_modules/mine/README.md, because case does not count here",
        "node_modules/mine/lib/a.js: one file with node_modules/mine/lib/A.js",
        "node_modules/mine/lib/aux.js: a part of it is a name that Windows reserves",
    )


@pytest.mark.usefixtures("registry")
def test_a_volume_of_a_mac_that_heeds_case_has_all_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    for name, ignores in (("linux", False), ("mac", True)):
        monkeypatch.setattr(host_names, "IGNORES_CASE", ignores)
        monkeypatch.setenv("LAYERWRIGHT_CACHE", str(tmp_path / name / "cache"))
        (tmp_path / name).mkdir()
        result = layerwright(*BUILD, "--npm", "mine@1.0.0", cwd=tmp_path / name)
        assert result.code == 0, result.err
        (path,) = (tmp_path / name / "dist").glob("*.zip")
        assert {f"nodejs/node_modules/mine/{file}" for file in FILES} <= set(ZipFile(path).namelist())
        made.append(sha256(path))
    assert made[0] == made[1]


def test_packages_of_one_folder_whose_names_differ_in_case_alone_are_refused(registry: Path, tmp_path: Path) -> None:
    """npm installs the last of them on every host, also by a lock. Such names are older than the rule against them."""
    npm.package(registry, "Stream")
    npm.package(registry, "stream")
    project(tmp_path, {"Stream": "1.0.0", "stream": "1.0.0"})
    result = layerwright("build", "some", "--no-test", cwd=tmp_path)
    assert result.code == UsageError.exit_code, result.err
    assert "npm installs only one of packages whose names differ in case alone" in result.err
    assert "node_modules/Stream and node_modules/stream" in result.err
    assert not list((tmp_path / "dist").glob("*.zip"))


@pytest.mark.usefixtures("blind")
def test_a_package_below_one_whose_name_differs_in_case_alone_is_there(registry: Path, tmp_path: Path) -> None:
    npm.package(registry, "Stream")
    npm.package(registry, "stream")
    npm.package(registry, "user", dependencies={"stream": "1.0.0"})
    project(tmp_path, {"Stream": "1.0.0", "user": "1.0.0"})
    result = layerwright("build", "some", "--no-test", cwd=tmp_path)
    assert result.code == 0, result.err
    names = ZipFile(next((tmp_path / "dist").glob("*.zip"))).namelist()
    assert "nodejs/node_modules/Stream/index.js" in names
    assert "nodejs/node_modules/user/node_modules/stream/index.js" in names


@pytest.mark.usefixtures("registry", "blind")
def test_a_local_package_that_loses_files_is_refused(tmp_path: Path) -> None:
    """A tarball in a repository has what no checkout on this host could have."""
    folder = project(tmp_path, {"ours": "file:ours.tgz"})
    npm.package(folder, "ours", files=FILES)
    command = ["npm", "install", "--package-lock-only", "--ignore-scripts", "--no-audit"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    told(
        layerwright("build", "some", "--no-test", cwd=tmp_path),
        "node_modules/ours/readme.md: one file with node_modules/ours/README.md",
    )
