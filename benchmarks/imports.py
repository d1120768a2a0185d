"""What a layer saves a function that starts: imports from a read-only folder, against the tree that uv installs.

`make benchmark-imports`. A function starts with nothing in the page cache or with all of it: both are measured.
"""

import contextlib
import os
import platform
import shutil
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

from benchmarks import recipes
from benchmarks.measure import ROOT, RUNS, Row, layerwright, medians, process, publish, row
from benchmarks.peers import Wheels
from builder.layer.interpreters import find

WORK = ROOT / ".benchmarks" / "imports"
SERIES = "3.12"
PACKAGES = {"pandas": "2.2.3", "lxml": "6.0.2", "cryptography": "46.0.3", "boto3": "1.40.0"}
STATEMENTS = {
    "pandas": "import pandas",
    "lxml": "import lxml.etree, lxml.html",
    "cryptography": "import cryptography.fernet, cryptography.x509",
    "boto3": "import boto3; boto3.client('s3', region_name='eu-central-1')",
}


def unpacked(name: str) -> Path:
    """Build the layer of a package, and unpack it; return what is /opt in Lambda."""
    recipes.write(WORK, name, recipes.pip([f"{name}=={{version}}"]), version=PACKAGES[name])
    layerwright("lock", name, cwd=WORK)
    layerwright("build", name, "--no-test", cwd=WORK)
    opt = WORK / "opt" / name
    shutil.rmtree(opt, ignore_errors=True)
    with zipfile.ZipFile(next((WORK / "dist").glob(f"{name}-*-x86_64.zip"))) as archive:
        archive.extractall(opt)
    return opt / "python"


def by_uv(name: str) -> Path:
    """Install the same packages with uv alone."""
    lock = (WORK / "recipes" / name / "requirements.lock").read_text()
    wheels = Wheels(folder=WORK / "uv" / name, lines=lock, series=SERIES, machine="x86_64")
    wheels.folder.mkdir(parents=True, exist_ok=True)
    wheels.install()
    return wheels.target


def forget(tree: Path) -> None:
    """Have Linux drop a folder's files from the page cache."""
    for path in tree.rglob("*"):
        if path.is_file():
            with contextlib.closing(os.fdopen(os.open(path, os.O_RDONLY))) as stream:
                os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def started(name: str, tree: Path, python: str, *, cold: bool) -> Callable[[], float]:
    def once() -> float:
        if cold:
            forget(tree)
        env = {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
        return process([python, "-s", "-c", STATEMENTS[name]], cwd=WORK, env=env).wall

    return once


def rows(name: str, python: str) -> list[Row]:
    ours, theirs = unpacked(name), by_uv(name)
    os.sync()
    measured = medians(
        *(started(name, tree, python, cold=cold) for cold in (False, True) for tree in (ours, theirs)),
    )
    warm, warm_uv, cold, cold_uv = measured
    return [
        row(f"import {name}, in the page cache", (warm, "s"), (warm_uv, "s"), warm_uv / warm, ">= 3"),
        row("the same, from the disk", (cold, "s"), (cold_uv, "s"), cold_uv / cold, ">= 1"),
    ]


def main() -> None:
    interpreter = find(SERIES)
    if platform.machine() != "x86_64" or interpreter is None:
        sys.exit(f"imports are measured with Python {SERIES} on x86_64")
    WORK.mkdir(parents=True, exist_ok=True)
    found = [each for name in PACKAGES for each in rows(name, interpreter.command[0])]
    text = f"Seconds, medians of {RUNS}, Python {interpreter.version}, {os.cpu_count()} processors, one run."
    publish(found, "imports-speed", text)


if __name__ == "__main__":
    main()
