"""How the bytes of a layer are distributed over its folders and files."""

import zipfile
from pathlib import Path

_WORTH = 0.01
"""Share of the layer below which a path is counted as part of its folder."""
_ROWS = 60


def content(zip_path: Path) -> list[tuple[str, int]]:
    """Return paths with their unzipped bytes, the largest first; their sum is the size of the layer.

    A path that ends in `/` stands for the rest of that folder, without the paths that have a row of their own.
    """
    with zipfile.ZipFile(zip_path) as opened:
        sizes = {info.filename: info.file_size for info in opened.infolist() if not info.is_dir()}
    worth = max(1.0, sum(sizes.values()) * _WORTH)
    rows = _folded(sizes, worth)
    while len(rows) > _ROWS:
        worth *= 1.5
        rows = _folded(sizes, worth)
    return sorted(rows.items(), key=lambda row: (-row[1], row[0]))


def _folded(sizes: dict[str, int], worth: float) -> dict[str, int]:
    """Add the bytes of small paths to their folders, from the deepest up."""
    rows = dict(sizes)
    for depth in range(max((path.count("/") for path in sizes), default=0), 0, -1):
        for path in [path for path in rows if path.rstrip("/").count("/") == depth and rows[path] < worth]:
            folder = path.rstrip("/").rpartition("/")[0] + "/"
            rows[folder] = rows.get(folder, 0) + rows.pop(path)
    small = [path for path in rows if "/" not in path.rstrip("/") and rows[path] < worth]
    if len(small) > 1:
        rows["/"] = sum(rows.pop(path) for path in small)
    return rows
