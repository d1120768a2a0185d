"""The same layer by SAM CLI, and the floor under any tool: uv's install and deflate, nothing else."""

import os
import shutil
import subprocess
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import deflate
from uv import find_uv_bin

from benchmarks.measure import Run, process
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


@dataclass(frozen=True, kw_only=True)
class Wheels:
    """Locked wheels for a Python on a machine, installed by uv alone."""

    folder: Path
    lines: str
    """Requirements with hashes."""
    series: str
    machine: str

    @property
    def target(self) -> Path:
        return self.folder / "by-uv" / "python"

    def install(self, *more: str) -> Run:
        shutil.rmtree(self.target, ignore_errors=True)
        requirements = self.folder / "by-uv.txt"
        requirements.write_text(self.lines)
        interpreter = find(self.series)
        python = interpreter.command[0] if interpreter else sys.executable
        command: list[str | Path] = [
            *(find_uv_bin(), "pip", "install", "--quiet", "--target", self.target, "--no-deps", "--require-hashes"),
            *("--only-binary", ":all:", "--python", python, "--python-version", self.series, *more),
            *("--python-platform", f"{self.machine}-manylinux_2_34", "--no-python-downloads", "-r", requirements),
        ]
        return process(command, cwd=self.folder)

    def zipped(self) -> Run:
        """Install them, and zip the folder as people do who have no layerwright."""
        installed = self.install()
        zipped = self.folder / "by-uv.zip"
        zipped.unlink(missing_ok=True)
        packed = process(["zip", "-qr", zipped, "python"], cwd=self.target.parent)
        return Run(wall=installed.wall + packed.wall, cpu=installed.cpu + packed.cpu)


def floor(wheels: Wheels, layer: Path, *more: str) -> float:
    """Install the same wheels with uv alone, deflate the same bytes alone; return seconds. `more` are options of uv."""
    installed = wheels.install(*more).wall
    with zipfile.ZipFile(layer) as archive:
        content = [archive.read(info) for info in archive.infolist()]
    started = time.perf_counter()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(lambda data: deflate.deflate_compress(data, LEVEL) if data else b"", content):
            pass
    return installed + time.perf_counter() - started
