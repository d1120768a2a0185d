"""`layerwright cache`, and recipes cut into jobs for code hosts."""

import json
import os
import re
import time
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from kit.command_tree import named
from kit.commands import ROOT, layerwright, pip_recipe, write_recipe

from builder.base import caches

KUBERNETES = "1.34"
RECIPE = """\
[layer]
name        = "a"
version     = "1"
description = "for tests"
license     = "MIT"

[targets]
runtimes      = ["provided.al2023"]
architectures = ["arm64"]

[[step]]
uses  = "copy"
files = ["a.txt"]
to    = "lib"
"""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("LAYERWRIGHT_CACHE", str(folder))
    now = time.time()
    for name, size, days in (("parts/a.tar", 3000, 1), ("parts/b.tar", 2000, 10), ("sources/c", 1000, 40)):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * size)
        os.utime(path, (now - days * 86_400, now - days * 86_400))
    for name in ("locks/one.lock", "work/build-x/half"):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_bytes(b"held")
    return folder


def left(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_the_cache_is_listed_by_kind(cache: Path, tmp_path: Path) -> None:
    found = {one.kind: (one.files, one.bytes) for one in caches.usage()}
    assert found["parts"] == (2, 5000)
    assert found["sources"] == (1, 1000)
    assert found["derived"] == (0, 0)
    listed = layerwright("cache", "list", "--json", cwd=tmp_path)
    assert listed.json["folder"] == str(cache)
    assert {one["kind"]: one["bytes"] for one in listed.json["kinds"]}["parts"] == 5000
    assert "what containers compiled" in layerwright("cache", "list", cwd=tmp_path).out


def test_the_least_recently_used_entries_are_removed_first(cache: Path, tmp_path: Path) -> None:
    held = {"locks/one.lock", "work/build-x/half"}
    assert caches.prune(limit=5500) == (1, 1000)
    assert left(cache) == {"parts/a.tar", "parts/b.tar", *held}
    assert caches.prune(days=5) == (1, 2000)
    assert left(cache) == {"parts/a.tar", *held}
    assert not (cache / "sources").exists() or not list((cache / "sources").iterdir())
    everything = layerwright("cache", "prune", "--everything", cwd=tmp_path)
    assert "1 files removed" in everything.err
    assert left(cache) == held  # running builds hold them
    unlimited = layerwright("cache", "prune", cwd=tmp_path)
    assert unlimited.code == 2
    assert "--max-gb 5" in unlimited.err


def test_a_folder_is_removed_as_a_whole(cache: Path) -> None:
    """Half an installed set of Node.js packages would be used as if it were complete, so its layer would lack files."""
    old = time.time() - 20 * 86_400
    for name, size, when in (("package.json", 10, time.time()), ("node_modules/a.js", 9000, old)):
        path = cache / "npm" / "set" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * size)
        os.utime(path, (when, when))
    assert caches.prune(days=5) == (2, 3000)  # one file of the set was just used, so all of it stays
    assert left(cache / "npm") == {"set/package.json", "set/node_modules/a.js"}
    assert caches.prune(limit=100) == (3, 12_010)
    assert not (cache / "npm" / "set").exists()


def test_a_nightly_run_keeps_the_cache_within_its_limit(cache: Path, tmp_path: Path) -> None:
    write_recipe(tmp_path, "a", RECIPE)
    (tmp_path / "recipes" / "a" / "a.txt").write_text("a")
    result = layerwright("nightly", cwd=tmp_path, env={caches.VARIABLE: "0.000004"})
    assert result.code == 0, result.err
    assert "parts/b.tar" not in left(cache)  # it and the newer one are more than 4 kB together
    assert {"parts/a.tar", "sources/c"} <= left(cache)
    wrong = layerwright("nightly", cwd=tmp_path, env={caches.VARIABLE: "much"})
    assert wrong.code == 2
    assert "LAYERWRIGHT_CACHE_GB=much is not a valid number of gigabytes" in wrong.err


def test_each_job_has_one_architecture_and_each_target_one_job(tmp_path: Path) -> None:
    for name in "abcde":
        write_recipe(tmp_path, name, pip_recipe(name, f"{name}==1", architectures=("x86_64", "arm64")))
    write_recipe(tmp_path, "f", pip_recipe("f", "f==1", architectures=("arm64",)))
    found = layerwright("list", "--format", "github-matrix", "--shards", "2", cwd=tmp_path)
    assert found.out.count("\n") == 1
    jobs = found.json["include"]
    assert {job["runner"] for job in jobs if job["arch"] == "arm64"} == {"ubuntu-24.04-arm"}
    for arch, names in (("x86_64", "abcde"), ("arm64", "abcdef")):
        shares = [job["recipes"].split() for job in jobs if job["arch"] == arch]
        assert sorted(name for share in shares for name in share) == list(names)
        assert max(map(len, shares)) - min(map(len, shares)) <= 1
    gitlab = layerwright("list", "--format", "gitlab-matrix", "--shards", "1", cwd=tmp_path).json
    assert gitlab == [
        {"ARCH": "arm64", "SHARD": "arm64-1", "RECIPES": "a b c d e f"},
        {"ARCH": "x86_64", "SHARD": "x86_64-1", "RECIPES": "a b c d e"},
    ]


@pytest.mark.parametrize(
    ("name", "jobs", "commands"),
    [
        ("nightly", {"plan", "build", "report"}, {"list", "nightly", "report"}),
        ("updates", {"propose"}, {"update"}),
    ],
)
def test_every_command_of_the_workflows_exists_with_its_options(name: str, jobs: set[str], commands: set[str]) -> None:
    text = (ROOT / ".github" / "workflows" / f"{name}.yml").read_text(encoding="utf-8")
    assert set(yaml.safe_load(text)["jobs"]) == jobs
    called = re.findall(r"\.venv/bin/layerwright (\S+)([^\n]*)", text)
    assert {name for name, _ in called} == commands
    for command, rest in called:
        known = {option for parameter in named(command).params for option in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", rest)) <= known


def test_the_nodes_for_kubernetes_are_valid_and_consistent() -> None:
    text = (ROOT / "images" / "builders" / "kubernetes.yaml").read_text(encoding="utf-8")
    found = list(yaml.safe_load_all(text))
    for one in found:
        kubernetes_validate.validate(one, KUBERNETES, strict=True)
    deployments = [one for one in found if one["kind"] == "Deployment"]
    services = {one["metadata"]["name"]: one for one in found if one["kind"] == "Service"}
    assert [one["metadata"]["name"] for one in deployments] == ["buildkit-amd64", "buildkit-arm64"]
    for one in deployments:
        pod, service = one["spec"]["template"], services[one["metadata"]["name"]]
        arch = one["metadata"]["name"].removeprefix("buildkit-")
        assert pod["metadata"]["labels"] == service["spec"]["selector"] == one["spec"]["selector"]["matchLabels"]
        assert pod["spec"]["nodeSelector"] == {"kubernetes.io/arch": arch}
        (container,) = pod["spec"]["containers"]
        assert {port["name"] for port in container["ports"]} == {
            port["targetPort"] for port in service["spec"]["ports"]
        }
        mounted = {mount["name"] for mount in container["volumeMounts"]}
        assert mounted == {volume["name"] for volume in pod["spec"]["volumes"]}
    first, second = (
        json.dumps(one).replace("arm64", "ARCH").replace("amd64", "ARCH") for one in (deployments[0], deployments[1])
    )
    assert first == second
