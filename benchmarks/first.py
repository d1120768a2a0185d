"""The first minute: from a fresh clone to a zip, against the least that it takes. `make benchmark-first`.

Packages are cached by pip and uv, as after any other project with them. The baseline is an environment that uv makes of
the same requirements, and a build by a layerwright that is installed already, both with empty caches of layerwright.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

from uv import find_uv_bin

from benchmarks.measure import ROOT, RUNS, Run, git, layerwright, medians, process, publish, row

RECIPE, ARCH = "numpy", "arm64"
GOAL = 8
"""Seconds of CPU."""


def clone(folder: Path) -> Path:
    made = folder / "clone"
    shutil.rmtree(made, ignore_errors=True)
    git("clone", "-q", ROOT, made)
    return made


def ours(folder: Path) -> Run:
    """Clone, and build the recipe as the README says."""
    make = shutil.which("make") or sys.exit("needs make")
    env = {"LAYERWRIGHT_CACHE": str(folder / "cache"), "PATH": os.environ["PATH"]}
    shutil.rmtree(folder / "cache", ignore_errors=True)
    return process((make, "layer", f"RECIPE={RECIPE}", f"ARCH={ARCH}", "ARGS=--no-test"), cwd=clone(folder), env=env)


def least(folder: Path) -> Run:
    """Let uv make an environment, and build with the layerwright that runs this."""
    shutil.rmtree(folder / "venv", ignore_errors=True)
    shutil.rmtree(folder / "cache", ignore_errors=True)
    uv, python = find_uv_bin(), folder / "venv" / "bin" / "python"
    made = process((uv, "venv", "--quiet", folder / "venv"), cwd=folder)
    requirements = ROOT / "requirements" / "run.txt"
    installed = process((uv, "pip", "install", "--quiet", "--python", python, "-r", requirements), cwd=folder)
    options = ("--arch", ARCH, "--no-test", "--rebuild", "--output", str(folder / "dist"))
    built = layerwright("build", RECIPE, *options, cwd=ROOT, cache=folder / "cache")
    runs = (made, installed, built)
    return Run(wall=sum(run.wall for run in runs), cpu=sum(run.cpu for run in runs))


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="layerwright-first-") as name:
        folder = Path(name)
        cpu, other = medians(lambda: ours(folder).cpu, lambda: least(folder).cpu)
    what = f"fresh clone to `make layer RECIPE={RECIPE} ARCH={ARCH}`, seconds of CPU"
    same = "the same, against `uv venv`, `uv pip install` and the build"
    rows = [
        row(what, (cpu, "s"), (GOAL, "s"), cpu / GOAL, "<= 1"),
        row(same, (cpu, "s"), (other, "s"), cpu / other, "<= 2"),
    ]
    publish(rows, "first-minute", f"Medians of {RUNS}, packages cached by pip and uv, {os.cpu_count()} processors.")


if __name__ == "__main__":
    main()
