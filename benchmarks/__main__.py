"""`make benchmark`: measure, print the table, and with `--write` put it into the documentation."""

import json
import os
import platform
import shutil
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import deflate

from benchmarks.measure import RUNS, Row, Run, Timed, medians, peak, process, publish, row
from benchmarks.peers import SAM, Sam, Wheels, floor, install_sam
from builder.layer.compression import LEVEL
from builder.layer.interpreters import find

ROOT = Path(__file__).parents[1]
WORK = ROOT / ".benchmarks"
LAYERWRIGHT = [sys.executable, "-m", "builder"]
PACKAGES = ("numpy==2.3.2", "pandas==2.2.3")
SERIES = "3.12"
MB = 1_000_000
DENSEST = 12
RECIPE = """\
[layer]
name        = "{name}"
version     = "1"
description = "for the benchmark"
license     = "BSD-3-Clause"

[targets]
runtimes = ["python3.12"]

[[step]]
uses         = "pip"
requirements = {requirements}

[slim]
prune    = ["python/**/tests/", "python/**/*.pyi"]
keep     = ["python/numpy/_core/tests/_natype.py"]
bytecode = "{bytecode}"
"""
BIG = ("scipy==1.15.3", "pandas==2.2.3", "numpy==2.2.6", "scikit-learn==1.6.1", "lxml==5.3.0")


def write_recipe(name: str, requirements: tuple[str, ...] = PACKAGES, *, bytecode: str = "unchecked-hash") -> None:
    folder = WORK / "recipes" / name
    folder.mkdir(parents=True, exist_ok=True)
    text = RECIPE.format(name=name, requirements=json.dumps(requirements), bytecode=bytecode)
    (folder / "recipe.toml").write_text(text)


def layer(name: str, arch: str) -> Path:
    return WORK / "dist" / f"{name}-1-python{SERIES}-{arch}.zip"


def build(name: str, arch: str, *, cache: Path | None = None) -> Run:
    """Build one zip that is not there yet. Without `cache`, ours is as warm as the peers' are."""
    shutil.rmtree(WORK / "dist", ignore_errors=True)
    env = {"LAYERWRIGHT_CACHE": str(cache)} if cache else {}
    return process([*LAYERWRIGHT, "build", name, "--arch", arch, "--rebuild", "--no-test"], cwd=WORK, env=env)


def build_cold(name: str, arch: str) -> Run:
    """Build with everything to do that layerwright would remember: bytecode, compression, resolution."""
    with tempfile.TemporaryDirectory(dir=WORK) as cache:
        return build(name, arch, cache=Path(cache))


def against_sam(sam: Path) -> list[Row]:
    """Compare speed and size of numpy with pandas for arm64."""
    write_recipe("bench")
    write_recipe("plain", bytecode="off")
    process([*LAYERWRIGHT, "lock", "bench"], cwd=WORK)
    peer = Sam(WORK, PACKAGES, f"python{SERIES}", "arm64")
    build("bench", "arm64")
    manifest = json.loads(layer("bench", "arm64").with_suffix(".json").read_text())
    lines = "\n".join(f"{p['name']}=={p['version']} --hash=sha256:{p['sha256']}" for p in manifest["packages"])
    kept = WORK / "kept.zip"
    shutil.copy(layer("bench", "arm64"), kept)
    wheels = Wheels(folder=WORK, lines=lines, series=SERIES, machine="aarch64")
    warm, empty = Timed(lambda: build("bench", "arm64")), Timed(lambda: build_cold("bench", "arm64"))
    bare, by_uv = Timed(lambda: build_cold("plain", "arm64")), Timed(wheels.zipped)
    ours, cold, _, theirs, best, least, compiled = medians(
        *(warm, empty, bare, lambda: peer.build(sam), by_uv),
        *(lambda: floor(wheels, kept), lambda: floor(wheels, kept, "--compile-bytecode")),
    )
    build("plain", "arm64")
    small, large = layer("plain", "arm64").stat().st_size, peer.zip.stat().st_size
    what = "recipe to checked zip, numpy + pandas, arm64"
    peers, lowest = "against `sam build` + `zip -r9`", "against uv's install + deflate alone"
    usual = "against `uv pip install --target` + `zip -r`"
    return [
        row(f"{what}, {peers}", (ours, "s"), (theirs, "s"), theirs / ours, ">= 6"),
        row(f"the same, layerwright's own cache empty, {peers}", (cold, "s"), (theirs, "s"), theirs / cold),
        row(f"{what}, {lowest}", (ours, "s"), (least, "s"), ours / least, "<= 1.3"),
        row(
            "the same, layerwright's own cache empty, against uv's install with bytecode + deflate alone",
            (cold, "s"),
            (compiled, "s"),
            cold / compiled,
            "<= 1.25",
        ),
        row(f"{what}, {usual}", (ours, "s"), (best, "s"), best / ours, ">= 4"),
        row(f"the same, seconds of CPU, {usual}", (warm.cpu, "s"), (by_uv.cpu, "s"), warm.cpu / by_uv.cpu, "<= 0.4"),
        row(
            f"layerwright's own cache empty, without bytecode, seconds of CPU, {usual}",
            (bare.cpu, "s"),
            (by_uv.cpu, "s"),
            bare.cpu / by_uv.cpu,
            "<= 1.3",
        ),
        row(
            "the same with bytecode, which makes imports faster",
            (empty.cpu, "s"),
            (by_uv.cpu, "s"),
            empty.cpu / by_uv.cpu,
        ),
        row("zip without bytecode, against SAM's", (small / MB, "MB"), (large / MB, "MB"), small / large, "<= 0.75"),
        *levels(kept),
    ]


def levels(path: Path) -> list[Row]:
    """Compare our compression level with the densest."""
    with zipfile.ZipFile(path) as archive:
        content = [archive.read(info) for info in archive.infolist() if info.file_size]
    sizes: dict[int, int] = {}
    seconds: dict[int, float] = {}
    for level in (LEVEL, DENSEST):
        started = time.perf_counter()
        sizes[level] = sum(len(deflate.deflate_compress(data, level)) for data in content)
        seconds[level] = time.perf_counter() - started
    what = f"libdeflate level {LEVEL}, against level {DENSEST}"
    small, large = (sizes[LEVEL] / MB, "MB"), (sizes[DENSEST] / MB, "MB")
    return [
        row(f"{what}: size", small, large, sizes[LEVEL] / sizes[DENSEST]),
        row(f"{what}: time", (seconds[LEVEL], "s"), (seconds[DENSEST], "s"), seconds[LEVEL] / seconds[DENSEST]),
    ]


def imports(sam: Path) -> Row:
    """Compare the import of pandas from trees that cannot be written to, as /opt."""
    interpreter = find(SERIES)
    if platform.machine() != "x86_64" or interpreter is None:
        sys.exit(f"the import is measured with Python {SERIES} on x86_64")
    peer = Sam(WORK, PACKAGES, f"python{SERIES}", "x86_64")
    peer.build(sam)
    build("bench", "x86_64")
    opt = WORK / "opt"
    shutil.rmtree(opt, ignore_errors=True)
    with zipfile.ZipFile(layer("bench", "x86_64")) as archive:
        archive.extractall(opt)

    def once(tree: Path) -> float:
        env = {"PYTHONPATH": str(tree / "python"), "PYTHONDONTWRITEBYTECODE": "1"}
        return process([*interpreter.command, "-s", "-c", "import pandas"], cwd=WORK, env=env).wall

    ours, theirs = medians(lambda: once(opt), lambda: once(peer.tree))
    return row(
        "import pandas from a read-only folder, against SAM's tree", (ours, "s"), (theirs, "s"), theirs / ours, ">= 3"
    )


def limits() -> list[Row]:
    """Measure what has a limit of its own."""
    home = WORK / "many"
    for number in range(200):
        folder = home / "recipes" / f"r{number:03}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "recipe.toml").write_text(
            RECIPE.format(name=f"r{number:03}", requirements='["numpy=={version}"]', bytecode="off")
        )
    cpu, wall = medians(
        lambda: process([*LAYERWRIGHT, "--help"], cwd=home).cpu, lambda: process([*LAYERWRIGHT, "list"], cwd=home).wall
    )
    write_recipe("big", BIG, bytecode="unchecked-hash")
    build("big", "x86_64")
    with tempfile.TemporaryDirectory(dir=WORK) as cache:
        most = peak(["build", "big", "--arch", "x86_64", "--rebuild"], cwd=WORK, env={"LAYERWRIGHT_CACHE": cache})
    unzipped = json.loads(layer("big", "x86_64").with_suffix(".json").read_text())["unzipped_bytes"]
    return [
        row("`layerwright --help`, seconds of CPU", (cpu, "s"), (0.15, "s"), cpu / 0.15, "<= 1"),
        row("`layerwright list` over 200 recipes", (wall, "s"), (0.5, "s"), wall / 0.5, "<= 1"),
        row(
            f"peak memory for a layer of {unzipped / MB:.0f} MB, caches empty",
            (most / MB, "MB"),
            (200, "MB"),
            most / MB / 200,
            "<= 1",
        ),
    ]


def main() -> None:
    shutil.rmtree(WORK / "recipes", ignore_errors=True)
    for name in ("sam-arm64", "sam-x86_64"):
        shutil.rmtree(WORK / name, ignore_errors=True)
    WORK.mkdir(exist_ok=True)
    os.environ["PYTHONPATH"] = str(ROOT)
    sam = install_sam(WORK)
    rows = [*against_sam(sam), imports(sam), *limits()]
    publish(rows, "benchmark", f"{SAM}, medians of {RUNS}, warm caches, {os.cpu_count()} processors, one run.")


main()
