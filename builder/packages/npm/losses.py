"""Packages and files that would be lost because their names differ in case alone, or are reserved on this host.

On every host, npm installs one of two packages of a folder whose names differ so, and says nothing. Of files it keeps
no list, so their names are those in the tarballs, which are in its cache afterwards. Files that npm leaves out by its
own rules are no losses: only names that are taken or reserved are.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from builder.base import archives, host_names
from builder.base.errors import UsageError
from builder.layer import tree
from builder.packages.npm import offered

_STRONGEST = ("sha512", "sha384", "sha256")
"""npm files a tarball under the strongest of its digests."""


def refuse_twins(manifest: str, lock: str | None) -> None:
    """Raise UsageError for packages of one folder whose names differ in case alone."""
    twins: dict[str, set[str]] = {}
    for path in offered.folders(manifest, lock):
        twins.setdefault(path.casefold(), set()).add(path)
    if why := [" and ".join(sorted(paths)) for paths in twins.values() if len(paths) > 1]:
        msg = "npm installs only one of packages whose names differ in case alone"
        raise UsageError(msg, why=why, hint='give one another name in package.json: `"other": "npm:name@version"`')


def refuse(folder: Path, locked: str, cache: Path) -> None:
    """Raise BuildError for files of the lock's packages that are lost below `folder`. `cache` is that of npm."""
    if host_names.IGNORES_CASE:
        host_names.refuse_losses(_listed(folder, locked, cache), tree.from_folder(folder).paths())


def _listed(folder: Path, locked: str, cache: Path) -> Iterator[str]:
    """Yield the paths of all files of installed packages, relative to the folder."""
    for path, row in json.loads(locked)["packages"].items():
        if path and (folder / path).is_dir() and (tarball := _tarball(folder, row, cache)):
            yield from (f"{path}/{name}" for name in _names(tarball))


def _tarball(folder: Path, row: Mapping[str, Any], cache: Path) -> Path | None:
    """Return the file that a package was unpacked from; None for a part of another package."""
    if (address := str(row.get("resolved", ""))).startswith("file:"):
        return _existing(folder / address.removeprefix("file:"))
    digests = dict(word.split("-", 1) for word in str(row.get("integrity", "")).split())
    name = next((name for name in _STRONGEST if name in digests), None)
    if name is None:
        return None
    digest = base64.b64decode(digests[name]).hex()
    return _existing(cache / "_cacache" / "content-v2" / name / digest[:2] / digest[2:4] / digest[4:])


def _existing(path: Path) -> Path | None:
    return path if path.is_file() else None


def _names(tarball: Path) -> Iterator[str]:
    """Yield the paths of files below the one folder of a tarball. One that only npm can read has none."""
    try:
        with archives.reading(), tarball.open("rb") as stream, archives.tar(stream) as archive:
            for member in archives.files(archive):
                yield member.name.removeprefix("./").partition("/")[2]
    except archives.UnreadableError:
        return
