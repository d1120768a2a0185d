"""The result of `layerwright list`: one row for each recipe."""

from collections.abc import Sequence
from typing import Any

from builder.authoring.catalogue import CatalogueRow
from builder.base.errors import LayerwrightError
from builder.cli import terminal

_COLUMNS = ("recipe", "version", "runtimes", "architectures", "built", "zip MB", "description")


def show(rows: Sequence[CatalogueRow]) -> None:
    """Print one row for each recipe, with the number of zips and the size of the largest."""
    terminal.table(_COLUMNS, [row.cells() for row in rows], numbers=("built", "zip MB"))


def document(rows: Sequence[CatalogueRow], broken: Sequence[LayerwrightError]) -> dict[str, Any]:
    """Return the JSON document: recipes with their zips, and the messages of those that are not valid."""
    return {"recipes": [row.as_json() for row in rows], "broken": [error.what for error in broken]}
