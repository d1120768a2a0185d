"""Packages that were installed before are not installed again, and never at the cost of a right zip."""

import hashlib
import json
import os
import shutil
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import deflate
import pytest
from kit import zips
from kit.commands import layerwright, pip_recipe, write_recipe
from kit.wheels import Index, make_wheel

from builder.base import cache_paths
from builder.building import remembered
from builder.layer import packing
from builder.layer.hashed import Hashed
from builder.layer.store import Store
from builder.layer.tree import Tree, of
from builder.model import recipes
from builder.model.target import targets
from builder.packages.pypi import install, resolution
from builder.plan.container import TREE
from builder.plan.planning import plan

PATH = Path("dist") / "a-1.0-python3.13-arm64.zip"
DATA = b"".join(hashlib.sha256(str(number).encode()).digest() for number in range(40))


@pytest.fixture
def work(tmp_path: Path, index: Index, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder with one recipe, whose package has a script and a file that is pruned; caches are empty."""
    monkeypatch.setenv("LAYERWRIGHT_CACHE", str(tmp_path / "cache"))
    content = {"a/tests/data.bin": DATA, "a/main.py": b"import a.tests\n" * 400, "a/text.txt": "größe".encode()}
    make_wheel(index.folder, "a", "1.0", files=content, scripts=("tool",))
    folder = tmp_path / "work"
    write_recipe(folder, "a", pip_recipe("a", "a=={version}") + '\n[slim]\nprune = ["python/**/tests/"]\n')
    return folder


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Count the installations."""
    told: list[str] = []

    def counting(*arguments: Any) -> None:
        told.append("uv")
        install.install(*arguments)

    monkeypatch.setattr(resolution, "install", counting)
    return told


def build(work: Path) -> bytes:
    shutil.rmtree(work / "dist", ignore_errors=True)
    result = layerwright("build", "a", "--arch", "arm64", "--runtime", "python3.13", "--no-test", cwd=work)
    assert result.code == 0, result.err
    return (work / PATH).read_bytes()


def change(statement: str, *values: object) -> int:
    """Change the store; return how many of its entries that met."""
    database = sqlite3.connect(cache_paths.folder("derived") / "young.sqlite")
    with database:
        met = database.execute(statement, values).rowcount
    database.close()
    return met


def lists() -> list[tuple[bytes, list[list[object]]]]:
    """Return the lists of files in the store, with their keys."""
    database = sqlite3.connect(cache_paths.folder("derived") / "young.sqlite")
    rows = database.execute("SELECT key, data FROM derived").fetchall()
    database.close()
    return [(key, json.loads(data)) for key, data in rows if data.startswith(b'[["python/')]


def test_the_second_time_nothing_is_installed(work: Path, counted: list[str]) -> None:
    first = build(work)
    assert counted == ["uv"]
    assert build(work) == first
    assert counted == ["uv"]


def test_bytes_that_the_store_lost_are_installed(work: Path, counted: list[str]) -> None:
    first = build(work)
    [(key, _)] = lists()
    assert change("DELETE FROM derived WHERE key != ?", key) > 3
    assert build(work) == first
    assert counted == ["uv", "uv"]


def test_damage_in_the_store_is_made_good(work: Path) -> None:
    first = build(work)
    assert change("UPDATE derived SET data = zeroblob(length(data))") > 3
    assert build(work) == first


def test_another_choice_of_files_brings_those_that_no_zip_had(work: Path, counted: list[str]) -> None:
    build(work)
    recipe = work / "recipes" / "a" / "recipe.toml"
    recipe.write_text(recipe.read_text(encoding="utf-8").partition("[slim]")[0], encoding="utf-8")
    build(work)
    with zipfile.ZipFile(work / PATH) as archive:
        assert archive.read("python/a/tests/data.bin") == DATA
    assert counted == ["uv", "uv"]


def test_a_damaged_cache_of_uv_does_not_reach_the_zip(work: Path) -> None:
    first = build(work)
    damaged = [path for path in Path(os.environ["UV_CACHE_DIR"]).rglob("main.py") if path.parent.name == "a"]
    for path in damaged:
        path.write_bytes(b"raise SystemExit")
    assert damaged
    assert build(work) == first


@pytest.mark.parametrize(
    "spoil",
    [
        lambda rows: rows[0].append(1),
        lambda rows: rows[0].__setitem__(0, "../../etc/passwd"),
        lambda rows: rows[0].__setitem__(1, 0o4755),
        lambda rows: rows[0].__setitem__(2, "many"),
        lambda rows: rows[0].__setitem__(3, "ab"),
        lambda rows: rows[0].__setitem__(4, 7),
    ],
)
def test_a_list_that_layerwright_never_writes_is_no_list(
    work: Path, counted: list[str], spoil: Callable[[list[list[object]]], None]
) -> None:
    first = build(work)
    [(key, rows)] = lists()
    spoil(rows)
    data = json.dumps(rows).encode()
    assert change("UPDATE derived SET data = ?, crc = ? WHERE key = ?", data, deflate.crc32(data), key) == 1
    assert build(work) == first
    assert counted == ["uv", "uv"]


def test_a_list_that_does_not_hold_is_made_again(work: Path, counted: list[str]) -> None:
    first = build(work)
    [(key, rows)] = lists()
    row = next(row for row in rows if row[0] == "python/a/main.py")
    row[3] = "ab" * 32
    data = json.dumps(rows).encode()
    assert change("UPDATE derived SET data = ?, crc = ? WHERE key = ?", data, deflate.crc32(data), key) == 1
    assert build(work) == first
    assert counted == ["uv", "uv"]
    assert build(work) == first
    assert counted == ["uv", "uv"]


def test_a_file_that_is_no_longer_installed_is_no_part(work: Path) -> None:
    first = build(work)
    [(key, rows)] = lists()
    data = json.dumps([*rows, ["python/a/zzz.py", 0o644, 3, "ab" * 32, None]]).encode()
    assert change("UPDATE derived SET data = ?, crc = ? WHERE key = ?", data, deflate.crc32(data), key) == 1
    assert build(work) == first


def test_what_decides_on_an_installation_decides_on_what_is_remembered(
    work: Path, counted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    build(work)
    monkeypatch.setattr("builder.building.remembered.__version__", "99")
    build(work)
    assert counted == ["uv", "uv"]


@pytest.mark.parametrize(
    ("before", "now", "installed"),
    [
        ({"wheel-a": "0" * 64}, {"wheel-a": "0" * 64}, 1),
        ({"wheel-a": "0" * 64}, {"wheel-a": "1" * 64}, 2),
        ({"wheel-a": "0" * 64}, {}, 2),
        ({TREE: "0" * 64}, {TREE: "0" * 64}, 2),
    ],
    ids=["the same", "compiled anew", "no longer compiled", "files of a script"],
)
def test_what_was_compiled_decides_on_an_installation(
    work: Path, tmp_path: Path, before: dict[str, str], now: dict[str, str], installed: int
) -> None:
    told: list[str] = []
    loaded = recipes.load(work / "recipes", "a")
    planned = plan(loaded, targets(loaded.recipe)[0])

    def install() -> Tree:
        told.append("installed")
        return of([zips.entry("python/a.py", b"a = 1\n")])

    with Store(tmp_path / "store") as store:
        first = remembered.packages(planned, before, store, install)
        packing.keep([entry.content for entry in first if isinstance(entry.content, Hashed)], store)
        second = remembered.packages(planned, now, store, install)
        assert [entry.content.read() for entry in second] == [b"a = 1\n"]
    assert len(told) == installed
