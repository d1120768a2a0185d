"""Installation of exact wheels into a folder, by hash, for any target on any host."""

import csv
import itertools
import sys
from collections.abc import Iterator, Sequence
from dataclasses import field
from pathlib import Path

from builder.base import host_names
from builder.base.credentials import StoredAddress
from builder.base.frozen import dataclass
from builder.base.values import StoredFileName, StoredSha256
from builder.layer import tree
from builder.model.architectures import Architecture
from builder.model.runtimes import Runtime
from builder.packages.pypi import uv
from builder.packages.pypi.indexes import SETTINGS, Indexes
from builder.packages.pypi.names import StoredName, StoredVersion

LINK_MODE = "clone" if sys.platform == "darwin" else "hardlink"
"""Overrides the user's setting, since `symlink` would create links into uv's cache. uv copies where this fails."""
_OVERWRITES = "ZIP file contains multiple entries with different contents"
"""uv's error for a second file of one name, which it also has where only this host takes two names for one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pinned:
    """One wheel to install."""

    name: StoredName
    version: StoredVersion
    filename: StoredFileName
    sha256: StoredSha256
    direct: StoredAddress | None = field(default=None, repr=False, compare=False)
    """The address in the requirement, if it names one instead of an index; stored without credentials."""

    @property
    def requirement(self) -> str:
        where = f" @ {self.direct}" if self.direct else f"=={self.version}"
        return f"{self.name}{where} --hash=sha256:{self.sha256}"


def install(
    packages: Sequence[Pinned], runtime: Runtime, arch: Architecture, folder: Path, indexes: Indexes = SETTINGS
) -> None:
    """Install wheels into `folder`, which gets the layout of site-packages. uv verifies every hash.

    Raises BuildError if uv cannot install them, UnreachableError if the index does not respond.
    """
    lines = "\n".join(package.requirement for package in packages)
    for platform, offline in itertools.product(runtime.os.uv_platforms, (["--offline"], [])):
        finished = uv.run(
            [
                "install",
                *("--target", str(folder), "--no-deps", "--require-hashes", "--requirements", "-"),
                *uv.platform_arguments(runtime, arch, platform),
                *uv.NO_CODE,
                *indexes.arguments(),
                *("--no-compile-bytecode", "--quiet", "--link-mode", LINK_MODE),
                *offline,  # the hashes are known, so wheels in uv's cache need no request to the index
            ],
            stdin=lines,
            env=indexes.by_hash(),
        )
        if finished.returncode == 0:
            _refuse_losses(folder)
            return
    if host_names.IGNORES_CASE and _OVERWRITES in finished.stderr:
        raise host_names.cannot_hold(uv.explanation(finished))
    raise uv.fail(finished, f"uv could not install the wheels for {runtime.name} on {arch.name}")


def _refuse_losses(folder: Path) -> None:
    """Raise BuildError for files of packages that this host's file system has swallowed, or written over each other."""
    if not host_names.IGNORES_CASE:
        return
    listed = [row for record in folder.glob("*.dist-info/RECORD") for row in _listed(record)]
    host_names.refuse_losses(listed, tree.from_folder(folder).paths())


def _listed(record: Path) -> Iterator[str]:
    """Yield the paths of a RECORD that are below the folder."""
    with record.open(encoding="utf-8", errors="replace", newline="") as stream:
        yield from (row[0] for row in csv.reader(stream) if row and not row[0].startswith(("/", "../")))
