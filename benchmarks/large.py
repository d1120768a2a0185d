"""Layers at and beyond the limits: many files, large files, much of both. `make benchmark-large`.

Goals are seconds of a clock and MB of memory; beside them stands what Python's own zipfile takes to unpack the same.
"""

import os
import stat
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks import recipes
from benchmarks.measure import ROOT, RUNS, Row, layerwright, medians, peak, process, publish, row

WORK = ROOT / ".benchmarks" / "large"
ON = ("--runtime", "python3.13", "--arch", "x86_64")
MB = 1_000_000
FEW, MANY = 70_000, 200_000
MOST = 200
"""MB that a check may take."""
SINGLE = 250 * MB
LINE = b"import os, json\n\n\ndef value(number):\n    return {'number': number, 'text': 'a text of some words'}\n"


def small_files(count: int) -> Path:
    """Return a layer of small files of the kinds that packages have. It is made once."""
    WORK.mkdir(parents=True, exist_ok=True)
    path = WORK / f"files-{count}.zip"
    if path.exists():
        return path
    kinds = (("py", 60), ("pyi", 20), ("json", 15), ("txt", 5))
    suffixes = [suffix for suffix, times in kinds for _ in range(times)]
    with zipfile.ZipFile(path.with_suffix(".tmp"), "w") as archive:
        for number in range(count):
            folder = f"python/package{number // 500:03}/part{number // 50 % 10}"
            data = LINE * (number % 7 + 1)
            info = zipfile.ZipInfo(f"{folder}/module{number:06}.{suffixes[number % len(suffixes)]}")
            info.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(info, data, zipfile.ZIP_DEFLATED, 1)
    return path.with_suffix(".tmp").rename(path)


def unzip(path: Path) -> float:
    """Unpack all with Python's zipfile, into nothing."""
    code = f"import zipfile; zipfile.ZipFile({str(path)!r}).testzip()"
    return process((sys.executable, "-c", code), cwd=WORK).wall


def checked(count: int, seconds: float) -> Iterator[Row]:
    path = small_files(count)
    arguments = ["check", str(path), *ON]
    own, theirs = medians(lambda: layerwright(*arguments, cwd=WORK).wall, lambda: unzip(path))
    most = peak(arguments, cwd=WORK, env={"PYTHONPATH": str(ROOT)}) / MB
    yield row(f"check of {count:,} small files", (own, "s"), (seconds, "s"), own / seconds, "<= 1")
    yield row("the same, against `zipfile.testzip`", (own, "s"), (theirs, "s"), own / theirs)
    yield row("its memory", (most, "MB"), (MOST, "MB"), most / MOST, "<= 1")


def single() -> Row:
    """Build a layer of one file that cannot be compressed, with empty caches of layerwright."""
    recipes.write(WORK, "single", 'uses  = "copy"\nfiles = ["data.bin"]\nto    = "lib"')
    data = WORK / "recipes" / "single" / "data.bin"
    if not data.exists():
        block = os.urandom(1 << 20)
        with data.open("wb") as stream:
            for number in range(SINGLE >> 20):
                stream.write(number.to_bytes(4, "little") + block[4:])
    with tempfile.TemporaryDirectory(dir=WORK) as cache:
        env = {"PYTHONPATH": str(ROOT), "LAYERWRIGHT_CACHE": cache}
        most = peak(["build", "single", "--rebuild", "--no-test"], cwd=WORK, env=env) / MB
    return row("peak memory for a single file of 250 MB", (most, "MB"), (120, "MB"), most / 120, "<= 1")


def main() -> None:
    rows = [*checked(FEW, 4), *checked(MANY, 10), single()]
    publish(rows, "large-layers", f"Medians of {RUNS}, {os.cpu_count()} processors, one run.")


if __name__ == "__main__":
    main()
