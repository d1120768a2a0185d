"""The view of a new recipe."""

from pathlib import Path

from builder.authoring import trying
from builder.authoring.trying import FirstBuild
from builder.cli import terminal


def show(path: Path, trial: FirstBuild | None = None) -> None:
    """Print where a recipe was written, and what its first builds added to it."""
    terminal.result(f"wrote {path}; `layerwright build {path.parent.name}` builds it")
    if trial:
        added = f"; added to its packages: {' '.join(trial.added)}" if trial.added else ""
        terminal.result(f"built and tested {trial.target}, build {trial.builds} of at most {trying.MOST}{added}")
