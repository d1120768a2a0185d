"""The view of a new recipe."""

from dataclasses import asdict
from typing import Any

from builder.authoring import trying
from builder.authoring.new import WrittenRecipe
from builder.cli import terminal


def show(written: WrittenRecipe) -> None:
    """Tell where a recipe was written, and what its first builds added to it."""
    path = written.path
    terminal.result(f"wrote {path}; `layerwright build {path.parent.name}` builds it")
    if trial := written.trial:
        added = f"; added to its packages: {' '.join(trial.added)}" if trial.added else ""
        terminal.result(f"built and tested {trial.target}, build {trial.builds} of at most {trying.MOST}{added}")


def document(written: WrittenRecipe) -> dict[str, Any]:
    """Return the JSON document of a recipe that was written, with its first builds, if there were any."""
    return {
        "name": written.path.parent.name,
        "path": written.path.as_posix(),
        "trial": asdict(written.trial) if written.trial else None,
    }
