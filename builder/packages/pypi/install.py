"""Installation of exact wheels into a folder, by hash, for any target on any host."""

import itertools
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from builder.base.credentials import StoredAddress
from builder.base.values import StoredFileName, StoredSha256
from builder.model.architectures import Architecture
from builder.model.runtimes import Runtime
from builder.packages.pypi import uv
from builder.packages.pypi.indexes import SETTINGS, Indexes
from builder.packages.pypi.names import StoredName, StoredVersion

LINK_MODE = "clone" if sys.platform == "darwin" else "hardlink"
"""Overrides the user's setting, since `symlink` would create links into uv's cache. uv copies where this fails."""


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
            return
    raise uv.fail(finished, f"uv could not install the wheels for {runtime.name} on {arch.name}")
