"""A shim of a host whose file system ignores case, as those of Macs and of Windows, and has reserved names."""

from pathlib import Path

import pytest

from builder.base import host_names
from builder.layer import tree


def fold(patch: pytest.MonkeyPatch) -> None:
    """Make this host such a one: of files whose names differ in case alone, folders have the first, others none."""
    patch.setattr(host_names, "IGNORES_CASE", True)
    walked = tree.from_folder

    def held(folder: Path, prefix: str = "") -> tree.Tree:
        first = {host_names.folded(entry.path): entry for entry in reversed(walked(folder, prefix).entries)}
        return tree.of(entry for entry in first.values() if not host_names.is_reserved(entry.path))

    patch.setattr(tree, "from_folder", held)
