"""layerwright on CPython for Windows, under Wine, against the same on Linux: `make test-windows`. Needs root.

The project lies in a folder with a blank and letters that no code page has together. Zips and JSON must be the same
byte for byte; then the tests of `tests.txt` run on that Python. Those of a command line are run alone.
docs/hosts.md says what Wine proves and what it does not.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from sides import HERE, Side, prepared, say, timed

sys.path.insert(0, str(HERE.parent))

from colliding import collisions
from kit import gems
from publishing import publishes

NPM = ("build", "--npm", "ms@2.1.3", "--runtime", "nodejs22.x", "--arch", "arm64", "--no-test")
PIP = ("build", "--pip", "pyyaml==6.0.2", "--runtime", "python3.13", "--arch", "x86_64", "--no-test")
RECIPES = ("build", "numpy", "--arch", "arm64", "--runtime", "python3.13", "--no-test")
COPIES = ("build", "exec-wrapper", "log-extension", "bash-runtime", "--no-test")
GEM = ("build", "mine", "--no-test")
JARS = ("build", "jars", "--no-test")
GEM_FILES = {"lib/mine.rb": b"MINE = 1\n", "lib/aux.rb": b"", "README.md": b"one file", "readme.md": b"on Windows"}
WRITTEN = {
    "mine": """
[layer]
name = "mine"
version = "1.0"
description = "A gem of an index on loopback"
license = "MIT"

[targets]
runtimes = ["ruby3.4"]

[[step]]
uses = "gem"
gems = ["mine@1.0"]
""",
    "jars": """
[layer]
name = "jars"
version = "2.23.0"
description = "Jars that Maven resolves, without a lock"
license = "Apache-2.0"

[targets]
runtimes = ["java21"]
split-by = []

[[step]]
uses = "maven"
artifacts = ["com.fasterxml.jackson.datatype:jackson-datatype-jsr310:{version}"]
""",
}
"""Recipes that this repository does not have."""
BUILDS = (COPIES, RECIPES, PIP, NPM, GEM, JARS)
NIGHT = ("nightly", "exec-wrapper", "log-extension", "--output", "night")
SHOWN = (
    ("list", "--json"),
    ("runtimes", "--json"),
    ("schema",),
    ("plan", "numpy", "jq", "psycopg2", "--json"),
    ("check", "dist/exec-wrapper-*.zip", "--json"),
)
PYTESTS = (HERE / "tests.txt").read_text(encoding="utf-8").split()


def main() -> int:
    began = time.monotonic()
    made = subprocess.run(["bash", HERE / "root.sh"], check=True, stdout=subprocess.PIPE, text=True)
    root = Path(made.stdout.strip())
    with index_of_gems() as address:
        os.environ["BUNDLE_MIRROR__ALL"] = address
        sides = prepared(root)
        write_recipes(sides)
        parts = () if sys.argv[1:] else (builds, shown, nights, places, collisions, publishes)
        with ThreadPoolExecutor(1) as other:  # of two processors, a Windows process keeps one busy
            tested = other.submit(lambda: list(tests(sides[1])))
            failures = [told(difference) for part in parts for difference in part(*sides)]
            failures += map(told, tested.result())
    say(f"{'failed' if failures else 'passed'} after {time.monotonic() - began:.0f} s")
    return 1 if failures else 0


def told(failure: str) -> str:
    say(f"FAILED {failure}")
    return failure


@contextmanager
def index_of_gems() -> Iterator[str]:
    """Serve one gem; yields the address."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "gems").mkdir()
        gems.pack(Path(folder) / "gems", "mine", files=GEM_FILES)
        gems.write_index(Path(folder))
        with gems.serve(Path(folder)) as address:
            yield address


# ---- comparisons ---------------------------------------------------------------------------------------------------


def write_recipes(sides: Iterable[Side]) -> None:
    for side in sides:
        for name, text in WRITTEN.items():
            recipe = side.dist.parent / "recipes" / name / "recipe.toml"
            recipe.parent.mkdir()
            recipe.write_text(text, encoding="utf-8")


def builds(linux: Side, windows: Side) -> Iterator[str]:
    """Yield what differs between zips of both sides."""
    for arguments in BUILDS:
        what = " ".join(arguments[:3])
        for side in (linux, windows):
            with timed(f"{side.name}: {what}"):
                done = side.run(*arguments)
            if done.returncode:
                yield f"{side.name}: {what}: exit code {done.returncode}\n{done.stderr.decode(errors='replace')}"
    made, other = hashes(linux.dist), hashes(windows.dist)
    if len(made) < len(BUILDS) + 2:  # three of copies
        yield f"Linux made {len(made)} zips only"
    yield from different(made, other)
    say(f"{len(made)} zips compared")


def different(made: Mapping[str, str], other: Mapping[str, str]) -> Iterator[str]:
    for name in sorted({*made, *other}):
        if made.get(name) != other.get(name):
            yield f"{name}: {made.get(name)} on Linux, {other.get(name)} on Windows"


def nights(linux: Side, windows: Side) -> Iterator[str]:
    """Yield what differs after a night, a second one that finds nothing to do, and a report."""
    states = []
    for side in (linux, windows):
        with timed(f"{side.name}: two nights and a report"):
            ran = [side.run(*words) for words in (NIGHT, NIGHT, ("report", "--output", "night"))]
        if any(done.returncode for done in ran):
            yield f"{side.name}: {[done.returncode for done in ran]}\n{ran[0].stderr.decode(errors='replace')}"
            return
        folder = side.dist.parent / "night"
        report = json.loads((folder / "report" / "report.json").read_text(encoding="utf-8"))
        states.append([(row["target"], row["state"], row["sha256"]) for row in report["targets"]])
        yield from different(
            hashes(folder), {name: value for name, value in hashes(linux.dist).items() if name in hashes(folder)}
        )
    if states[0] != states[1]:
        yield f"report: {states[0]} on Linux, {states[1]} on Windows"


def hashes(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*.zip"))}


def shown(linux: Side, windows: Side) -> Iterator[str]:
    """Yield commands that print another document on Windows."""
    for arguments in SHOWN:
        pattern = next((word for word in arguments if "*" in word), None)
        for zipped in sorted(linux.dist.parent.glob(pattern)) if pattern else (None,):
            words = [f"dist/{zipped.name}" if zipped and word == pattern else word for word in arguments]
            with timed(" ".join(words)):
                first, second = linux.run(*words), windows.run(*words)
            printed = second.stdout.replace(b"dist\\\\", b"dist/")  # the argument, as Windows writes it
            if first.returncode != second.returncode or first.stdout != printed:
                codes = f"{first.returncode} and {second.returncode}"
                yield f"{' '.join(words)}: {codes}\n{difference(first.stdout, printed)}"


def places(linux: Side, windows: Side) -> Iterator[str]:
    """Yield what is wrong with outputs at odd places: the root of a drive, and a path that is too long there."""
    name = "exec-wrapper-1.0.0.zip"
    expected = hashes(linux.dist)[name]
    drive = windows.root / "prefix" / "drive_c"
    (drive / name).unlink(missing_ok=True)
    for output, found in (("C:\\", drive), ("\\\\?\\C:\\out", drive / "out")):
        done = windows.run("build", "exec-wrapper", "--no-test", "--output", output)
        if done.returncode or hashes(found).get(name) != expected:
            yield f"--output {output}: exit code {done.returncode}\n{done.stderr.decode(errors='replace')}"
    deep = "C:\\" + "\\".join(["a folder with a long name"] * 12)
    done = windows.run("build", "exec-wrapper", "--no-test", "--output", deep)
    if b"Traceback" in done.stderr or done.returncode not in {0, 2, 4}:
        yield f"a path of {len(deep)} characters: {done.returncode}\n{done.stderr.decode(errors='replace')}"


def difference(first: bytes, second: bytes) -> str:
    pairs = zip(first.splitlines(), second.splitlines(), strict=False)
    different = next(((a, b) for a, b in pairs if a != b), (first[-200:], second[-200:]))
    return "\n".join(line.decode(errors="backslashreplace") for line in different)


def tests(windows: Side) -> Iterator[str]:
    options = ("-q", "--durations=8", "-p", "no:cacheprovider", "-p", "no:xdist")
    marks = ("-m", "not network and not engine and not long")
    with timed("tests"):
        done = windows.start([*windows.python, "-m", "pytest", *options, *(sys.argv[1:] or PYTESTS), *marks])
    said = done.stdout.decode(errors="replace")
    say(said)
    if done.returncode:
        yield f"tests: exit code {done.returncode}\n{done.stderr.decode(errors='replace')}"


if __name__ == "__main__":
    sys.exit(main())
