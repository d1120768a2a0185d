"""Nightly runs on several real BuildKit daemons: native nodes, a node that dies, an engine that comes back."""

import json
import os
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from kit.commands import ROOT, Result, layerwright, recipe_head, write_recipe
from kit.farm import Daemon, farm

from builder.engine import client
from builder.engine.client import Engine
from builder.model.architectures import ARM64, X86_64

BUILT = """\
split-by      = ["arch"]

[[step]]
uses = "script"
run  = '''
mkdir -p "$PREFIX/bin"
cd /tmp && echo 'int main(void) {{ return {number}; }}' > m.c
${{CC:-cc}} -O2 m.c -o "$PREFIX/bin/{name}"
sleep {pause}
'''
"""

pytestmark = pytest.mark.usefixtures("engine")


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[str, list[Daemon]]]:
    with farm(tmp_path / "farm", "amd64", "arm64") as running:
        yield running


def recipes(folder: Path, *names: str, pause: float = 0) -> None:
    for number, name in enumerate(names):
        head = recipe_head(name, ("provided.al2023",), ("x86_64", "arm64"))
        write_recipe(folder, name, head + BUILT.format(name=name, number=number, pause=pause))


def nightly(folder: Path, builder: str, *arguments: str) -> Result:
    options = ("--json", "--builder", builder, "--test", "never")
    return layerwright("nightly", *options, *arguments, cwd=folder, env={"LAYERWRIGHT_CACHE": str(folder / "cache")})


def test_each_architecture_is_compiled_natively_on_its_own_node(two: tuple[str, list[Daemon]], tmp_path: Path) -> None:
    name, _ = two
    client.find.cache_clear()
    found = client.find("docker", name)
    assert [found.native_node(arch) is not None for arch in (X86_64, ARM64)] == [True, True]
    recipes(tmp_path, "a", "b")
    result = nightly(tmp_path, name)
    assert result.code == 0, result.err
    assert set(result.json["states"].values()) == {"built"}
    for path in (tmp_path / "dist").glob("*.json"):
        if path.name.count(".") == 1:
            assert json.loads(path.read_text())["route"] == "native"
    for node in found.nodes:
        assert f"2 at once on {node.name}" in result.err
    assert nightly(tmp_path, name).json["states"] == dict.fromkeys(result.json["states"], "unchanged")


@pytest.mark.long
def test_the_work_of_a_node_that_dies_is_done_by_the_other(two: tuple[str, list[Daemon]], tmp_path: Path) -> None:
    name, (_, arm) = two
    recipes(tmp_path, "a", "b", "c", pause=6)
    killer = threading.Timer(12.0, arm.kill)
    killer.start()
    result = nightly(tmp_path, name, "--patience", "3", "--compiles", "1")
    killer.cancel()
    assert result.code == 0, result.err
    assert set(result.json["states"].values()) == {"built"}
    tries = [one["attempts"] for one in result.json["targets"]]
    assert max(tries) > 1  # the one that was at work when the node died
    zips = sorted((tmp_path / "dist").glob("*.zip"))
    assert [path.stem for path in zips] == [f"{one}-1-{arch}" for one in "abc" for arch in ("arm64", "x86_64")]
    assert {path.stem: zipfile.ZipFile(path).testzip() for path in zips} == {path.stem: None for path in zips}
    # The user's builder stays as it was, so the node is used again once it is back.
    arm.start()
    client.find.cache_clear()
    back = client.find("docker", name)
    assert (back.builder, len(back.nodes), back.dead) == (name, 2, ())


def test_a_builder_without_a_responding_node_is_reported(two: tuple[str, list[Daemon]], tmp_path: Path) -> None:
    name, daemons = two
    for one in daemons:
        one.kill()
    recipes(tmp_path, "a")
    result = nightly(tmp_path, name, "--patience", "0")
    assert result.code == 4
    failures = {one["failure"]["what"] for one in result.json["targets"]}
    assert failures == {f"no node of builder `{name}` responds"}


@pytest.mark.long
def test_an_engine_that_disappears_is_awaited(tmp_path: Path, engine: Engine) -> None:
    """Its daemon is one of ours: the machine's own serves other tests at this moment."""
    with farm(tmp_path / "farm", "amd64") as (name, (only,)):
        recipes(tmp_path, "a", pause=5)
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "builder", "nightly", "--json", "--builder", name, "--test", "never"),
                *("--arch", "x86_64", "--patience", "3"),
            ],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), "LAYERWRIGHT_CACHE": str(tmp_path / "cache")},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        time.sleep(8)
        only.kill()
        time.sleep(5)
        only.start()
        out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err.decode()
    (target,) = json.loads(out)["targets"]
    assert (target["state"], target["attempts"] > 1) == ("built", True)
    assert engine.kind == "docker"


@pytest.mark.long
def test_two_nodes_of_one_architecture_share_the_work(tmp_path: Path) -> None:
    with farm(tmp_path / "farm", "amd64", "amd64") as (name, daemons):
        recipes(tmp_path, "a", "b", "c", "d", pause=4)
        result = nightly(tmp_path, name, "--arch", "x86_64", "--compiles", "1")
        assert result.code == 0, result.err
        logs = [(one.root / "state" / "runc-overlayfs" / "executor").is_dir() for one in daemons]
    assert set(result.json["states"].values()) == {"built"}
    assert logs == [True, True]
    # Four seconds each: one after the other takes sixteen and more.
    seconds = [one["seconds"] for one in result.json["targets"]]
    assert result.json["nights"][0]["seconds"] < 0.75 * sum(seconds)
