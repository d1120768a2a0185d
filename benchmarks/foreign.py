"""`make benchmark-foreign`: compiling for the other architecture, against the engine's own and against emulation.

What is timed is `layerwright build --recompile`: the compile steps alone run anew, then checks and the zip. Emulation
that takes longer than ten minutes is measured by `--emulated NAME` and kept in `emulated.json` with date and machine.
"""

import datetime as dt
import json
import os
import platform
import shutil
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import Row, process, publish
from builder.model.architectures import ARCHITECTURES, X86_64, host_architecture
from builder.model.images import build_image
from builder.model.runtimes import runtime

ROOT = Path(__file__).parents[1]
WORK = ROOT / ".benchmarks" / "foreign"
KEPT = Path(__file__).with_name("emulated.json")
LAYERWRIGHT = [sys.executable, "-m", "builder"]
RUNS = 3
"""Of builds that are faster than LONG seconds; longer ones run once."""
LONG = 100.0
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


@dataclass(frozen=True, kw_only=True)
class Case:
    """One package, and at most how much slower than native, at least how much faster than emulated it must be."""

    name: str
    native: float
    emulated: float
    version: str = ""
    """Of a package that this repository has no recipe for."""
    runtime: str = "python3.13"


CASES = (
    Case(name="zstandard", version="0.25.0", native=1.3, emulated=5),
    Case(name="lz4", version="4.4.5", native=1.3, emulated=5),
    Case(name="msgpack", version="1.2.4", native=1.3, emulated=5),
    Case(name="pyyaml", native=1.3, emulated=5),
    Case(name="psycopg2", native=1.6, emulated=5),
    Case(name="mysqlclient", native=1.6, emulated=5),
    Case(name="pycurl", native=1.6, emulated=5),
    Case(name="numpy-source", native=1.3, emulated=8),
    Case(name="pandas-source", native=1.3, emulated=8),
    Case(name="jq", runtime="provided.al2023", native=1.5, emulated=6),
    Case(name="qpdf", runtime="provided.al2023", native=1.5, emulated=6),
    Case(name="better-sqlite3", runtime="nodejs22.x", native=1.5, emulated=5),
    Case(name="ffmpeg", runtime="provided.al2023", native=1.5, emulated=6),
)


def seconds(case: Case, route: str) -> float:
    """Return the time of one build; what was installed for it before is kept."""
    own = host_architecture() or X86_64
    arch = own if route == "native" else next(one for one in ARCHITECTURES.values() if one != own)
    command = [*LAYERWRIGHT, "build", case.name, "--arch", arch.name, "--runtime", case.runtime, "--route", route]
    return process([*command, "--recompile"], cwd=WORK).wall


def measured(action: Callable[[], float], first: float) -> float:
    """Return the median of several runs, or that of the only one if it took long."""
    return first if first > LONG else statistics.median([action() for _ in range(RUNS)])


def emulated(case: Case, kept: dict[str, dict[str, str | float]]) -> tuple[float, str]:
    """Return the time under emulation, and the day if it was another one."""
    if found := kept.get(case.name):
        return float(found["seconds"]), f" ({found['date']})"
    return seconds(case, "emulated"), ""


def rows(case: Case, kept: dict[str, dict[str, str | float]]) -> list[Row]:
    """Measure one package three ways. Each way runs once before, so that all it needs is there."""

    def native() -> float:
        return seconds(case, "native")

    def accelerated() -> float:
        return seconds(case, "accelerated")

    first = [native(), accelerated()]
    own, fast = (measured(action, once) for action, once in zip((native, accelerated), first, strict=True))
    slow, when = emulated(case, kept)
    print(f"{case.name}: native {own:.1f}, accelerated {fast:.1f}, emulated {slow:.1f}{when}", file=sys.stderr)
    return [
        Row(
            what=f"{case.name}, against native",
            ours=f"{fast:.1f} s",
            theirs=f"{own:.1f} s",
            ratio=fast / own,
            goal=f"<= {case.native}",
        ),
        Row(
            what=f"{case.name}, times as fast as emulated",
            ours=f"{fast:.1f} s",
            theirs=f"{slow:.1f} s{when}",
            ratio=slow / fast,
            goal=f">= {case.emulated}",
        ),
    ]


def prepare() -> None:
    """Lay out the recipes and keep what is made apart from what users have."""
    shutil.rmtree(WORK / "recipes", ignore_errors=True)
    for case in CASES:
        folder = WORK / "recipes" / case.name
        if case.version:
            folder.mkdir(parents=True)
            (folder / "recipe.toml").write_text(RECIPE.format(name=case.name, version=case.version))
        else:
            shutil.copytree(ROOT / "recipes" / case.name, folder)
    os.environ["PYTHONPATH"] = str(ROOT)
    os.environ.setdefault("LAYERWRIGHT_CACHE", str(WORK / "cache"))


def keep(names: list[str]) -> None:
    """Measure under emulation what takes longer than somebody waits, and write it down."""
    kept = json.loads(KEPT.read_text())
    for case in (case for case in CASES if case.name in names):
        process([*LAYERWRIGHT, "plan", case.name], cwd=WORK)
        took = seconds(case, "emulated")
        today = dt.datetime.now(tz=dt.timezone.utc).date().isoformat()
        kept[case.name] = {"seconds": round(took, 1), "date": today, "processors": os.cpu_count() or 0, "cpu": cpu()}
        KEPT.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n")
        print(f"{case.name}: {took:.1f} s emulated")


def cpu() -> str:
    """Return what the processor calls itself."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    found = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return found[0] if found else platform.machine()


def main() -> None:
    prepare()
    if "--emulated" in sys.argv:
        keep(sys.argv[sys.argv.index("--emulated") + 1 :])
        return
    kept = json.loads(KEPT.read_text())
    asked = [word for word in sys.argv[1:] if not word.startswith("-")]
    chosen = [case for case in CASES if not asked or case.name in asked]
    found = [row for case in chosen for row in rows(case, kept)]
    registry = build_image(runtime("python3.13"), X86_64).name.split("/")[0]
    text = f"Medians of {RUNS}, one run above {LONG:.0f} s; {os.cpu_count()} processors, images of {registry}."
    publish(found, "foreign", text)


main()
