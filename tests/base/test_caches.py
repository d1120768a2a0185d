"""`layerwright cache`, and recipes cut into jobs for code hosts."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import get_args

import pytest
import yaml
from kit.command_tree import named
from kit.commands import ROOT, copy_recipe, layerwright, pip_recipe, write_recipe

from builder.base import cache_paths, caches
from builder.base.cache_paths import Kind

KUBERNETES = "1.34"
RECIPE = copy_recipe("a", "a.txt")


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
    text = layerwright("cache", "list", cwd=tmp_path)
    assert "what containers compiled" in text.out
    assert "0.0 of 20000.0 MB (LAYERWRIGHT_CACHE_GB) in " in text.err


def test_the_list_as_json_tells_every_kind_and_the_limit(cache: Path, tmp_path: Path) -> None:
    (cache / "holiday").mkdir()
    (cache / "holiday" / "beach.jpg").write_bytes(b"12345")
    listed = layerwright("cache", "list", "--json", cwd=tmp_path, env={caches.VARIABLE: "1.5"}).json
    assert listed["limit_bytes"] == 1_500_000_000
    kinds = {one["kind"]: one for one in listed["kinds"]}
    assert set(kinds) == {*get_args(Kind), "holiday"}
    assert all(kinds[kind]["what"] for kind in get_args(Kind))
    assert kinds["parts"] | {"unused_seconds": 0} == {
        "kind": "parts",
        "what": "what containers compiled",
        "files": 2,
        "bytes": 5000,
        "unused_seconds": 0,
        "removable": True,
    }
    assert 86_400 <= kinds["parts"]["unused_seconds"] < 86_500
    assert kinds["npm"]["unused_seconds"] is None
    assert {kind for kind, one in kinds.items() if not one["removable"]} == {"locks", "work", "confirmed", "holiday"}
    assert (kinds["holiday"]["what"], kinds["holiday"]["bytes"]) == (None, 5)


def test_every_folder_of_the_cache_is_a_known_kind() -> None:
    """Paths come from `cache_paths.folder`, which takes no other name; only the time of eviction lies beside them."""
    assert set(caches.KINDS) == set(get_args(Kind))
    found = {
        (path.name, match)
        for path in (ROOT / "builder").rglob("*.py")
        for match in re.findall(r"\bcache\(\) ?/.*", path.read_text(encoding="utf-8"))
    }
    assert found == {("cache_paths.py", "cache() / kind")}


def test_the_least_recently_used_entries_are_removed_first(cache: Path, tmp_path: Path) -> None:
    held = {"locks/one.lock", "work/build-x/half"}
    assert caches.prune(limit=5500) == (1, 1000)
    assert left(cache) == {"parts/a.tar", "parts/b.tar", *held}
    assert caches.prune(days=5) == (1, 2000)
    assert left(cache) == {"parts/a.tar", *held}
    assert not (cache / "sources").exists() or not list((cache / "sources").iterdir())
    everything = layerwright("cache", "prune", "--everything", "--json", cwd=tmp_path)
    assert everything.json == {"version": 1, "files": 1, "bytes": 3000}
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


def test_a_workspace_is_gone_afterwards_and_nothing_that_its_links_lead_to(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").write_text("kept")
    with cache_paths.workspace() as work:
        for number in range(20):
            deep = work / "python" / str(number) / "data" / "more"
            deep.mkdir(parents=True)
            (deep / "file").write_text("gone")
            (deep / "link").symlink_to(tmp_path / "kept")
        (work / "link").symlink_to(tmp_path / "kept")
        (work / "python" / "1").chmod(0o555)  # as Go's cache of modules has them
    assert not work.exists()
    assert cache in work.parents
    assert (tmp_path / "kept" / "file").read_text() == "kept"


def test_a_file_and_its_record_are_removed_together(cache: Path) -> None:
    old = time.time() - 50 * 86_400
    for name, when in (("tools/patchelf-1", old), ("tools/patchelf-1.sha256", time.time())):
        path = cache / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x" * 10)
        os.utime(path, (when, when))
    assert caches.prune(days=5)[0] == 2  # the record was just compared, so the program stays
    assert left(cache / "tools") == {"patchelf-1", "patchelf-1.sha256"}
    os.utime(cache / "tools" / "patchelf-1.sha256", (old, old))
    assert caches.prune(days=5) == (2, 20)
    assert left(cache / "tools") == set()


def test_answers_of_the_user_and_foreign_folders_stay(cache: Path) -> None:
    for name in ("confirmed/accounts.json", "holiday/beach.jpg"):
        (cache / name).parent.mkdir()
        (cache / name).write_bytes(b"x")
        os.utime(cache / name, (0, 0))
    assert caches.prune(limit=0, days=0) == (3, 6000)
    held = {"locks/one.lock", "work/build-x/half", "holiday/beach.jpg"}
    assert left(cache) == {"confirmed/accounts.json", *held}
    assert caches.prune(everything=True) == (1, 1)
    assert left(cache) == held


# ---- the limit -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("limit", "stays"), [(6000, "abc"), (5999, "ab"), (4999, "ac"), (2999, "b"), (0, "")])
def test_after_use_the_least_recently_used_of_all_kinds_go(
    cache: Path, monkeypatch: pytest.MonkeyPatch, limit: int, stays: str
) -> None:
    """What is too large for the space that more recent entries leave goes; what still fits stays."""
    monkeypatch.setenv(caches.VARIABLE, str(limit / 1e9))
    with caches.within_limit():
        assert {"parts/a.tar", "parts/b.tar", "sources/c"} <= left(cache)
    names = {"a": "parts/a.tar", "b": "parts/b.tar", "c": "sources/c"}
    assert {letter for letter, name in names.items() if (cache / name).exists()} == set(stays)


def test_the_cache_is_looked_through_once_an_hour_or_when_it_has_grown(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caches, "_PAUSE", 0.0)
    monkeypatch.setenv(caches.VARIABLE, str(10_000 / 1e9))

    def looked() -> float:
        with caches.within_limit():
            pass
        at: float = json.loads((cache / "eviction.json").read_bytes())["at"]
        return at

    first = looked()
    assert looked() == first
    (cache / "parts" / "d.tar").write_bytes(b"x" * 500)
    assert looked() == first
    (cache / "tested").mkdir()
    (cache / "tested" / "e.json").write_bytes(b"x")
    second = looked()
    assert second > first  # by more than a twentieth of the limit
    (cache / "sources" / "f").write_bytes(b"x" * 4000)
    third = looked()
    assert third > second
    assert not (cache / "sources" / "c").exists()
    document = json.loads((cache / "eviction.json").read_bytes())
    (cache / "eviction.json").write_text(json.dumps(document | {"at": third - 3601}))
    assert looked() > third
    (cache / "eviction.json").write_text(json.dumps(document | {"at": third + 1e6}))
    assert looked() < third + 1e6  # the clock was set back
    last = looked()
    monkeypatch.setenv(caches.VARIABLE, str(3000 / 1e9))
    assert looked() > last


HOLDER = """
import sys, time
from pathlib import Path
from builder.base import cache_paths
with cache_paths.in_use():
    print("begun", flush=True)
    sys.stdin.readline()
    Path(sys.argv[1]).touch()
    print("used", flush=True)
    sys.stdin.readline()
"""


def test_what_a_running_process_uses_stays_until_it_ends_or_is_killed(cache: Path) -> None:
    used = cache / "sources" / "c"
    command = [sys.executable, "-c", HOLDER, str(used)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as running:
        assert running.stdin
        assert running.stdout
        assert running.stdout.readline() == "begun\n"
        running.stdin.write("\n")
        assert running.stdout.readline() == "used\n"
        (cache / "parts" / "now.tar").write_bytes(b"x")
        for options in ({"limit": 0}, {"days": 0.0}, {"everything": True}):
            caches.prune(**options)
            assert used.exists()
            assert (cache / "parts" / "now.tar").exists()
        assert not (cache / "parts" / "a.tar").exists()
        running.kill()
    lease = next((cache / "work").glob("lease-*"))
    lease.rename(lease.with_name("lease-1000.0-of-long-ago"))  # one of some seconds ago may not be locked yet
    assert caches.prune(limit=0) == (2, 1001)
    assert not list((cache / "work").glob("lease-*"))


def test_a_build_keeps_the_cache_within_its_limit(cache: Path, tmp_path: Path) -> None:
    write_recipe(tmp_path, "a", RECIPE)
    (tmp_path / "recipes" / "a" / "a.txt").write_text("a")
    wrong = layerwright("build", "a", cwd=tmp_path, env={caches.VARIABLE: "much"})
    assert wrong.code == 2
    assert "LAYERWRIGHT_CACHE_GB=much is not a valid number of gigabytes" in wrong.err
    result = layerwright("build", "a", cwd=tmp_path, env={caches.VARIABLE: "0.000004"})
    assert result.code == 0, result.err
    assert "parts/b.tar" not in left(cache)  # it and the newer one are more than 4 kB together
    assert "parts/a.tar" in left(cache)
    assert {path.name for path in cache.iterdir() if path.is_dir()} <= set(caches.KINDS)


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
    import kubernetes_validate

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
