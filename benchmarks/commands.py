"""What starting costs: commands that find nothing to do, as multiples of the least that such a tool can take.

`make benchmark-commands`. Seconds of CPU, with children. The baselines are Python with the library that reads the
command line, and our own `--help`.
"""

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.measure import RUNS, Row, medians, process, publish, row

ROOT = Path(__file__).parents[1]
WORK = ROOT / ".benchmarks" / "commands"
RUNTIMES = ("python3.12", "python3.13")
LISTED, PLANNED, NIGHT = 1000, 200, 10
RECIPE = """\
[layer]
name        = "{name}"
version     = "2.3.2"
description = "for the benchmark"
license     = "BSD-3-Clause"

[targets]
runtimes      = {runtimes}
architectures = {architectures}

[[step]]
uses         = "pip"
requirements = ["numpy=={{version}}"]
"""
LEAST = (sys.executable, "-c", "import click")
HELP = ("--help",)


def write(folder: Path, names: list[str], runtimes: tuple[str, ...], architectures: tuple[str, ...]) -> None:
    """Write recipes of numpy."""
    for name in names:
        place = folder / "recipes" / name
        place.mkdir(parents=True, exist_ok=True)
        text = RECIPE.format(name=name, runtimes=json.dumps(runtimes), architectures=json.dumps(architectures))
        (place / "recipe.toml").write_text(text)


def recipes(folder: Path, names: list[str], runtimes: tuple[str, ...], architectures: tuple[str, ...]) -> None:
    """Write recipes of numpy, and lock the first for all of them."""
    write(folder, names, runtimes, architectures)
    first = folder / "recipes" / names[0] / "requirements.lock"
    if not first.exists():
        _layerwright(folder, "lock", names[0])
    for name in names[1:]:
        shutil.copy(first, folder / "recipes" / name / "requirements.lock")


def _layerwright(folder: Path, *arguments: str) -> float:
    """Run a command; return its seconds of CPU."""
    return process((sys.executable, "-m", "builder", *arguments), cwd=folder, env={"PYTHONPATH": str(ROOT)}).cpu


def several(kind: str, count: int) -> list[str]:
    return [f"{kind}{number:04}" for number in range(count)]


def prepared() -> dict[str, Path]:
    """Make the folders that the commands run in, with what they have built before."""
    folders = {name: WORK / name for name in ("listed", "planned", "one", "night")}
    recipes(folders["listed"], several("r", LISTED), RUNTIMES[:1], ("x86_64",))
    recipes(folders["planned"], several("p", PLANNED), RUNTIMES[:1], ("x86_64",))
    recipes(folders["one"], ["numpy"], RUNTIMES, ("x86_64", "arm64"))
    recipes(folders["night"], several("n", NIGHT), RUNTIMES, ("x86_64", "arm64"))
    _layerwright(folders["one"], "build", "numpy", "--no-test")
    _layerwright(folders["night"], "nightly", "--test", "never")
    return folders


def main() -> None:
    WORK.mkdir(parents=True, exist_ok=True)
    folders = prepared()

    def ours(folder: str, *arguments: str) -> Callable[[], float]:
        return lambda: _layerwright(folders[folder], *arguments)

    targets = len(RUNTIMES) * 2
    measured = medians(
        lambda: process(LEAST, cwd=WORK).cpu,
        ours("one", *HELP),
        ours("listed", "list"),
        ours("listed", "lint"),
        ours("planned", "plan", "--all"),
        ours("one", "build", "numpy", "--no-test"),
        ours("night", "nightly", "--test", "never"),
    )
    least, own = measured[:2]
    against_click = (
        ("`layerwright --help`", "<= 1.5"),
        (f"`list` over {LISTED:,} recipes", "<= 10"),
        (f"`lint` over {LISTED:,} recipes", "<= 20"),
        (f"`plan --all` of {PLANNED} locked recipes", "<= 40"),
    )
    against_help = (
        (f"unchanged `build numpy` of {targets} targets", "<= 5"),
        (f"unchanged night of {NIGHT * targets} targets", "<= 5"),
    )
    rows: list[Row] = [
        row(f"{what}, against `python -c 'import click'`", (taken, "s"), (least, "s"), taken / least, goal)
        for (what, goal), taken in zip(against_click, measured[1:5], strict=True)
    ]
    rows += [
        row(f"{what}, against `layerwright --help`", (taken, "s"), (own, "s"), taken / own, goal)
        for (what, goal), taken in zip(against_help, measured[5:], strict=True)
    ]
    publish(rows, "commands-speed", f"Seconds of CPU, medians of {RUNS}, {os.cpu_count()} processors, one run.")


if __name__ == "__main__":
    main()
