"""Local packages that gained or changed a dependency after their project was locked."""

import json
import subprocess
from pathlib import Path

import pytest
from kit.commands import Result, layerwright
from kit.wheels import Index, make_wheel
from uv import find_uv_bin

from builder.base.files import sha256
from builder.packages.pypi import project_files
from builder.packages.pypi.locks import pipenv, poetry

LIB = """\
[project]
name = "orders-lib"
version = "1"
dependencies = ["tiny-codec>=1", "tiny-windows ; sys_platform == 'win32'"{more}]
[project.optional-dependencies]
fast = ["tiny-speed"]
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
"""


def of_uv(folder: Path, _: str) -> str:
    table = '[project]\nname = "api"\nversion = "1"\nrequires-python = ">=3.9"\ndependencies = ["orders-lib"]\n'
    sources = '[tool.uv.sources]\norders-lib = { path = "../lib" }\n'
    overrides = '[tool.uv]\noverride-dependencies = ["tiny-over==1.0"]\nexclude-dependencies = ["tiny-never"]\n'
    (folder / "pyproject.toml").write_text(f"{table}{overrides}{sources}", encoding="utf-8")
    subprocess.run([find_uv_bin(), "lock", "--no-python-downloads"], cwd=folder, check=True, capture_output=True)
    return "uv lock"


def of_poetry(folder: Path, digest: str) -> str:
    path = folder / "pyproject.toml"
    table = '[tool.poetry]\nname = "api"\nversion = "1"\n[tool.poetry.dependencies]\norders-lib = { path = "../lib" }\n'
    path.write_text(table, encoding="utf-8")
    (content_hash, *_) = poetry.content_hashes(project_files.raw(path))
    rows = (
        '[[package]]\nname = "orders-lib"\nversion = "1"\ngroups = ["main"]\nfiles = []\n'
        '[package.dependencies]\ntiny-codec = ">=1"\n[package.source]\ntype = "directory"\nurl = "../lib"\n'
        '[[package]]\nname = "tiny-codec"\nversion = "1.0"\ngroups = ["main"]\n'
        f'files = [{{ hash = "sha256:{digest}" }}]\n'
        f'[metadata]\nlock-version = "2.1"\ncontent-hash = "{content_hash}"\n'
    )
    (folder / "poetry.lock").write_text(rows, encoding="utf-8")
    return "poetry lock"


def of_pipenv(folder: Path, digest: str) -> str:
    place = {"path": "../lib", "editable": True}
    (folder / "Pipfile").write_text('[packages]\norders-lib = { path = "../lib", editable = true }\n', encoding="utf-8")
    sources = [{"name": "pypi", "url": "https://pypi.org/simple", "verify_ssl": True}]
    content_hash = pipenv.content_hash({"packages": {"orders-lib": place}}, sources)
    meta = {"hash": {"sha256": content_hash}, "pipfile-spec": 6, "requires": {}, "sources": sources}
    default = {"orders-lib": place, "tiny-codec": {"version": "==1.0", "hashes": [f"sha256:{digest}"]}}
    (folder / "Pipfile.lock").write_text(json.dumps({"_meta": meta, "default": default, "develop": {}}))
    return "pipenv lock"


@pytest.fixture
def lib(tmp_path: Path, index: Index) -> Path:
    """Write a local package and the packages of an index."""
    for name in ("tiny_codec", "tiny_speed", "tiny_more", "tiny_over", "tiny_never", "tiny_windows"):
        make_wheel(index.folder, name, "1.0")
    (tmp_path / "project" / "api").mkdir(parents=True)
    (tmp_path / "project" / ".git").mkdir()
    path = tmp_path / "project" / "lib" / "pyproject.toml"
    (path.parent / "orders_lib").mkdir(parents=True)
    (path.parent / "orders_lib" / "__init__.py").touch()
    path.write_text(LIB.format(more=""), encoding="utf-8")
    return path


def build(folder: Path) -> Result:
    return layerwright("build", ".", "--runtime", "python3.13", "--arch", "arm64", "--no-test", cwd=folder)


@pytest.mark.parametrize("tool", [of_uv, of_poetry, of_pipenv])
@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("win32'\"", 'win32\'", "tiny-more"', "orders-lib needs `tiny-more`"),
        ("codec>=1", "codec>=2", "orders-lib needs `tiny-codec>=2`, and the lock has 1.0"),
        ('"tiny-codec>=1"', '"tiny-codec>=1", "orders-lib[fast]"', "orders-lib needs `tiny-speed`"),
    ],
)
def test_a_local_package_that_changed_after_locking_is_told(  # noqa: PLR0917
    tool: object, before: str, after: str, told: str, lib: Path, index: Index
) -> None:
    assert callable(tool)
    folder = lib.parent.parent / "api"
    command = tool(folder, sha256(index.folder / "tiny_codec-1.0-py3-none-any.whl"))
    fresh = build(folder)
    assert fresh.code == 0, fresh.err
    text = lib.read_text(encoding="utf-8")
    assert before in text
    lib.write_text(text.replace(before, after), encoding="utf-8")
    result = build(folder)
    assert result.code == 2, result.err
    assert "is older than the local packages, which need something else" in result.err
    assert told in result.err
    assert f"`{command}` brings it up to date" in result.err


def test_what_uv_overrides_and_leaves_out_is_not_missing(lib: Path) -> None:
    lib.write_text(LIB.format(more=', "tiny-over>=5", "tiny-never"'), encoding="utf-8")
    folder = lib.parent.parent / "api"
    of_uv(folder, "")
    result = build(folder)
    assert result.code == 0, result.err
