"""The result of `layerwright lock`: the locks that were written, or would be."""

from collections.abc import Iterable, Iterator

from builder.authoring.relock import Locked
from builder.cli import terminal


def lines(locks: Iterable[Locked]) -> Iterator[str]:
    """Yield each lock with the versions that change."""
    for locked in locks:
        yield f"{locked.path}: {locked.packages} packages, {len(locked.changes)} changes"
        for package, old, new in locked.changes:
            yield f"  {package} {old or '(new)'} -> {new or '(removed)'}"


def show(locks: Iterable[Locked]) -> None:
    """Print each lock with the versions that changed."""
    for line in lines(locks):
        terminal.result(line)
