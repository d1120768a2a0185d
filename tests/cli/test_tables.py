"""Tables on terminals of 80 columns and of more, and what is selected where nothing is named."""

import re
import sys
from pathlib import Path

import pytest
from kit import published
from kit.commands import layerwright, pip_recipe, write_recipe
from kit.front import Front
from kit.published import ACCOUNT
from kit.terminals import on_a_terminal
from kit.wheels import Index, make_wheel

from builder.authoring.catalogue import spans
from builder.base.files import sha256
from builder.cli import widths

LONG = "alibrarywithaveryverylongname"
TARGET = f"{LONG}-1.0-python3.13-arm64"
# A fork in a process with threads is what pytest-xdist's workers are; the child only calls execv.
FORKED = pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")


@pytest.fixture
def folder(tmp_path: Path, index: Index) -> Path:
    make_wheel(index.folder, LONG, "1.0")
    write_recipe(tmp_path, LONG, pip_recipe(LONG, f"{LONG}=={{version}}"))
    return tmp_path


def fitted(width: int, *optional: str) -> list[str]:
    columns, rows = ("name", "words", "number", "hash"), [("n" * 30, "w " * 40, "1.0", "h" * 64)]
    found, cut = widths.fitting(columns, rows, width, whole={"name", "number", "hash"}, optional=optional)
    assert all(len(row) == len(found) for row in cut)
    return list(found)


def test_columns_are_left_out_in_their_order_until_the_table_fits() -> None:
    assert fitted(30 + 24 + 6 + 64 + 6, "hash", "number") == ["name", "words", "number", "hash"]
    assert fitted(30 + 24 + 6 + 64 + 5, "hash", "number") == ["name", "words", "number"]
    assert fitted(60, "hash", "number") == ["name", "words"]
    assert fitted(10, "hash") == ["name", "words", "number"], "what is not optional stays"


def test_runtimes_of_one_language_stand_together() -> None:
    assert spans(["python3.11", "python3.12", "python3.13", "nodejs22.x", "nodejs24.x"]) == (
        "python3.11 to 3.13, nodejs22.x 24.x"
    )
    assert spans(["provided.al2023", "java8.al2", "custom-a1"]) == "provided.al2023, java8.al2, custom-a1"
    assert spans(["provided.al2", "provided.al2023"]) == "provided.al2, provided.al2023"


@FORKED
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pty module")
def test_a_narrow_terminal_shows_targets_whole_and_a_wide_one_hashes(folder: Path) -> None:
    on_a_terminal(["build", "--all"], folder)
    shown = {width: on_a_terminal(["build", "--all"], folder, env={"COLUMNS": str(width)}).plain for width in (80, 200)}
    digest = sha256(folder / "dist" / f"{TARGET}.zip")
    for width, lines in shown.items():
        row = next(line for line in lines if line.startswith(TARGET))
        assert "not run" in row
        assert len(row) <= width
        assert (digest in row) is (width == 200)
        assert any(line.startswith("target ") and "zip MB" in line and "tests" in line for line in lines)
        assert any(f"dist/{TARGET}.zip" in line for line in lines)


@FORKED
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pty module")
def test_a_recipe_is_two_lines_of_the_list(folder: Path) -> None:
    write_recipe(folder, "b", pip_recipe("b", "b").replace("for tests", "long " * 40))
    lines = on_a_terminal(["list"], folder, env={"COLUMNS": "80"}).plain
    assert max(map(len, lines)) <= 80
    assert [line.split()[0] for line in lines] == ["recipe", LONG, "for", "b", "long"]
    assert lines[-1].endswith("…")
    printed = layerwright("list", cwd=folder).out.splitlines()
    assert [len(line) for line in printed][-1] > 200, "a file or a pipe has no width"


def test_a_plan_warns_first_and_has_no_dockerfile(folder: Path) -> None:
    text = pip_recipe("b", "b", runtimes=("python3.9",)).replace(
        'uses         = "pip"', 'uses = "script"\nrun = "true"'
    )
    write_recipe(folder, "b", re.sub(r"requirements = .*", "", text))
    result = layerwright("plan", "b", cwd=folder)
    assert result.code == 0, result.err
    assert "python3.9 is deprecated" in result.err
    assert "compiled in" in result.out
    assert "FROM" not in result.out
    (plan,) = layerwright("plan", "b", "--json", cwd=folder).json["plans"]
    assert "FROM" in plan["dockerfile"]


def test_no_name_means_all_where_nothing_is_written(folder: Path, index: Index) -> None:
    make_wheel(index.folder, "b", "1.0")
    write_recipe(folder, "b", pip_recipe("b", "b=={version}"))
    named = {row["target"] for row in layerwright("plan", "--json", cwd=folder).json["plans"]}
    assert named == {TARGET, "b-1.0-python3.13-arm64"}
    assert named == {row["target"] for row in layerwright("plan", "--all", "--json", cwd=folder).json["plans"]}
    refused = layerwright("build", cwd=folder)
    assert refused.code == 2
    assert "--all selects every one" in refused.err
    (folder / "empty").mkdir()
    assert "there is no folder of recipes" in layerwright("plan", cwd=folder / "empty").err


def test_all_layers_are_published_listed_and_pruned(cloud: Front, folder: Path) -> None:
    assert layerwright("build", "--all", cwd=folder).code == 0
    account = ("--account", ACCOUNT, "--regions", "us-east-1")
    result = layerwright("publish", "--all", "--untested", "--yes", *account, cwd=folder)
    assert result.code == 0, result.err
    name = f"{LONG}-python313-arm64"
    assert list(published.versions(cloud, "us-east-1", name)) == [1]
    listed = layerwright("versions", "list", "--json", *account, cwd=folder).json["versions"]
    assert [row["layer"] for row in listed] == [name]
    pruned = layerwright("prune", "--all", "--keep", "1", *account, cwd=folder)
    assert pruned.code == 0, pruned.err
    assert name in pruned.out
    for command in ("publish", "prune"):
        refused = layerwright(command, "a", "--all", cwd=folder)
        assert refused.code == 2
        assert "--all and names of recipes are mutually exclusive" in refused.err
