"""Every way to install layerwright that the README and docs/hosts.md name, without make and without a shell."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from kit.commands import ROOT

from builder.base.files import sha256

pytestmark = [pytest.mark.network, pytest.mark.engine]
SCRIPTS = "Scripts" if os.name == "nt" else "bin"
UV = str(Path(sys.executable).with_name("uv"))
BUILD = ("build", "exec-wrapper", "--no-test", "--output")


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give the hash of a layer of the layerwright that runs these tests."""
    return made([sys.executable, "-m", "builder"], tmp_path_factory.mktemp("expected"))


def made(command: list[str], output: Path, env: dict[str, str] | None = None) -> str:
    """Build a layer of the catalogue with a program, in the folder of the clone, and return its hash."""
    whole = [*command, *BUILD, str(output)]
    done = subprocess.run(
        whole, cwd=ROOT, env={**os.environ, **(env or {})}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return sha256(output / "exec-wrapper-1.0.0.zip")


def test_uv_tool_install(tmp_path: Path, expected: str) -> None:
    env = {**os.environ, "UV_TOOL_DIR": str(tmp_path / "tools"), "UV_TOOL_BIN_DIR": str(tmp_path / "bin")}
    subprocess.run([UV, "tool", "install", "--quiet", str(ROOT)], env=env, check=True)
    assert made([str(tmp_path / "bin" / "layerwright")], tmp_path / "out") == expected


def test_pip_install_into_an_environment_as_pipx_does(tmp_path: Path, expected: str) -> None:
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    programs = tmp_path / "venv" / SCRIPTS
    subprocess.run([programs / "python", "-m", "pip", "install", "--quiet", str(ROOT)], check=True)
    assert made([str(programs / "layerwright")], tmp_path / "out") == expected


def test_the_clone_itself_with_the_locked_dependencies(tmp_path: Path, expected: str) -> None:
    """`python -m builder`: nothing of layerwright is installed, and no make is there."""
    python = [UV, "run", "--no-project", "--with-requirements", "requirements/run.txt", "python"]
    env = {"PATH": os.path.dirname(UV), "VIRTUAL_ENV": ""}  # noqa: PTH120
    assert made([*python, "-m", "builder"], tmp_path / "out", env) == expected
