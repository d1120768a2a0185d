"""`python -m kit.whole_catalogue FOLDER [RECIPE...]`: build and test each recipe in the stand-ins, both architectures.

The newest runtime of each system and language is built for. `FOLDER/table.tsv` gets a row for each zip: name, runtime,
architectures, mode, seconds, load and result. What is prebuilt comes first, what compiles for minutes last. What passed
by the table is not built again. `--runtime`, `--arch` and `--only` select as they do for `layerwright build`.
"""

import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from builder.model import recipes
from builder.model.architectures import host_architecture
from builder.model.recipes import Loaded
from builder.model.steps import Build, Gem, Packages, Script
from builder.model.steps.cargo import Cargo
from builder.model.steps.go import Go
from builder.model.target import Selection, Target, select, targets
from kit import gems, standin

ROOT = Path(__file__).parents[2]
LIMIT = 3600.0
"""Seconds for each zip, if `--limit` says nothing else."""
REFUSED = re.compile(r"version `GLIBC_2\.3\d' not found")
"""The words of a loader whose glibc is older than what a file asks for."""
LONG = {"busybox", "ffmpeg", "numpy-source", "pandas-source", "qpdf", "ripgrep", "scipy-source", "tesseract"}
"""Recipes that take minutes for each target; `make test-long` builds them, and the catalogue has them last."""
MINUTES = 3
COMPILES = (Build, Cargo, Gem, Go, Packages, Script)


def newest(recipe: Loaded) -> list[Target]:
    """Return the targets of the newest runtimes with a stand-in: one of each language and architecture."""
    found: dict[tuple[str, str], Target] = {}
    for target in targets(recipe.recipe):
        if target.base.name in standin.RUNTIMES:
            key = target.base.language, target.arch.name
            if target.base.os.age >= found.get(key, target).base.os.age:
                found[key] = target
    return list(found.values())


def in_order(names: Sequence[str], selection: Selection | None = None) -> list[tuple[Loaded, Target]]:
    """Return what is built, the fast and native first."""
    folder = ROOT / "recipes"
    loaded = [recipes.load(folder, name) for name in names or recipes.names(folder)]
    pairs = [(one, target) for one in loaded for target in newest(one)]
    chosen = select([target for _, target in pairs], selection or Selection())
    return sorted([pair for pair in pairs if pair[1] in chosen], key=lambda pair: _order(*pair))


def _order(recipe: Loaded, target: Target) -> tuple[object, ...]:
    long = _compiled(recipe) == MINUTES
    return long, target.arch != host_architecture(), _compiled(recipe), recipe.name


def _compiled(recipe: Loaded) -> int:
    """Return how long a recipe takes: 0 for what is prebuilt, 1 for packages, 2 for compilers, 3 for minutes."""
    if recipe.name in LONG:
        return MINUTES
    steps = recipe.recipe.step
    if not any(isinstance(step, COMPILES) for step in steps):
        return 0
    return 1 if all(isinstance(step, Packages) or not isinstance(step, COMPILES) for step in steps) else 2


def build(recipe: Loaded, target: Target, folder: Path, limit: float) -> tuple[str, str]:
    """Build and test one zip; return its mode and the result.

    What the stand-in's glibc is too old for, but not Amazon's by the checks, is tested with a newer one.
    """
    mode, result = _built(recipe, target, folder, limit, standin.REGISTRY)
    if refused := REFUSED.search(result):
        mode, result = _built(recipe, target, folder, limit, standin.NEWER)
        result += f" with glibc {standin.NEWER_GLIBC}; with {standin.GLIBC}: {refused[0]}"
    return mode, result


def _built(recipe: Loaded, target: Target, folder: Path, limit: float, registry: str) -> tuple[str, str]:
    command = [
        sys.executable,
        "-m",
        "builder",
        "build",
        recipe.name,
        "--only",
        target.name,
        "--test",
        "--rebuild",
        "--json",
    ]
    command += ["--output", str(folder / "dist"), "--recipes", str(ROOT / "recipes")]
    log = folder / "log" / f"{target.name}.txt"
    with log.open("wb") as stderr:
        try:
            done = subprocess.run(
                command,
                stdout=subprocess.PIPE,
                stderr=stderr,
                check=False,
                timeout=limit,
                cwd=folder,
                env={**os.environ, "LAYERWRIGHT_REGISTRY": registry},
            )
        except subprocess.TimeoutExpired:
            return "-", f"no end within {limit:.0f} s"
    if done.returncode:
        return "-", f"exit {done.returncode}: {_reason(log.read_text(encoding='utf-8'))}"
    built = json.loads(done.stdout)["built"][0]
    notes = "".join(f"; note: {note}" for note in built["notes"])
    return built["route"], f"passed {len(built['tests'])} tests{notes}"


def _reason(log: str) -> str:
    """Return the error, with the last line that says why."""
    first, *more = log.rpartition("\nerror: ")[2].splitlines() or ["an error without a message"]
    why = [line.strip() for line in more if line.startswith("  ")]
    return "; ".join([first, *why[-1:]])


gems_of = gems.real
"""What packs the gems of recipes."""


@contextlib.contextmanager
def surroundings(folder: Path) -> Iterator[None]:
    """Set layerwright to the stand-ins, to a cache below the folder, and to gems from Debian's sources."""
    for name in ("cache", "dist", "log"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    cache = folder / "cache"
    os.environ.update(standin.environment(folder / "pins"), LAYERWRIGHT_CACHE=str(cache), PYTHONPATH=str(ROOT))
    standin.fill(cache)
    with gems.serve(gems_of(cache)) as address:
        os.environ["BUNDLE_MIRROR__ALL"] = address
        yield


def _passed(table: Path) -> set[str]:
    """Return the names of the targets that passed."""
    rows = [line.split("\t") for line in table.read_text(encoding="utf-8").splitlines()] if table.exists() else []
    return {row[0] for row in rows if row[-1].startswith("passed")}


def main(folder: Path, pairs: Sequence[tuple[Loaded, Target]], limit: float = LIMIT) -> int:
    """Build all, and return how many failed."""
    failed = 0
    passed = _passed(folder / "table.tsv")
    with surroundings(folder):
        for recipe, target in pairs:
            if target.name in passed:
                continue
            begun, load = time.monotonic(), os.getloadavg()[0]
            mode, result = build(recipe, target, folder, limit)
            arches = ",".join(arch.name for arch in target.architectures)
            took = f"{time.monotonic() - begun:.0f}"
            row = (target.name, target.base.name, arches, mode, took, f"{load:.1f}-{os.getloadavg()[0]:.1f}", result)
            with (folder / "table.tsv").open("a", encoding="utf-8") as table:
                table.write("\t".join(row) + "\n")
            sys.stdout.write("\t".join(row) + "\n")
            sys.stdout.flush()
            failed += not result.startswith("passed")
    return failed


def command_line(words: Sequence[str]) -> tuple[Path, list[tuple[Loaded, Target]], float]:
    """Return the folder, what is built in which order, and the seconds for each zip."""
    parser = argparse.ArgumentParser(prog="kit.whole_catalogue")
    parser.add_argument("folder", type=lambda word: Path(word).resolve())
    parser.add_argument("recipes", nargs="*")
    for option in ("--runtime", "--arch", "--only"):
        parser.add_argument(option, action="append", default=[])
    parser.add_argument("--limit", type=float, default=LIMIT)
    asked = parser.parse_args(words)
    selection = Selection(runtimes=tuple(asked.runtime), architectures=tuple(asked.arch), only=tuple(asked.only))
    return asked.folder, in_order(asked.recipes, selection), asked.limit


if __name__ == "__main__":
    sys.exit(bool(main(*command_line(sys.argv[1:]))))
