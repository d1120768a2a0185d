"""`lint` for people and programs: every mistake with file, line and column."""

import json
from pathlib import Path
from typing import Any

import pytest
from kit.commands import layerwright, pip_recipe, write_recipe
from kit.wheels import Index, make_wheel

from builder.layer.sarif import SCHEMA

WRONG = """\
[layer]
name        = "a"
version     = 1.0
description = "for tests"
licence     = "MIT"

[[targets]]
runtimes = ["python3.13"]

[step]
uses = "pip"

[slim]
prune = [
    "docs",
    7,
]
"""


def notes(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = layerwright("lint", "--json", cwd=folder).json["notes"]
    return found


def places(folder: Path) -> dict[str, tuple[str, int, int]]:
    return {note["key"]: (note["file"], note["line"], note["column"]) for note in notes(folder)}


def test_every_mistake_has_its_place_for_people_and_for_programs(tmp_path: Path) -> None:
    path = write_recipe(tmp_path, "a", WRONG).relative_to(tmp_path).as_posix()
    expected = {
        "layer.license": (path, 1, 1),
        "layer.version": (path, 3, 1),
        "layer.licence": (path, 5, 1),
        "targets": (path, 7, 1),
        "step": (path, 10, 1),
        "slim.prune[1]": (path, 16, 5),
    }
    assert places(tmp_path) == expected
    result = layerwright("lint", cwd=tmp_path)
    assert result.code == layerwright("lint", "--json", cwd=tmp_path).code == 2
    lines = [line.strip() for line in result.err.splitlines()]
    for key, (file, line, column) in expected.items():
        assert any(text.startswith(f"{file}:{line}:{column}: {key}: ") for text in lines), key
    assert f"{path}:10:1: step: `[step]` is one table of a list: write `[[step]]`" in lines
    assert f"{path}:7:1: targets: there is one table of that name: write `[targets]`" in lines
    for command in ("plan", "build"):
        assert f"{path}:10:1: step: " in layerwright(command, "a", cwd=tmp_path).err


def test_rules_about_several_tables_have_places_too(tmp_path: Path) -> None:
    text = pip_recipe("a", "a", runtimes=("python3.13", "python3.13"), more='\n[[test]]\npython = "("\n')
    path = write_recipe(tmp_path, "b", text)
    found = places(tmp_path)
    lines = path.read_text(encoding="utf-8").splitlines()
    for key, beginning in (("layer.name", "name"), ("targets.runtimes", "runtimes"), ("test[0].python", "python")):
        assert lines[found[key][1] - 1].startswith(beginning)


def test_text_that_is_no_toml_has_the_place_of_the_parser(tmp_path: Path) -> None:
    path = write_recipe(tmp_path, "a", "[layer]\nname = \n")
    (note,) = notes(tmp_path)
    assert (note["level"], note["line"], note["column"], note["key"]) == ("error", 2, 8, None)
    assert f"{path.relative_to(tmp_path).as_posix()}:2:8: " in layerwright("lint", cwd=tmp_path).err


def test_a_byte_order_mark_is_told_and_shifts_nothing(tmp_path: Path) -> None:
    path = write_recipe(tmp_path, "a", pip_recipe("a", "a").strip().replace("license", "licence"))
    path.write_text("\ufeff" + path.read_text(encoding="utf-8"), encoding="utf-8")
    mark, *others = notes(tmp_path)
    assert "begins with a byte order mark" in mark["message"]
    assert (mark["level"], mark["line"], mark["column"]) == ("warning", 1, 1)
    assert ("layer.licence", 5, 1) in {(note["key"], note["line"], note["column"]) for note in others}
    path.write_text("\ufeff" + pip_recipe("a", "a"), encoding="utf-8")
    result = layerwright("lint", cwd=tmp_path)
    assert result.code == 0
    assert "warning: recipes/a/recipe.toml:1:1: begins with a byte order mark" in result.err


def test_an_unknown_package_of_the_system_is_advice_with_its_place(tmp_path: Path) -> None:
    step = '[[step]]\nuses = "packages"\ninstall = ["zlib-devel", "libxml-devel"]\n\n[[step]]'
    path = write_recipe(tmp_path, "a", pip_recipe("a", "a").replace("[[step]]", step))
    (note,) = notes(tmp_path)
    assert note["level"] == "warning"
    assert note["key"] == "step[0].install[1]"
    assert "no list of al2023 has a package `libxml-devel`; did you mean" in note["message"]
    line = path.read_text(encoding="utf-8").splitlines()[note["line"] - 1]
    assert line[note["column"] - 1 :] == '"libxml-devel"]'
    assert layerwright("lint", cwd=tmp_path).code == 0


def test_a_lock_that_does_not_fit_is_a_mistake_without_the_network(
    tmp_path: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    for version in ("1.0", "2.0"):
        make_wheel(index.folder, "a", version)
    path = write_recipe(tmp_path, "a", pip_recipe("a", "a==1.0"))
    assert layerwright("lock", "a", cwd=tmp_path).code == 0
    assert notes(tmp_path) == []
    path.write_text(path.read_text(encoding="utf-8").replace("a==1.0", "a==2.0"), encoding="utf-8")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple/")
    (note,) = notes(tmp_path)
    assert (note["level"], note["file"], note["line"]) == ("error", "recipes/a/recipe.toml", 1)
    assert note["message"] == (
        "the requirements.lock of a does not fit its recipe: the recipe requires a==2.0, the lock has a==1.0"
    )
    assert note["hint"] == "`layerwright lock a` brings it up to date"


def test_sarif_has_a_region_for_each_and_names_files_as_code_hosts_do(tmp_path: Path) -> None:
    write_recipe(tmp_path, "a", WRONG)
    (tmp_path / "layerwright.toml").write_text("outputs = 1\n", encoding="utf-8")
    result = layerwright("lint", "--sarif", cwd=tmp_path)
    assert result.code == 2
    document = json.loads(result.out)
    assert (document["$schema"], document["version"]) == (SCHEMA, "2.1.0")
    (run,) = document["runs"]
    rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    found = {}
    for row in run["results"]:
        assert row["ruleId"] in rules
        (location,) = row["locations"]
        region = location["physicalLocation"]["region"]
        place = (location["physicalLocation"]["artifactLocation"]["uri"], region["startLine"], region["startColumn"])
        found[place] = row["message"]["text"]
    assert found["layerwright.toml", 1, 1] == "outputs: unknown key; did you mean `output`?"
    assert found["recipes/a/recipe.toml", 10, 1] == (
        "step: `\\[step\\]` is one table of a list: write `\\[\\[step\\]\\]`"
    )
    assert len({row["partialFingerprints"]["layerwright/v1"] for row in run["results"]}) == len(run["results"])
    refused = layerwright("lint", "--json", "--sarif", cwd=tmp_path)
    assert "--json and --sarif are mutually exclusive" in refused.err
