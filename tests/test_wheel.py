"""What an installed layerwright has, and that it builds with it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder
from kit.commands import ROOT, layerwright

from builder.base.files import sha256


def test_the_wheel_has_the_code_the_marker_of_its_types_and_the_data() -> None:
    shipped = {file.distribution_path for file in WheelBuilder(str(ROOT)).recurse_included_files()}
    assert "builder/py.typed" in shipped
    for folder in ("builder", "images", "recipes"):
        files = {path.relative_to(ROOT) for path in (ROOT / folder).rglob("*") if path.is_file()}
        names = {path.as_posix() for path in files if not {"__pycache__", ".DS_Store"} & set(path.parts)}
        assert {name if folder == "builder" else f"builder/{name}" for name in names} <= shipped


@pytest.mark.network
def test_an_installed_layerwright_builds_its_catalogue_to_the_same_bytes(tmp_path: Path) -> None:
    """With the bytecode that installers write beside the data, and no clone in reach."""
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path / "made"), versions=["standard"])
    uv = Path(sys.executable).with_name("uv")
    home = tmp_path / "environment"
    env = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}

    def run(*command: str | Path) -> str:
        done = subprocess.run([*map(str, command)], cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run(uv, "venv", "--quiet", "--python", sys.executable, home)
    run(uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", home / "bin/python", wheel)
    program = home / "bin/layerwright"
    assert "bash-runtime" in run(program, "list", "--catalogue")
    run(program, "build", "bash-runtime", "--output", tmp_path / "installed")
    assert layerwright("build", "bash-runtime", "--output", tmp_path / "clone", cwd=ROOT).code == 0
    (made,) = (tmp_path / "installed").glob("*.zip")
    assert sha256(made) == sha256(tmp_path / "clone" / made.name)
    run(program, "init", "--yes")
    run(program, "lint")
    run(program, "build", "--all")
    assert (tmp_path / "dist/example-1.0.0.zip").is_file()
    assert "layerwright new" not in run(program, "new", "mine", "--from", "jq")
    run(program, "plan", "mine", "--arch", "arm64", "--json")
