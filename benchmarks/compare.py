"""Two revisions of layerwright on the same work, in turn on one machine: `make benchmark-compare REV=v0.9`.

Both run in the Python that runs this, each from a tree, a folder and a cache of its own. Seconds of CPU with children,
because other work on the machine changes those least; `--wall` compares what a clock shows.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks import commands, large, recipes
from benchmarks.measure import ROOT, Row, git, layerwright, medians, publish, row

GOAL = "<= 1.05"


@dataclass(frozen=True, kw_only=True)
class Revision:
    """A tree of layerwright with a folder to work in."""

    tree: Path
    folder: Path
    wall: bool

    def run(self, folder: str, *arguments: str, cache: Path | None = None) -> float:
        """Run a command in one of the folders; return its seconds."""
        place = self.folder / folder
        done = layerwright(*arguments, cwd=place, tree=self.tree, cache=cache or self.folder / "cache")
        return done.wall if self.wall else done.cpu

    def prepare(self) -> None:
        """Write recipes, lock them, and build what is to be there already."""
        listed = commands.several("r", commands.LISTED)
        for folder, names in (("listed", listed), ("one", ["numpy"])):
            commands.write(self.folder / folder, names, commands.RUNTIMES, recipes.BOTH)
        step = recipes.pip(["numpy==2.3.2", "pandas==2.2.3"])
        recipes.write(self.folder / "large", "large", step, architectures=("arm64",))
        self.run("one", "lock", "numpy")
        self.run("one", "build", "numpy", "--no-test")
        self.run("large", "lock", "large")
        self.run("large", "build", "large", "--no-test")

    def checked(self, path: Path) -> float:
        return self.run("one", "check", str(path), *large.ON)

    def empty(self) -> float:
        """Build with everything to do that layerwright would remember."""
        with tempfile.TemporaryDirectory(dir=self.folder) as cache:
            return self.run("large", "build", "large", "--no-test", "--rebuild", cache=Path(cache))


def works() -> Iterator[tuple[str, Callable[[Revision], float]]]:
    """Yield what both do, with names."""
    yield "`--help`", lambda one: one.run("one", "--help")
    yield f"`list` over {commands.LISTED:,} recipes", lambda one: one.run("listed", "list")
    yield "unchanged `build numpy` of 4 targets", lambda one: one.run("one", "build", "numpy", "--no-test")
    yield "`plan numpy`", lambda one: one.run("one", "plan", "numpy")
    yield (
        "numpy + pandas, arm64, warm",
        lambda one: one.run("large", "build", "large", "--no-test", "--rebuild"),
    )
    yield "the same, caches of layerwright empty", lambda one: one.empty()
    yield (
        "`check` of its zip",
        lambda one: one.run("large", "check", "dist/large-1-python3.12-arm64.zip"),
    )
    for count in (large.FEW, large.MANY):
        path = large.small_files(count)
        yield f"`check` of {count:,} small files", partial(Revision.checked, path=path)


def compared(before: Revision, now: Revision, asked: str) -> list[Row]:
    rows = []
    for what, work in works():
        if asked in what:
            then, taken = medians(lambda work=work: work(before), lambda work=work: work(now))  # type: ignore[misc]
            rows.append(row(what, (taken, "s"), (then, "s"), taken / then, GOAL))
            print(rows[-1], flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("revision", help="what this tree is compared with, as git names it")
    parser.add_argument("--wall", action="store_true", help="compare what a clock shows")
    parser.add_argument("--only", default="", metavar="TEXT", help="the rows that have this text")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="layerwright-compare-") as name:
        tree = Path(name) / "tree"
        git("worktree", "add", "--detach", "-q", tree, options.revision)
        try:
            before = Revision(tree=tree, folder=Path(name) / "before", wall=options.wall)
            now = Revision(tree=ROOT, folder=Path(name) / "now", wall=options.wall)
            before.prepare()
            now.prepare()
            rows = compared(before, now, options.only)
        finally:
            git("worktree", "remove", "--force", tree)
    publish(rows, "compare", f"This tree against {options.revision}, which is the baseline.")


if __name__ == "__main__":
    main()
