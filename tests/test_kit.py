"""Commands in the process of the tests: what they print and leave is what a process of their own does."""

import functools
import os
import re
import sys
from pathlib import Path

import pytest
from kit import standin, state, whole_catalogue
from kit.commands import layerwright, layerwright_process, pip_recipe, write_recipe

from builder.base import processes
from builder.engine.client import Engine
from builder.model import images
from builder.model.target import Selection


@pytest.mark.parametrize(
    "arguments",
    [
        ("runtimes", "--json"),
        ("list",),
        ("build", "numpi"),
        ("lint",),
        ("check", "none.zip", "--runtime", "python3.13", "--arch", "arm64"),
    ],
)
def test_both_ways_print_the_same(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    write_recipe(tmp_path, "numpy", pip_recipe("numpy", "numpy"))
    write_recipe(tmp_path, "größe", "[layer")
    assert layerwright(*arguments, cwd=tmp_path) == layerwright_process(*arguments, cwd=tmp_path)


def test_folder_environment_and_streams_are_those_of_before(tmp_path: Path) -> None:
    before = (Path.cwd(), dict(os.environ), sys.stdin, sys.stdout, sys.stderr)
    assert layerwright("runtimes", cwd=tmp_path, env={"LAYERWRIGHT_X": "1"}).code == 0
    assert (Path.cwd(), dict(os.environ), sys.stdin, sys.stdout, sys.stderr) == before


def test_nothing_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAYERWRIGHT_PINS", str(tmp_path))
    assert images.pinned() == {}
    images.write_pins(images.pins_file(), {"lambda/python:3.13-arm64": "sha256:1"})
    assert images.pinned() == {}  # as within one process
    processes.kill_all()
    state.forget()
    assert processes.run([sys.executable, "-c", "print(1)"]).stdout.strip() == "1"
    assert images.pinned() == {"lambda/python:3.13-arm64": "sha256:1"}
    state.forget()
    filled = [
        f"{name}.{key}"
        for name, module in list(sys.modules.items())
        if name.startswith("builder.") and name not in state.OF_THE_CODE
        for key, value in vars(module).items()
        if isinstance(value, functools._lru_cache_wrapper) and value.cache_info().currsize  # noqa: SLF001
    ]
    assert filled == []


def test_the_catalogue_is_built_for_the_newest_runtimes_and_what_passed_is_not_built_again(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [target.name for _, target in whole_catalogue.in_order(["numpy", "exec-wrapper", "ripgrep", "jq"])]
    native, other = engine.architecture.name, {"x86_64": "arm64", "arm64": "x86_64"}[engine.architecture.name]
    assert names[0].startswith("exec-wrapper-")
    assert next(name for name in names if "python3.1" in name and native in name).endswith(f"-python3.14-{native}")
    assert [name.rpartition("-")[2] for name in names if "ripgrep" in name] == [native, other]
    assert all("ripgrep" in name for name in names[-2:])
    for name in ("LAYERWRIGHT_CACHE", "LAYERWRIGHT_PINS", "LAYERWRIGHT_REGISTRY", "BUNDLE_MIRROR__ALL", "PYTHONPATH"):
        monkeypatch.setenv(name, os.environ.get(name, ""))  # set by the run, and put back after the test
    monkeypatch.setattr(whole_catalogue, "gems_of", lambda _: tmp_path)
    assert whole_catalogue.main(tmp_path, whole_catalogue.in_order(["exec-wrapper"])) == 0
    table = (tmp_path / "table.tsv").read_text(encoding="utf-8")
    name, runtime, arches, mode, _, load, result = table.split("\t")
    assert name.startswith("exec-wrapper-")
    assert (runtime, arches, mode, result) == ("python3.13", "x86_64,arm64", "copy", "passed 2 tests\n")
    assert re.fullmatch(r"\d+\.\d-\d+\.\d", load)
    assert whole_catalogue.main(tmp_path, whole_catalogue.in_order(["exec-wrapper"])) == 0
    assert (tmp_path / "table.tsv").read_text(encoding="utf-8") == table


def test_some_of_the_catalogue_are_selected_as_for_a_build() -> None:
    def selected(*words: str) -> tuple[list[str], float]:
        _, pairs, limit = whole_catalogue.command_line(["folder", *words])
        return [target.name.partition("-")[0] + target.name[-6:] for _, target in pairs], limit

    assert selected("jq", "git", "--arch", "arm64") == (["git-arm64", "jq-arm64"], whole_catalogue.LIMIT)
    assert selected("jq", "git", "--only", "jq-*-x86_64", "--limit", "3000") == (["jqx86_64"], 3000)


def test_what_needs_a_newer_glibc_is_tested_with_one_and_the_row_says_so(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in standin.environment(tmp_path / "pins").items():
        monkeypatch.setenv(name, value)
    (tmp_path / "log").mkdir()
    [(recipe, target)] = whole_catalogue.in_order(
        ["cryptography"], Selection(only=(f"*-python3.14-{engine.architecture.name}",))
    )
    mode, result = whole_catalogue.build(recipe, target, tmp_path, whole_catalogue.LIMIT)
    assert (mode, result) == ("wheels", "passed 1 tests with glibc 2.36; with 2.31: version `GLIBC_2.33' not found")
