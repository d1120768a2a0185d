"""Timing whole processes."""

import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

RUNS = 5
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, kw_only=True)
class Run:
    """One finished process."""

    wall: float
    cpu: float
    """Seconds of user and system time, with children."""
    stopped: bool = False
    """It had not ended at its limit."""


def process(
    command: Sequence[str | Path], *, cwd: Path, env: Mapping[str, str] | None = None, limit: float | None = None
) -> Run:
    """Run a command to its end; a failure ends the benchmark and shows what the command said.

    After `limit` seconds it is asked to stop, as by Ctrl-C, and what it took until then is returned.
    """
    started = time.perf_counter()
    stopped = threading.Event()
    child = subprocess.Popen(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )

    def stop() -> None:
        stopped.set()
        child.send_signal(signal.SIGINT)

    timer = threading.Timer(limit, stop) if limit else None
    if timer:
        timer.start()
    output = child.stdout.read() if child.stdout else b""
    _, status, usage = os.wait4(child.pid, 0)
    if timer:
        timer.cancel()
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode and not stopped.is_set():
        sys.exit(f"{' '.join(map(str, command))} failed:\n{output.decode(errors='replace')}")
    return Run(wall=time.perf_counter() - started, cpu=usage.ru_utime + usage.ru_stime, stopped=stopped.is_set())


def layerwright(*arguments: str, cwd: Path, tree: Path = ROOT, cache: Path | None = None) -> Run:
    """Run the layerwright of a tree; without `cache`, with that of the user."""
    env = {"PYTHONPATH": str(tree), **({"LAYERWRIGHT_CACHE": str(cache)} if cache else {})}
    return process((sys.executable, "-m", "builder", *arguments), cwd=cwd, env=env)


def peak(arguments: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> int:
    """Return the most bytes that layerwright ever had in memory, as Linux counted them for that very process.

    The rusage of a child begins with what its parent had.
    """
    code = "from builder.cli import run; run(); print(open('/proc/self/status').read())"
    finished = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=cwd,
        env={**os.environ, **env},
        stdout=subprocess.PIPE,
        check=True,
        encoding="utf-8",
    )
    found = re.search(r"VmHWM:\s+(\d+) kB", finished.stdout)
    return int(found[1]) * 1024 if found else sys.exit("the peak is measured on Linux")


def medians(*actions: Callable[[], float]) -> list[float]:
    """Run several actions in turn, once to warm up and then RUNS times; return the median of each.

    Taking turns lets a machine whose speed drifts slow all of them alike.
    """
    results: list[list[float]] = [[] for _ in actions]
    for number in range(RUNS + 1):
        for index, action in enumerate(actions):
            value = action()
            if number:
                results[index].append(value)
    return [statistics.median(values) for values in results]


class Timed:
    """An action for `medians`, which takes what a clock shows, that keeps the seconds of CPU as well."""

    def __init__(self, action: Callable[[], Run]) -> None:
        self._action = action
        self._taken: list[float] = []

    def __call__(self) -> float:
        run = self._action()
        self._taken.append(run.cpu)
        return run.wall

    @property
    def cpu(self) -> float:
        """The median of all runs but the first, which warms up."""
        return statistics.median(self._taken[1:])


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table."""

    what: str
    ours: str
    theirs: str
    ratio: float
    goal: str = ""
    """`>= 6`, `<= 1.6`, or empty for what is only told."""

    @property
    def met(self) -> bool:
        if not self.goal:
            return True
        word, limit = self.goal.split()
        return self.ratio >= float(limit) if word == ">=" else self.ratio <= float(limit)

    def __str__(self) -> str:
        judged = f"{self.goal.replace(' ', '&nbsp;')} {'✓' if self.met else '✗'}" if self.goal else ""
        return f"| {self.what} | {self.ours} | {self.theirs} | {self.ratio:.2f} | {judged} |"


def row(what: str, ours: tuple[float, str], theirs: tuple[float, str], ratio: float, goal: str = "") -> Row:
    """Return a line from values with their units."""
    shown = [f"{value:.2f} {unit}" for value, unit in (ours, theirs)]
    return Row(what=what, ours=shown[0], theirs=shown[1], ratio=ratio, goal=goal)


def table(rows: Sequence[Row]) -> str:
    head = ["| measured | layerwright | baseline | ratio | goal |", "| --- | --- | --- | --- | --- |"]
    return "\n".join([*head, *map(str, rows)])


def _page(marker: str) -> Path:
    """Return the page of the documentation that has these markers."""
    pages = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    return next(page for page in pages if f"<!-- {marker} -->" in page.read_text(encoding="utf-8"))


def published(marker: str) -> list[Row]:
    """Return the lines that a page has between two markers."""
    text = (
        _page(marker).read_text(encoding="utf-8").partition(f"<!-- {marker} -->")[2].partition(f"<!-- /{marker} -->")[0]
    )
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| ")]
    return [
        Row(what=what, ours=ours, theirs=theirs, ratio=float(ratio), goal=goal.replace("&nbsp;", " ").rstrip(" ✓✗"))
        for what, ours, theirs, ratio, goal in cells[2:]
    ]


def git(*arguments: str | Path) -> str:
    """Run git in the repository; return what it prints."""
    program = shutil.which("git") or sys.exit("needs git")
    return subprocess.check_output([program, *arguments], cwd=ROOT, encoding="utf-8").strip()


def _remember(rows: Sequence[Row], marker: str) -> None:
    """Add a table to those of earlier revisions."""
    path = ROOT / "benchmarks" / "history.json"
    tables = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    revision = git("rev-parse", "--short", "HEAD")
    values = {one.what: [one.ours, one.theirs, round(one.ratio, 3)] for one in rows}
    entry = {"table": marker, "date": f"{datetime.now(UTC):%Y-%m-%d}", "revision": revision}
    tables.append({**entry, "processors": os.cpu_count(), "rows": values})
    path.write_text(json.dumps(tables, indent=1, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")


def publish(rows: Sequence[Row], marker: str, conditions: str) -> None:
    """Print the table, put it between the markers of a page if `--write` asks for it, and judge the goals.

    What is written is also added to `benchmarks/history.json`: for each row what both took, and the ratio.
    """
    found = f"{table(rows)}\n\n{conditions}"
    print(found)
    if "--write" in sys.argv:
        _remember(rows, marker)
        page = _page(marker)
        marked = re.sub(
            rf"(<!-- {marker} -->\n).*?(<!-- /{marker} -->)",
            lambda match: f"{match[1]}{found}\n{match[2]}",
            page.read_text(encoding="utf-8"),
            flags=re.DOTALL,
        )
        page.write_text(marked, encoding="utf-8", newline="\n")
    sys.exit(0 if all(one.met for one in rows) else 1)
