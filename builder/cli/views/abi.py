"""The symbol versions that each program and library of a layer needs."""

from collections.abc import Sequence

from builder.cli import terminal
from builder.layer.inspect import FAMILIES, Linkage


def show(linkages: Sequence[Linkage]) -> None:
    """Print a table with one row for each ELF file and one column for each family of symbol versions."""
    terminal.table(("file", "machine", *FAMILIES, "needs from the runtime"), [_row(linkage) for linkage in linkages])


def _row(linkage: Linkage) -> tuple[str, ...]:
    versions = (linkage.abi[family] or "" for family in FAMILIES)
    return (linkage.path, linkage.machine, *versions, " ".join(linkage.outside))
