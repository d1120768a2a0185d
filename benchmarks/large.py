"""Layers at and beyond the limits: many files, large files, much of both. `make benchmark-large`.

Goals are seconds of a clock and MB of memory; beside them stands what Python's own zipfile takes to unpack the same.
"""

import json
import os
import stat
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import RUNS, Row, medians, peak, process, publish, row

ROOT = Path(__file__).parents[1]
WORK = ROOT / ".benchmarks" / "large"
ON = ("--runtime", "python3.13", "--arch", "x86_64")
MB = 1_000_000
FEW, MANY = 70_000, 200_000
MOST = 200
"""MB that a check may take."""
SINGLE = 250 * MB
LINE = b"import os, json\n\n\ndef value(number):\n    return {'number': number, 'text': 'a text of some words'}\n"
RECIPE = """\
[layer]
name        = "{name}"
version     = "1"
description = "for the benchmark"
license     = "MIT"

[targets]
runtimes      = ["python3.12"]
architectures = ["x86_64"]

[[step]]
{step}
"""
SLIM = """\
[slim]
prune    = ["python/**/tests/", "python/**/*.pyi"]
keep     = ["python/numpy/_core/tests/_natype.py"]
bytecode = "unchecked-hash"
"""
BIG = ("scipy==1.15.3", "pandas==2.2.3", "numpy==2.2.6", "scikit-learn==1.6.1", "lxml==5.3.0")


def small_files(path: Path, count: int) -> None:
    """Write a layer of small files of the kinds that packages have, unless it is there."""
    if path.exists():
        return
    kinds = (("py", 60), ("pyi", 20), ("json", 15), ("txt", 5))
    suffixes = [suffix for suffix, times in kinds for _ in range(times)]
    with zipfile.ZipFile(path.with_suffix(".tmp"), "w") as archive:
        for number in range(count):
            folder = f"python/package{number // 500:03}/part{number // 50 % 10}"
            data = LINE * (number % 7 + 1)
            info = zipfile.ZipInfo(f"{folder}/module{number:06}.{suffixes[number % len(suffixes)]}")
            info.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(info, data, zipfile.ZIP_DEFLATED, 1)
    path.with_suffix(".tmp").rename(path)


def unzip(path: Path) -> float:
    """Unpack all with Python's zipfile, into nothing."""
    code = f"import zipfile; zipfile.ZipFile({str(path)!r}).testzip()"
    return process((sys.executable, "-c", code), cwd=WORK).wall


def checked(count: int, seconds: float) -> Iterator[Row]:
    path = WORK / f"files-{count}.zip"
    small_files(path, count)
    arguments = ["check", str(path), *ON]
    env = {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "builder", *arguments]
    own, theirs = medians(lambda: process(command, cwd=WORK, env=env).wall, lambda: unzip(path))
    most = peak(arguments, cwd=WORK, env=env) / MB
    yield row(f"check of {count:,} small files", (own, "s"), (seconds, "s"), own / seconds, "<= 1")
    yield row("the same, against `zipfile.testzip`", (own, "s"), (theirs, "s"), own / theirs)
    yield row("its memory", (most, "MB"), (MOST, "MB"), most / MOST, "<= 1")


def recipe(name: str, step: str) -> None:
    folder = WORK / "recipes" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recipe.toml").write_text(RECIPE.format(name=name, step=step))


def built(name: str) -> float:
    """Build a layer with empty caches of layerwright; return its peak in MB."""
    env = {"PYTHONPATH": str(ROOT)}
    arguments = ["build", name, "--rebuild", "--no-test"]
    process((sys.executable, "-m", "builder", *arguments), cwd=WORK, env=env)
    with tempfile.TemporaryDirectory(dir=WORK) as cache:
        return peak(arguments, cwd=WORK, env={**env, "LAYERWRIGHT_CACHE": cache}) / MB


def memory() -> Iterator[Row]:
    recipe("big", f'uses = "pip"\nrequirements = {json.dumps(BIG)}\n\n{SLIM}')
    most = built("big")
    yield row("peak memory for a layer of 258 MB, caches empty", (most, "MB"), (200, "MB"), most / 200, "<= 1")
    recipe("single", 'uses = "copy"\nfiles = ["data.bin"]\nto = "lib"')
    single = WORK / "recipes" / "single" / "data.bin"
    if not single.exists():
        block = os.urandom(1 << 20)
        with single.open("wb") as stream:
            for number in range(SINGLE >> 20):
                stream.write(number.to_bytes(4, "little") + block[4:])
    most = built("single")
    yield row("the same for a single file of 250 MB", (most, "MB"), (120, "MB"), most / 120, "<= 1")


def main() -> None:
    WORK.mkdir(parents=True, exist_ok=True)
    rows = [*checked(FEW, 4), *checked(MANY, 10), *memory()]
    publish(rows, "large-layers", f"Medians of {RUNS}, {os.cpu_count()} processors, one run.")


if __name__ == "__main__":
    main()
