"""`make benchmark-nightly`: thousands of layers unchanged, 200 built, a second node, and the page of thousands.

`python -m benchmarks.nightly [quiet] [many] [wheels] [nodes] [page]` takes some of it. `nodes` needs root and
`make standin`, `page` needs Chromium and its driver.
"""

import functools
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import recipes
from benchmarks.measure import Row, process, publish
from benchmarks.peers import SAM, Sam, install_sam

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from kit import fleet, standin  # noqa: E402  the path is set above
from kit.farm import Daemon, farm  # noqa: E402

from builder.report import write  # noqa: E402

if TYPE_CHECKING:
    from selenium.webdriver.chrome.webdriver import WebDriver

WORK = ROOT / ".benchmarks" / "nightly"
LAYERWRIGHT = [sys.executable, "-m", "builder"]
RUNS = 5
RUNTIMES = ("python3.10", "python3.11", "python3.12", "python3.13", "python3.14")
PEER_RUNTIME = "python3.12"
PEERS = 10
TIMES = 10
PAGES = {1000: "page of 1000 targets", 5000: "page of 5000 targets"}
PACKAGES = {
    "markupsafe": "3.0.3",
    "pyyaml": "6.0.3",
    "orjson": "3.11.5",
    "msgpack": "1.1.2",
    "lz4": "4.4.5",
    "zstandard": "0.25.0",
    "regex": "2025.11.3",
    "frozenlist": "1.8.0",
    "wrapt": "2.0.1",
    "lxml": "6.0.2",
    "pillow": "12.0.0",
    "cryptography": "46.0.3",
    "psycopg2-binary": "2.9.11",
    "cffi": "2.0.0",
    "pydantic-core": "2.41.5",
    "protobuf": "6.33.2",
    "yarl": "1.22.0",
    "aiohttp": "3.13.2",
    "charset-normalizer": "3.4.4",
    "bcrypt": "5.0.0",
}
COMPILED = {"zstandard": "0.25.0", "lz4": "4.4.5", "msgpack": "1.1.2", "regex": "2025.11.3"}


def written(folder: Path, packages: dict[str, str], runtimes: tuple[str, ...], *, wheels: str, both: bool) -> None:
    shutil.rmtree(folder / "recipes", ignore_errors=True)
    for name, version in packages.items():
        architectures = recipes.BOTH if both else ("x86_64",)
        step = recipes.pip([f"{name}=={{version}}"], wheels)
        recipes.write(folder, name, step, version=version, runtimes=runtimes, architectures=architectures)


def nightly(folder: Path, *arguments: str) -> float:
    """Run a night and return its seconds."""
    command = [*LAYERWRIGHT, "nightly", "--test", "never", *arguments]
    return process(command, cwd=folder, env={"PYTHONPATH": str(ROOT)}).wall


def median(action: Callable[[], float], runs: int = RUNS) -> float:
    return statistics.median(action() for _ in range(runs))


def seconds(what: str, ours: float, theirs: float, goal: str, baseline: str = "") -> Row:
    """Return a line that tells how many times as fast, or what part of the time."""
    ratio = theirs / ours if goal.startswith(">=") else ours / theirs
    return Row(what=what, ours=f"{ours:.2f} s", theirs=baseline or f"{theirs:.2f} s", ratio=ratio, goal=goal)


# ---- two hundred layers of wheels ----------------------------------------------------------------------------------


def two_hundred() -> int:
    """Lay out the recipes with locks, and return how many targets they have."""
    written(WORK, PACKAGES, RUNTIMES, wheels="only", both=True)
    process([*LAYERWRIGHT, "lock", "--all"], cwd=WORK, env={"PYTHONPATH": str(ROOT)})
    return len(PACKAGES) * len(RUNTIMES) * 2


def built(count: int) -> None:
    found = len(list((WORK / "dist").glob("*.zip")))
    if found != count:
        sys.exit(f"{found} zips instead of {count}")


def quiet(count: int) -> Iterator[Row]:
    nightly(WORK)
    built(count)
    yield seconds(f"{count} targets, nothing changed", median(lambda: nightly(WORK)), 2.0, "<= 1", "2 s wanted")


def many() -> Iterator[Row]:
    """Have the recipes of the two hundred ten times, under other names."""
    folder = WORK / "many"
    names = [f"{name}-{number}" for name in PACKAGES for number in range(TIMES)]
    shutil.rmtree(folder / "recipes", ignore_errors=True)
    for name in names:
        package = name.rpartition("-")[0]
        step = recipes.pip([f"{package}=={{version}}"], "only")
        both = recipes.BOTH
        recipes.write(folder, name, step, version=PACKAGES[package], runtimes=RUNTIMES, architectures=both)
        for lock in (WORK / "recipes" / package).glob("*.lock"):
            shutil.copy(lock, folder / "recipes" / name / lock.name)
    nightly(folder)
    count = len(names) * len(RUNTIMES) * 2
    found = len(list((folder / "dist").glob("*.zip")))
    if found != count:
        sys.exit(f"{found} zips instead of {count}")
    yield seconds(f"{count} targets, nothing changed", median(lambda: nightly(folder), 3), 3.0, "<= 1", "3 s wanted")


def wheels(count: int) -> Iterator[Row]:
    """Build all from warm caches; SAM CLI builds ten of them and is scaled."""
    nightly(WORK)

    def ours() -> float:
        shutil.rmtree(WORK / "dist")
        return nightly(WORK)

    own = median(ours, 3)
    built(count)
    sam = install_sam(ROOT / ".benchmarks")
    with tempfile.TemporaryDirectory() as name:
        theirs = 0.0
        for package in list(PACKAGES)[:PEERS]:
            peer = Sam(Path(name) / package, (f"{package}=={PACKAGES[package]}",), PEER_RUNTIME, "x86_64")
            peer.build(sam)  # fills pip's cache
            theirs += peer.build(sam)
    scaled = theirs / PEERS * count
    yield seconds(f"{count} targets of wheels built, warm caches", own, 9.0, "<= 1", "9 s wanted")
    what = f"{count} targets of wheels, warm caches, against a loop of `sam build` + `zip`"
    yield seconds(what, own, scaled, ">= 8", f"{scaled:.0f} s ({PEERS} measured, scaled)")


# ---- a second node -------------------------------------------------------------------------------------------------


@contextmanager
def pinned(daemons: list[Daemon]) -> Iterator[None]:
    """Give each node a processor of its own: what it runs has it from its daemon."""
    for number, one in enumerate(daemons):
        if one.process:
            command = ["taskset", "--all-tasks", "--cpu-list", "--pid", str(number), str(one.process.pid)]
            subprocess.run(command, check=True, capture_output=True)
    yield


def nodes() -> Iterator[Row]:
    if (os.cpu_count() or 1) < 2:  # noqa: PLR2004  a processor for each node
        sys.exit("two nodes need two processors")
    folder = WORK / "nodes"
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["LAYERWRIGHT_CACHE"] = str(folder / "cache")
    os.environ.update(standin.environment(folder / "pins"))
    (folder / "pins").mkdir(exist_ok=True)
    standin.pin(folder / "pins")
    written(folder, COMPILED, ("python3.13", "python3.14"), wheels="never", both=False)
    with tempfile.TemporaryDirectory(prefix="farm-") as place:
        one = _night(folder, Path(place) / "one", 1)
        two = _night(folder, Path(place) / "two", 2)
    what = f"{2 * len(COMPILED)} compiled targets, one node of one processor against two"
    yield seconds(what, two, one, ">= 1.7")


def _night(folder: Path, place: Path, count: int) -> float:
    """Compile everything anew on so many nodes, each of which has images and packages from a night before."""
    with farm(place, *["amd64"] * count) as (name, daemons), pinned(daemons):
        arguments = ("--builder", name, "--compiles", "1", "--arch", "x86_64", "--recompile")
        nightly(folder, *arguments)
        return median(lambda: nightly(folder, *arguments), 3)


# ---- the page ------------------------------------------------------------------------------------------------------


def page() -> Iterator[Row]:
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for flag in ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"):
        options.add_argument(flag)
    service = webdriver.ChromeService(executable_path=str(shutil.which("chromedriver")))
    with webdriver.Chrome(options=options, service=service) as browser:
        for count, what in PAGES.items():
            folder = WORK / f"page-{count}"
            shutil.rmtree(folder, ignore_errors=True)
            fleet.fill(folder, count)
            found = write.write([folder], folder / "report").page
            usable = median(functools.partial(_opened, browser, found.as_uri()))
            yield seconds(f"{what}, until it can be used", usable, 1.0, "<= 1", "1 s wanted")
            searched = median(functools.partial(_searched, browser, found.as_uri()))
            yield seconds("its first search, which unpacks what all layers have", searched, 1.0, "", "1 s wanted")
            size = found.stat().st_size / 1e6
            wanted = 5 * count / 1000
            yield Row(
                what="its size",
                ours=f"{size:.2f} MB",
                theirs=f"{wanted:.0f} MB wanted",
                ratio=size / wanted,
                goal="<= 1",
            )


def _opened(browser: "WebDriver", address: str) -> float:
    """Open a page, and return the seconds until it says that it can be used."""
    browser.get("about:blank")
    browser.get(address)
    while not (ready := browser.execute_script("return document.documentElement.dataset.ready")):
        pass
    return float(ready) / 1000


def _searched(browser: "WebDriver", address: str) -> float:
    """Open a page, and return the seconds from the first letter of a search until its result is shown."""
    _opened(browser, address)
    script = """
    const done = arguments[0], started = performance.now(), shown = document.getElementById("shown");
    new MutationObserver(() => { if (/ of /.test(shown.textContent)) done(performance.now() - started); })
      .observe(shown, { childList: true });
    document.getElementById("q").value = "arm64";
    document.getElementById("filter").dispatchEvent(new Event("input"));
    """
    return float(browser.execute_async_script(script)) / 1000


def main() -> None:
    parts = {"quiet", "many", "wheels", "nodes", "page"}
    asked = [word for word in sys.argv[1:] if not word.startswith("-")]
    if unknown := set(asked) - parts:
        sys.exit(f"there is no {', '.join(unknown)}; {', '.join(sorted(parts))}")
    chosen = set(asked) or parts
    WORK.mkdir(parents=True, exist_ok=True)
    os.environ["LAYERWRIGHT_CACHE"] = str(WORK / "cache")
    found: list[Row] = []
    if chosen & {"quiet", "many", "wheels"}:
        count = two_hundred()
        found += quiet(count) if "quiet" in chosen else ()
        found += many() if "many" in chosen else ()
        found += wheels(count) if "wheels" in chosen else ()
    found += page() if "page" in chosen else ()
    found += nodes() if "nodes" in chosen else ()
    publish(found, "nightly-speed", f"Medians of {RUNS} (builds: 3); {os.cpu_count()} processors; {SAM}.")


if __name__ == "__main__":
    main()
