"""`make benchmark-foreign`: compiling for the other architecture, against the engine's own and against emulation.

What is timed is `layerwright build --recompile`: the compile steps alone run anew, then checks, tests and the zip.
Emulation is what people have without layerwright: for Python packages pip in a Dockerfile, see `by_hand.py`. What takes
hours is measured with `--emulated NAME` only, and kept in `emulated.json` with date and machine. `--native` leaves
emulation out, and the documentation's lines of it as they are.
"""

import datetime as dt
import functools
import json
import os
import platform
import shutil
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.by_hand import ByHand
from benchmarks.measure import Row, Run, process, publish, published
from builder.model import recipes
from builder.model.architectures import ARCHITECTURES, X86_64, Architecture, host_architecture
from builder.model.images import build_image
from builder.model.runtimes import runtime
from builder.model.steps import Packages, Pip

ROOT = Path(__file__).parents[1]
WORK = ROOT / ".benchmarks" / "foreign"
KEPT = Path(__file__).with_name("emulated.json")
LAYERWRIGHT = [sys.executable, "-m", "builder"]
RUNS = 3
"""Of builds that are faster than LONG seconds; longer ones are measured once."""
LONG = 100.0
LONGER = 300.0
"""Of such builds the first one counts: what it fetches takes seconds."""
Kept = dict[str, dict[str, Any]]
ENOUGH = 1.05
"""Times the goal: from there on, how much slower emulation is does not matter."""
BASELINE = """\
Plain emulation is, for
Python packages, `pip install --no-binary` in the emulated build image and `zip -r9`, as a Dockerfile by hand does it;
for the others, `--route emulated`. "Over" is where it was stopped, once the goal was met."""
RECIPE = """\
[layer]
name        = "{name}"
version     = "{version}"
description = "for the benchmark"
license     = "MIT"

[targets]
runtimes      = ["python3.13"]
architectures = ["x86_64", "arm64"]

[[step]]
uses         = "pip"
requirements = ["{name}=={{version}}"]
wheels       = "never"
"""
SYSTEM = """\
[[step]]
uses    = "packages"
install = ["{}"]

[[step]]"""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One package, and at most how much slower than native, at least how much faster than emulated it must be."""

    name: str
    native: float
    emulated: float
    version: str = ""
    """Of a package that this repository has no recipe for."""
    package: str = ""
    """Of the system, that such a one needs."""
    runtime: str = "python3.13"
    hours: bool = False
    """Emulation takes longer than somebody waits: what `--emulated` measured once is told, if it did."""


CASES = (
    Case(name="zstandard", version="0.25.0", native=1.3, emulated=5),
    Case(name="lz4", version="4.4.5", native=1.3, emulated=5),
    Case(name="msgpack", version="1.2.4", native=1.3, emulated=5),
    Case(name="pyyaml", native=1.3, emulated=5),
    Case(name="psycopg2", native=1.6, emulated=5),
    Case(name="mysqlclient", native=1.6, emulated=5),
    Case(name="pycurl", native=1.6, emulated=5),
    Case(name="numpy-source", native=1.3, emulated=8, hours=True),
    Case(name="pandas-source", native=1.3, emulated=8, hours=True),
    Case(name="scipy-source", native=1.3, emulated=8, hours=True),
    Case(name="scikit-learn", version="1.9.1", native=1.5, emulated=6, hours=True),
    Case(name="rpds-py", version="0.22.3", package="cargo", native=1.5, emulated=6),
    Case(name="ripgrep", runtime="provided.al2023", native=1.5, emulated=6),
    Case(name="jq", runtime="provided.al2023", native=1.5, emulated=6),
    Case(name="qpdf", runtime="provided.al2023", native=1.5, emulated=6, hours=True),
    Case(name="better-sqlite3", runtime="nodejs22.x", native=1.5, emulated=5),
    Case(name="ffmpeg", runtime="provided.al2023", native=1.5, emulated=6, hours=True),
)


def other() -> Architecture:
    """Return the architecture that is not the engine's."""
    own = host_architecture() or X86_64
    return next(one for one in ARCHITECTURES.values() if one != own)


def build(case: Case, route: str, limit: float | None = None) -> Run:
    """Build once; what was installed for it before is kept."""
    arch = (host_architecture() or X86_64) if route == "native" else other()
    command = [*LAYERWRIGHT, "build", case.name, "--arch", arch.name, "--runtime", case.runtime, "--route", route]
    return process([*command, "--recompile"], cwd=WORK, limit=limit)


def measured(*actions: Callable[[], float]) -> list[float]:
    """Return the median of several runs of each, or one if they take long; one before them brings all that they need.

    They are run in turn, so that other work on the machine slows all of them.
    """
    first = [action() for action in actions]
    if max(first) > LONGER:
        return first
    runs = 1 if max(first) > LONG else RUNS
    turns = [[action() for action in actions] for _ in range(runs)]
    return [statistics.median(times) for times in zip(*turns, strict=True)]


def by_hand(case: Case) -> ByHand | None:
    """Return how a Python package is compiled under emulation without layerwright."""
    recipe = recipes.load(WORK / "recipes", case.name).recipe
    pip = next((step for step in recipe.step if isinstance(step, Pip)), None)
    if pip is None:
        return None
    return ByHand(
        folder=WORK / "by-hand" / case.name,
        image=build_image(runtime(case.runtime), other()),
        platform=other().docker,
        packages=tuple(name for step in recipe.step if isinstance(step, Packages) for name in step.install),
        name=pip.requirements[0].partition("==")[0],
        version=recipe.layer.version,
    )


def emulate(case: Case, limit: float | None = None) -> Run:
    """Compile under plain emulation, all that it needs being there."""
    hand = by_hand(case)
    if hand is None:
        return build(case, "emulated", limit)
    hand.prepare()
    return hand.run(limit)


def emulated(case: Case, kept: Kept) -> tuple[float, str]:
    """Return the time under emulation, and how it reads."""
    if found := kept.get(case.name):
        over = "over " if found.get("stopped") else ""
        return float(found["seconds"]), f"{over}{found['seconds']:.1f} s ({found['date']})"
    [took] = measured(lambda: emulate(case).wall)
    return took, f"{took:.1f} s"


def rows(case: Case, kept: Kept, *, anew: bool, native: bool) -> list[Row]:
    """Measure one package three ways, or two if only against `native`.

    What takes hours under emulation is emulated `anew`, or as it was `kept`.
    """
    own, fast = measured(*(functools.partial(seconds, case, route) for route in ("native", "accelerated")))
    load = os.getloadavg()[1]
    print(f"{case.name}: native {own:.1f} s, accelerated {fast:.1f} s, load {load:.1f}", file=sys.stderr)
    if case.hours and anew:
        keep(case, fast, kept)
    against_native = Row(
        what=f"{case.name}, against native",
        ours=f"{fast:.1f} s",
        theirs=f"{own:.1f} s",
        ratio=fast / own,
        goal=f"<= {case.native}",
    )
    if native or (case.hours and case.name not in kept):
        return [against_native]
    slow, text = emulated(case, kept)
    print(f"{case.name}: emulated {text}", file=sys.stderr)
    return [
        against_native,
        Row(
            what=f"{case.name}, times as fast as plain emulation",
            ours=f"{fast:.1f} s",
            theirs=text,
            ratio=slow / fast,
            goal=f">= {case.emulated}",
        ),
    ]


def seconds(case: Case, route: str) -> float:
    return build(case, route).wall


def prepare() -> None:
    """Lay out the recipes and keep what is made apart from what users have."""
    shutil.rmtree(WORK / "recipes", ignore_errors=True)
    for case in CASES:
        folder = WORK / "recipes" / case.name
        if case.version:
            folder.mkdir(parents=True)
            text = RECIPE.format(name=case.name, version=case.version)
            text = text.replace("[[step]]", SYSTEM.format(case.package)) if case.package else text
            (folder / "recipe.toml").write_text(text)
        else:
            shutil.copytree(ROOT / "recipes" / case.name, folder)
    os.environ["PYTHONPATH"] = str(ROOT)
    os.environ.setdefault("LAYERWRIGHT_CACHE", str(WORK / "cache"))


def keep(case: Case, fast: float, kept: Kept) -> None:
    """Measure under emulation what takes longer than somebody waits, and write it down.

    What is still running when the goal is surely met is stopped: the kept time is then the least that it takes.
    """
    run = emulate(case, limit=fast * case.emulated * ENOUGH)
    today = dt.datetime.now(tz=dt.timezone.utc).date().isoformat()
    stopped = {"stopped": True} if run.stopped else {}
    machine = {"processors": os.cpu_count() or 0, "cpu": cpu()}
    kept[case.name] = {"seconds": round(run.wall, 1), "date": today, **machine, **stopped}
    KEPT.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n")


def cpu() -> str:
    """Return what the processor calls itself."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    found = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return found[0] if found else platform.machine()


def beside(found: list[Row]) -> list[Row]:
    """Return rows in the order of CASES, with those of the documentation that were not measured this time."""
    measured_now = {row.what for row in found}
    names = [case.name for case in CASES]
    others = [row for row in published("foreign") if row.what not in measured_now and _package(row) in names]
    return sorted([*found, *others], key=lambda row: names.index(_package(row)))


def _package(row: Row) -> str:
    return row.what.partition(",")[0]


def main() -> None:
    prepare()
    anew, native = "--emulated" in sys.argv, "--native" in sys.argv
    kept: Kept = json.loads(KEPT.read_text())
    asked = [word for word in sys.argv[1:] if not word.startswith("-")]
    chosen = [case for case in CASES if not asked or case.name in asked]
    found = [row for case in chosen for row in rows(case, kept, anew=anew and case.name in asked, native=native)]
    registry = build_image(runtime("python3.13"), X86_64).name.split("/")[0]
    text = f"Medians of {RUNS} after one that warms up, one run above {LONG:.0f} s, the first above {LONGER:.0f} s, "
    text += f"native and accelerated in turn; {os.cpu_count()} processors, images of {registry}. {BASELINE}"
    publish(beside(found) if asked or native else found, "foreign", text)


main()
