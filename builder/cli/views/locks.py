"""The result of `layerwright lock`: the locks that were written."""

from collections.abc import Sequence

from builder.authoring.relock import Locked
from builder.cli import terminal


def show(locks: Sequence[Locked]) -> None:
    """Print each lock with the versions that changed."""
    for locked in locks:
        terminal.result(f"{locked.path}: {locked.packages} packages, {len(locked.changes)} changes")
        for package, old, new in locked.changes:
            terminal.result(f"  {package} {old or '(new)'} -> {new or '(removed)'}")
