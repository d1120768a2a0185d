"""The result of `layerwright list`: one row for each recipe, and its description on a line below."""

from collections.abc import Sequence
from typing import Any

from builder.authoring.catalogue import CatalogueRow
from builder.base import foreign
from builder.base.errors import LayerwrightError
from builder.cli import terminal, widths

_COLUMNS = ("recipe", "version", "built", "zip MB", "runtimes")
_NUMBERS = ("built", "zip MB")


def show(rows: Sequence[CatalogueRow]) -> None:
    """Print one row for each recipe, with the number of zips and the size of the largest, and what it is.

    On a terminal, both lines end where that does.
    """
    cells = [row.cells() for row in rows]
    head, *lines = widths.aligned(_COLUMNS, [row[:-1] for row in cells], _NUMBERS)
    width = terminal.width()
    terminal.line(widths.cropped(head, width))
    for line, (*_, description) in zip(lines, cells, strict=True):
        terminal.line(widths.cropped(line, width))
        terminal.line(widths.cropped(f"  {foreign.line(description)}", width))


def document(rows: Sequence[CatalogueRow], broken: Sequence[LayerwrightError]) -> dict[str, Any]:
    """Return the JSON document: recipes with their zips, and the messages of those that are not valid."""
    return {"recipes": [row.as_json() for row in rows], "broken": [error.what for error in broken]}
