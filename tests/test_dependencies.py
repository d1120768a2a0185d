"""What layerwright stands on has a prebuilt package, or needs none, wherever layerwright runs."""

import subprocess
import sys
from pathlib import Path

import pytest
from kit.commands import ROOT

PLATFORMS = (
    "aarch64-apple-darwin",
    "x86_64-apple-darwin",
    "x86_64-pc-windows-msvc",
    "aarch64-pc-windows-msvc",
    "x86_64-unknown-linux-gnu",
    "aarch64-unknown-linux-gnu",
)


OLDEST = {"aarch64-pc-windows-msvc": "3.12"}
"""From then on, PyYAML has wheels for Windows on ARM."""


@pytest.mark.network
@pytest.mark.parametrize(
    ("platform", "python"),
    [(platform, python) for platform in PLATFORMS for python in (OLDEST.get(platform, "3.10"), "3.13", "3.14")],
)
def test_every_dependency_of_the_lock_has_a_wheel(platform: str, python: str, tmp_path: Path) -> None:
    """`make` and `pipx` then compile nothing. The index is asked for the files with the hashes of the lock."""
    command = [
        *(sys.executable, "-m", "uv", "pip", "install", "--dry-run", "--no-deps", "--require-hashes"),
        *("--only-binary", ":all:", "--target", str(tmp_path / "none"), "--no-config"),
        *("--python-platform", platform, "--python-version", python),
        *("--requirements", str(ROOT / "requirements" / "run.txt")),
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "pydantic" in done.stderr
