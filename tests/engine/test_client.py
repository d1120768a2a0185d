"""Detection of the engine and its problems, with clients that respond like broken ones."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from kit import gems, npm
from kit.commands import layerwright, write_recipe
from kit.compiled import recipe
from kit.wheels import Index, make_sdist, make_wheel

from builder.base.errors import EngineError
from builder.engine import client
from builder.model.architectures import ARM64, X86_64

GOOD = {
    "version": json.dumps({"Client": {}, "Server": {"Version": "27.1.0", "Arch": "amd64"}}),
    "buildx version": "github.com/docker/buildx v0.20.0 abc",
    "buildx inspect": "Name: default\nDriver: docker\n\nNodes:\nName: default\nPlatforms: linux/amd64, linux/arm64\n",
}
NODES = """Name:          farm
Driver:        remote
Last Activity: 2026-11-23

Nodes:
Name:                  farm0
Endpoint:              tcp://10.0.0.1:1234
Platforms:             linux/amd64*, linux/amd64/v2, linux/386

Name:                  farm1
Endpoint:              tcp://10.0.0.2:1234
Platforms:             linux/arm64, linux/arm/v7
"""
RECIPE = """
[layer]
name = "a"
version = "1"
description = ""
license = "MIT"
[targets]
runtimes = ["provided.al2023"]
architectures = ["arm64"]
[[step]]
uses = "script"
run = "touch $PREFIX/bin"
"""


def fake(
    folder: Path, answers: Mapping[str, str], failures: Mapping[str, str] | None = None, name: str = "docker"
) -> Path:
    """Write a client that says what a test wants and fails at what it knows nothing of."""
    folder.mkdir(exist_ok=True)
    cases = "".join(f"'{key}'*) cat <<'EOT'\n{text}\nEOT\n;;\n" for key, text in answers.items())
    broken = "".join(f"'{key}'*) echo '{text}' >&2; exit 1;;\n" for key, text in (failures or {}).items())
    path = folder / name
    path.write_text(
        f'#!/bin/sh\ncase "$*" in\n{broken}{cases}*) echo "unknown: $*" >&2; exit 1;;\nesac\n', encoding="utf-8"
    )
    path.chmod(0o755)
    return folder


def found(folder: Path, monkeypatch: pytest.MonkeyPatch, **choice: Any) -> client.Engine:
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin" if choice.pop("tools", True) else str(folder))
    client.find.cache_clear()
    try:
        return client.find(**choice)
    finally:
        client.find.cache_clear()


def test_no_engine_at_all(tmp_path: Path) -> None:
    write_recipe(tmp_path, "a", RECIPE.replace('["arm64"]', '["arm64", "x86_64"]'))
    result = layerwright("build", "a", "--keep-going", cwd=tmp_path, env={"PATH": str(tmp_path)})
    assert result.code == 7
    assert result.err.count("no container engine is installed") == 1
    assert "make engine" in result.err
    assert "Docker Desktop" in result.err
    assert not list((tmp_path / "dist").glob("[!.]*"))


def test_why_an_engine_is_needed_is_told_first_with_the_ways_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, index: Index
) -> None:
    make_sdist(index.folder, "psycopg2", "2.9.13", "raise SystemExit")
    make_wheel(index.folder, "psycopg2", "2.9.1", tag="cp313-cp313-manylinux_2_28_aarch64")
    monkeypatch.setenv("LAYERWRIGHT_PINS", str(tmp_path))
    monkeypatch.setenv("LAYERWRIGHT_REGISTRY", "127.0.0.1:9")
    arguments = ("build", "--pip", "psycopg2==2.9.13", "--runtime", "python3.13", "--arch", "arm64")
    result = layerwright(*arguments, cwd=tmp_path, env={"PATH": str(tmp_path)})
    assert result.code == 7
    reason = "psycopg2 2.9.13 has no wheel for python3.13, so it is compiled; that needs --packages libpq-devel"
    reason += "; psycopg2-binary has wheels; psycopg2==2.9.1 is the newest with a wheel that fits"
    assert result.err.index(reason) < result.err.index("no container engine is installed") < result.err.rindex(reason)
    assert "`--route wheels`" in result.err
    options = ("--route", "wheels", "--no-test")
    on = layerwright("build", "--pip", "psycopg2", *arguments[3:], *options, cwd=tmp_path, env={"PATH": str(tmp_path)})
    assert on.code == 0, on.err
    installed = layerwright(*arguments, "--packages", "libpq-devel", cwd=tmp_path, env={"PATH": str(tmp_path)})
    assert "that needs" not in installed.err


def test_why_install_scripts_and_extensions_need_an_engine_is_told_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, npm_registry: Path, gem_index: Path, program: Callable[[str], str]
) -> None:
    npm.package(npm_registry, "builds", scripts={"postinstall": "make"})
    gems.pack(gem_index / "gems", "one", "1.0", {"ext/one/extconf.rb": b""}, extensions=["ext/one/extconf.rb"])
    gems.write_index(gem_index)
    monkeypatch.setenv("LAYERWRIGHT_PINS", str(tmp_path))
    monkeypatch.setenv("LAYERWRIGHT_REGISTRY", "127.0.0.1:9")
    found = tmp_path / "bin"
    found.mkdir()
    for name in ("npm", "node"):
        (found / name).symlink_to(program(name))
    write_recipe(tmp_path, "a", recipe('[[step]]\nuses = "gem"\ngems = ["one"]\n', "", "arm64", "ruby3.4"))
    adhoc = ("--npm", "builds", "--runtime", "nodejs22.x", "--arch", "arm64")
    told = {
        adhoc: 'a recipe with `skip-scripts = ["builds"]` runs none',
        ("a",): "one-1.0 is compiled in a container",
    }
    for arguments, reason in told.items():
        result = layerwright("build", *arguments, cwd=tmp_path, env={"PATH": str(found)})
        assert result.code == 7, result.err
        end = result.err.index("no container engine is installed")
        assert (reason in result.err[:end]) is (arguments == adhoc), "recipes ask for it themselves"
        assert reason in result.err[end:]
        assert "--route wheels" not in result.err


def test_a_usable_engine_is_detected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = found(fake(tmp_path / "bin", GOOD), monkeypatch)
    assert (engine.kind, engine.version, engine.architecture) == ("docker", "27.1.0", X86_64)
    assert (engine.mode(X86_64), engine.mode(ARM64)) == ("native", "emulated")


def test_a_builder_with_nodes_of_both_kinds_is_native_for_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = found(fake(tmp_path / "bin", {"buildx inspect farm": NODES, **GOOD}), monkeypatch, builder="farm")
    assert engine.build[-2:] == ("--builder", "farm")
    assert [node.native for node in engine.nodes] == ["linux/amd64", "linux/arm64"]
    assert (engine.mode(X86_64), engine.mode(ARM64)) == ("native", "native")
    write_recipe(tmp_path, "a", RECIPE)
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    planned = layerwright("plan", "a", "--builder", "farm", cwd=tmp_path, env={"PATH": path})
    assert "  compiled native on farm1\n" in planned.out, planned.err


@pytest.mark.parametrize(
    ("answers", "failures", "what"),
    [
        ({"version": json.dumps({"Server": {"Version": "20.10.5"}})}, {}, "Docker Engine 20.10.5 is too old; 23.0 is"),
        ({**GOOD, "buildx version": "github.com/docker/buildx 0.11.2 x"}, {}, "buildx 0.11.2 is too old; 0.13 is"),
        (GOOD, {"buildx version": "not a docker command"}, "docker has no buildx"),
        ({}, {"version": "Cannot connect to the Docker daemon at unix"}, "the docker daemon is not reachable"),
        ({}, {"version": "permission denied while trying to connect"}, "no permission to connect to the docker daemon"),
        (GOOD, {"buildx inspect": "no builder found"}, "buildx cannot inspect builder"),
    ],
)
def test_a_problem_is_reported_with_a_remedy(
    answers: dict[str, str], failures: dict[str, str], what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(EngineError, match=what) as caught:
        found(fake(tmp_path / "bin", answers, failures), monkeypatch, kind="docker")
    assert caught.value.hint
    assert caught.value.exit_code == 7


def test_an_architecture_without_emulation_is_reported_before_anything_runs(tmp_path: Path) -> None:
    bare = {**GOOD, "buildx inspect": "Driver: docker\nNodes:\nName: default\nPlatforms: linux/amd64, linux/386\n"}
    write_recipe(tmp_path, "a", RECIPE)
    path = f"{fake(tmp_path / 'bin', bare)}:{os.environ['PATH']}"
    result = layerwright("build", "a", cwd=tmp_path, env={"PATH": path})
    assert result.code == 7
    assert "no emulation is registered" in result.err
    assert "tonistiigi/binfmt --install arm64" in result.err
    planned = layerwright("plan", "a", cwd=tmp_path, env={"PATH": path})
    assert planned.code == 0
    assert "not possible here: this engine cannot run arm64" in planned.out


def test_the_engine_is_selected_by_option_environment_or_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = fake(tmp_path / "bin", GOOD)
    podman = {"version": {"Version": "4.9.0"}, "host": {"arch": "arm64"}}
    fake(folder, {"info": json.dumps(podman)}, name="podman")
    assert found(folder, monkeypatch).kind == "docker"
    assert found(folder, monkeypatch, kind="podman").architecture == ARM64
    monkeypatch.setenv("LAYERWRIGHT_ENGINE", "podman")
    assert found(folder, monkeypatch).kind == "podman"
    with pytest.raises(EngineError, match="names a buildx builder, and podman has none"):
        found(folder, monkeypatch, builder="farm")
    monkeypatch.setenv("LAYERWRIGHT_ENGINE", "rkt")
    with pytest.raises(EngineError, match="unknown engine `rkt`"):
        found(folder, monkeypatch)
    with pytest.raises(EngineError, match="`finch` is not installed"):
        found(folder, monkeypatch, kind="finch")
    fake(folder, {"info": json.dumps({**podman, "version": {"Version": "3.4.4"}})}, name="podman")
    with pytest.raises(EngineError, match=r"Podman 3\.4\.4 is too old"):
        found(folder, monkeypatch, kind="podman")


def test_the_doctor_reports_all_problems_and_exits_with_seven(tmp_path: Path) -> None:
    result = layerwright("doctor", cwd=tmp_path, env={"PATH": str(tmp_path)})
    assert result.code == 7
    assert "wrong   engine" in result.out
    for what in ("CA", "proxy", "registry", "pins", "cache"):
        assert what in result.out
    document = layerwright("doctor", "--json", cwd=tmp_path, env={"PATH": str(tmp_path)}).json
    assert {one["state"] for one in document["findings"]} >= {"ok", "wrong"}
    local = {"PATH": str(tmp_path), "HTTPS_PROXY": "http://127.0.0.1:3128"}
    assert "another one in a container" in layerwright("doctor", cwd=tmp_path, env=local).out
