"""The result of `layerwright lock`: the locks that were written, or would be."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from builder.authoring.relock import Locked
from builder.cli import terminal


def lines(locks: Iterable[Locked]) -> Iterator[str]:
    """Yield each lock with the versions that change."""
    for locked in locks:
        yield f"{locked.path}: {locked.packages} packages, {len(locked.changes)} changes"
        for package, old, new in locked.changes:
            yield f"  {package} {old or '(new)'} -> {new or '(removed)'}"


def show(recipe: str, locks: Iterable[Locked]) -> None:
    """Tell each lock with the versions that changed."""
    told = tuple(lines(locks)) or (f"{recipe}: the lock of its project decides",)
    for line in told:
        terminal.result(line)


def data(written: Mapping[str, Sequence[Locked]]) -> None:
    """Print the locks of each recipe as a document."""
    recipes = {recipe: [_document(locked) for locked in locks] for recipe, locks in written.items()}
    terminal.data({"recipes": recipes})


def _document(locked: Locked) -> dict[str, object]:
    changes = [{"package": package, "old": old, "new": new} for package, old, new in locked.changes]
    return {"path": locked.path.as_posix(), "packages": locked.packages, "changes": changes}
