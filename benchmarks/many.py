"""Many recipes in one call against the slowest alone: `python -m benchmarks.many`."""

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
RECIPES = (
    *("numpy", "pandas", "pillow", "lxml", "orjson", "pydantic"),
    *("sharp", "bcrypt", "esbuild", "canvas"),
)
ON = ("--runtime", "python3.13", "--runtime", "nodejs22.x", "--no-test")
GOAL = 4.0
ROUNDS = 3


def seconds(names: tuple[str, ...]) -> float:
    """Build recipes for both architectures into an empty folder, with the caches as they are."""
    folder = Path(tempfile.mkdtemp(prefix="layerwright-many-"))
    try:
        started = time.perf_counter()
        command = [sys.executable, "-m", "builder", "build", *names, *ON, "--output", str(folder)]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        taken = time.perf_counter() - started
        built = len(list(folder.glob("*.zip")))
        if built != 2 * len(names):
            sys.exit(f"{built} zips instead of {2 * len(names)}")
        return taken
    finally:
        shutil.rmtree(folder)


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    seconds(RECIPES)  # fills the caches
    alone = {name: statistics.median(seconds((name,)) for _ in range(ROUNDS)) for name in RECIPES}
    together = statistics.median(seconds(RECIPES) for _ in range(ROUNDS))
    slowest = max(alone, key=lambda name: alone[name])
    for name, taken in sorted(alone.items(), key=lambda pair: -pair[1]):
        print(f"{name:<12}{taken:8.2f} s")
    ratio = together / alone[slowest]
    print(
        f"all {len(RECIPES)} in one call {together:.2f} s: {ratio:.2f} times {slowest} alone (goal: under {GOAL:.0f})"
    )
    print(f"one after the other {sum(alone.values()):.2f} s: {sum(alone.values()) / together:.2f} times as long")


if __name__ == "__main__":
    main()
