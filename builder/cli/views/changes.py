"""The differences between two layers."""

from collections.abc import Sequence

from builder.base import foreign
from builder.cli import terminal
from builder.layer.diff import Change

Row = tuple[str, ...]


def show(names: tuple[str, str], changes: Sequence[Change], *, markdown: bool, files: int) -> None:
    """Print what differs between two layers; at most `files` changed files, the largest changes first."""
    others = [change for change in changes if change.kind != "file"]
    changed_files = [change for change in changes if change.kind == "file"]
    rows = [_row(change) for change in [*others, *changed_files[:files]]]
    columns = ("what", "name", *names, "bytes")
    if not changes:
        terminal.line("no difference")
    elif markdown:
        terminal.text(_markdown(columns, rows))
    else:
        terminal.table(columns, rows, numbers=("bytes",))
    if len(changed_files) > files:
        hidden = len(changed_files) - files
        terminal.text(f"\nand {hidden} more files; --files {len(changed_files)} shows all\n")


def _row(change: Change) -> Row:
    size = f"{change.bytes:+,}" if change.bytes else ""
    return (change.kind, change.name, change.old or "-", change.new or "-", size)


def _markdown(columns: Row, rows: Sequence[Row]) -> str:
    heading, *escaped = [[foreign.markdown(cell) for cell in line] for line in (columns, *rows)]
    lines = [heading, ["---" for _ in columns], *escaped]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
