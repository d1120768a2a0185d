"""Tables that fit into a terminal: columns that a narrow one does without."""

from collections.abc import Collection, Sequence

from builder.base import foreign

_WRAPPED = 24
"""Characters to which a column with words may be wrapped."""

Rows = Sequence[Sequence[str]]


def fitting(
    columns: Sequence[str], rows: Rows, width: int, *, whole: Collection[str], optional: Sequence[str]
) -> tuple[Sequence[str], Rows]:
    """Return a table without so many of its optional columns, first the first, that it fits into a width.

    Columns in `whole` are never wrapped. A table whose other columns are too wide stays so.
    """
    for dropped in optional:
        if _needed(columns, rows, whole) <= width:
            break
        kept = [index for index, column in enumerate(columns) if column != dropped]
        columns, rows = [columns[index] for index in kept], [[row[index] for index in kept] for row in rows]
    return columns, rows


def aligned(columns: Sequence[str], rows: Rows, numbers: Collection[str]) -> list[str]:
    """Return the lines of a table whose columns are as wide as their content; those in `numbers` end at the right."""
    shown = [[foreign.line(cell) for cell in row] for row in (columns, *rows)]
    widths = [max(map(len, cells)) for cells in zip(*shown, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if column in numbers else cell.ljust(width)
            for cell, width, column in zip(row, widths, columns, strict=True)
        ).rstrip()
        for row in shown
    ]


def cropped(text: str, width: int | None) -> str:
    """Return a text that ends with `…` where a terminal of that width does."""
    return text if width is None or len(text) <= width else f"{text[: width - 1]}…"


def _needed(columns: Sequence[str], rows: Rows, whole: Collection[str]) -> int:
    widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
    least = [each if column in whole else min(each, _WRAPPED) for column, each in zip(columns, widths, strict=True)]
    return sum(least) + 2 * (len(least) - 1)
