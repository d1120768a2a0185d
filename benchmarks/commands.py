"""What starting costs: commands that find nothing to do, as multiples of the least that such a tool can take.

`make benchmark-commands`. Seconds of CPU, with children. The baselines are Python with the library that reads the
command line, and our own `--help`.
"""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks import recipes
from benchmarks.measure import ROOT, RUNS, Row, layerwright, medians, process, publish, row

WORK = ROOT / ".benchmarks" / "commands"
RUNTIMES = ("python3.12", "python3.13")
LISTED, PLANNED, NIGHT = 1000, 200, 10
LEAST = (sys.executable, "-c", "import click")
HELP = ("--help",)


def write(folder: Path, names: list[str], runtimes: tuple[str, ...], architectures: tuple[str, ...]) -> None:
    """Write recipes of numpy."""
    for name in names:
        step = recipes.pip(["numpy=={version}"])
        recipes.write(folder, name, step, version="2.3.2", runtimes=runtimes, architectures=architectures)


def locked(folder: Path, names: list[str], runtimes: tuple[str, ...], architectures: tuple[str, ...]) -> None:
    """Write recipes of numpy, and lock the first for all of them."""
    write(folder, names, runtimes, architectures)
    first = folder / "recipes" / names[0] / "requirements.lock"
    if not first.exists():
        layerwright("lock", names[0], cwd=folder)
    for name in names[1:]:
        shutil.copy(first, folder / "recipes" / name / "requirements.lock")


def several(kind: str, count: int) -> list[str]:
    return [f"{kind}{number:04}" for number in range(count)]


def prepared() -> dict[str, Path]:
    """Make the folders that the commands run in, with what they have built before."""
    folders = {name: WORK / name for name in ("listed", "planned", "one", "night")}
    locked(folders["listed"], several("r", LISTED), RUNTIMES[:1], ("x86_64",))
    locked(folders["planned"], several("p", PLANNED), RUNTIMES[:1], ("x86_64",))
    locked(folders["one"], ["numpy"], RUNTIMES, recipes.BOTH)
    locked(folders["night"], several("n", NIGHT), RUNTIMES, recipes.BOTH)
    layerwright("build", "numpy", "--no-test", cwd=folders["one"])
    layerwright("nightly", "--test", "never", cwd=folders["night"])
    return folders


def main() -> None:
    WORK.mkdir(parents=True, exist_ok=True)
    folders = prepared()

    def ours(folder: str, *arguments: str) -> Callable[[], float]:
        return lambda: layerwright(*arguments, cwd=folders[folder]).cpu

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
