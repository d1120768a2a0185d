"""What of the stand-ins is made again after a change: what has the changed file in it, and nothing else."""

import json
import shutil
from pathlib import Path

import pytest
from kit import bake
from kit.commands import ROOT


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Copy the stand-ins' files and return the images of a registry, which is empty at first."""
    kept: set[str] = set()
    monkeypatch.setattr(bake, "HERE", Path(shutil.copytree(ROOT / "tests" / "standin", tmp_path / "standin")))
    monkeypatch.setattr(bake, "has", lambda registry, name, tag: f"{registry}/{name}:{tag}" in kept)
    return kept


def made(kept: set[str], folder: Path, capsys: pytest.CaptureFixture[str]) -> set[str]:
    """Make what is missing and return its names."""
    bake.main("registry", str(folder), "context")
    out = capsys.readouterr().out
    targets = json.loads(out)["target"] if out else {}
    kept.update(tag for target in targets.values() for tag in target["tags"])
    return set(targets)


def test_a_change_makes_again_what_it_is_in(
    registry: set[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    everything = made(registry, tmp_path, capsys)
    assert {"python-3-13-amd64", "ruby-3-3-arm64", "lambda-java-21-x86_64"} <= everything
    assert made(registry, tmp_path, capsys) == set()
    (bake.HERE / "bootstrap").write_text("another", encoding="utf-8")
    pythons = {f"lambda-python-{series}-{arch}" for series in ("3-13", "3-14") for arch in ("x86_64", "arm64")}
    assert made(registry, tmp_path, capsys) == pythons
    (bake.HERE / "dnf").write_text("another", encoding="utf-8")
    assert made(registry, tmp_path, capsys) == {name for name in everything if name.startswith("sam-build-")}


def test_other_sources_compile_one_interpreter_again(
    registry: set[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert made(registry, tmp_path, capsys)
    (tmp_path / "python3.14.orig.tar.xz").write_bytes(b"newer")
    again = made(registry, tmp_path, capsys)
    assert {"python-3-14-amd64", "sam-build-python3-14-latest-arm64"} <= again
    assert not [name for name in again if "3-14" not in name]
