"""The same layer by SAM CLI, and the floor under any tool: uv's install and deflate, nothing else."""

import os
import shutil
import subprocess
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import deflate
from uv import find_uv_bin

from benchmarks.measure import process
from builder.layer.compression import LEVEL
from builder.layer.interpreters import find

SAM = "aws-sam-cli==1.170.0"
_TEMPLATE = """\
AWSTemplateFormatVersion: '2010-09-09'
Transform: AWS::Serverless-2016-10-31
Resources:
  Peer:
    Type: AWS::Serverless::LayerVersion
    Properties:
      LayerName: peer
      ContentUri: source
      CompatibleRuntimes: [{runtime}]
      CompatibleArchitectures: [{arch}]
    Metadata:
      BuildMethod: {runtime}
      BuildArchitecture: {arch}
"""


class Sam:
    """SAM CLI in an environment of its own, building one layer."""

    def __init__(self, folder: Path, requirements: tuple[str, ...], runtime: str, arch: str) -> None:
        self.folder = folder / f"sam-{arch}"
        self.zip = self.folder / "peer.zip"
        self.tree = self.folder / ".aws-sam" / "build" / "Peer"
        (self.folder / "source").mkdir(parents=True)
        (self.folder / "source" / "requirements.txt").write_text("\n".join(requirements) + "\n")
        (self.folder / "template.yaml").write_text(_TEMPLATE.format(runtime=runtime, arch=arch))
        interpreter = find(runtime.removeprefix("python"))
        if interpreter is None:
            sys.exit(f"the benchmark needs {runtime} on this host: SAM CLI installs with it")
        where = str(Path(interpreter.command[0]).parent)
        self.env = {"PATH": f"{where}{os.pathsep}{os.environ['PATH']}", "SAM_CLI_TELEMETRY": "0"}

    def build(self, sam: Path) -> float:
        """Build and zip from nothing; return seconds."""
        shutil.rmtree(self.folder / ".aws-sam", ignore_errors=True)
        self.zip.unlink(missing_ok=True)
        built = process([sam, "build"], cwd=self.folder, env=self.env)
        zipped = process(["zip", "-qr9", self.zip, "."], cwd=self.tree)
        return built.wall + zipped.wall


def install_sam(folder: Path) -> Path:
    """Install SAM CLI once and return its command."""
    command = folder / "sam" / "bin" / "sam"
    if not command.exists():
        print(f"installing {SAM} into {folder / 'sam'}", file=sys.stderr)
        uv = find_uv_bin()
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, folder / "sam"], check=True)
        subprocess.run(
            [uv, "pip", "install", "--quiet", "--python", folder / "sam" / "bin" / "python", SAM], check=True
        )
    return command


def floor(folder: Path, lines: str, series: str, machine: str, layer: Path) -> float:
    """Install the same wheels with uv alone, deflate the same bytes alone; return seconds."""
    target = folder / "floor"
    shutil.rmtree(target, ignore_errors=True)
    requirements = folder / "floor.txt"
    requirements.write_text(lines)
    command: list[str | Path] = [
        *(find_uv_bin(), "pip", "install", "--quiet", "--target", target, "--no-deps", "--require-hashes"),
        *("--only-binary", ":all:", "--python", sys.executable, "--python-version", series),
        *("--python-platform", f"{machine}-manylinux_2_34", "--no-python-downloads", "-r", requirements),
    ]
    installed = process(command, cwd=folder).wall
    with zipfile.ZipFile(layer) as archive:
        content = [archive.read(info) for info in archive.infolist()]
    started = time.perf_counter()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(lambda data: deflate.deflate_compress(data, LEVEL) if data else b"", content):
            pass
    return installed + time.perf_counter() - started
