"""The example of SAM, built by the real SAM CLI: its layers are ours, byte by byte."""

import os
import shutil
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from kit.commands import ROOT, layerwright

from benchmarks.peers import install_sam

EXAMPLE = ROOT / "integrations/sam"
LAYERS = {"NumpyArm64": "arm64", "NumpyX8664": "x86_64"}


def content(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return mode and bytes of each file, by its path."""
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: (stat.S_IMODE(path.stat().st_mode), path.read_bytes()) for name, path in files.items()}


def in_zip(path: Path) -> dict[str, tuple[int, bytes]]:
    with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
        return {info.filename: (stat.S_IMODE(info.external_attr >> 16), archive.read(info)) for info in infos}


@pytest.mark.long
@pytest.mark.network
def test_sam_build_gets_the_layers_of_both_architectures(tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(EXAMPLE, project)
    env = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "SAM_CLI_TELEMETRY": "0",
    }
    sam = install_sam(ROOT / ".benchmarks")
    done = subprocess.run([sam, "build"], cwd=project, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for name, arch in LAYERS.items():
        options = ("--runtime", "python3.13", "--arch", arch, "--output", tmp_path / "ours")
        assert layerwright("build", "numpy", *options, cwd=ROOT).code == 0
        (zip_path,) = (tmp_path / "ours").glob(f"*-{arch}.zip")
        assert content(project / ".aws-sam/build" / name) == in_zip(zip_path)
