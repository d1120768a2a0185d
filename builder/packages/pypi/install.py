"""Exact wheels into a folder, by hash, for any target from any host."""

import itertools
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from builder.model.architectures import Architecture
from builder.model.runtimes import Runtime
from builder.packages.pypi import uv

LINK_MODE = "clone" if sys.platform == "darwin" else "hardlink"
"""Set because a user's `symlink` would put links into uv's cache; uv copies where this does not work."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pinned:
    """One wheel to install."""

    name: str
    version: str
    filename: str
    sha256: str
    direct: str | None = field(default=None, repr=False)

    @property
    def requirement(self) -> str:
        where = f" @ {self.direct}" if self.direct else f"=={self.version}"
        return f"{self.name}{where} --hash=sha256:{self.sha256}"


def install(packages: Sequence[Pinned], runtime: Runtime, arch: Architecture, folder: Path) -> None:
    """Put the files of the wheels into `folder`, as they lie in site-packages. uv verifies every hash."""
    lines = "\n".join(package.requirement for package in packages)
    for platform, offline in itertools.product(runtime.os.uv_platforms, (["--offline"], [])):
        finished = uv.run(
            [
                "install",
                *("--target", str(folder), "--no-deps", "--require-hashes", "--requirements", "-"),
                *uv.platform_arguments(runtime, arch, platform),
                *uv.NO_CODE,
                *("--no-compile-bytecode", "--quiet", "--link-mode", LINK_MODE),
                *offline,  # hashes are given: what uv's cache has needs no question to the index
            ],
            stdin=lines,
        )
        if finished.returncode == 0:
            return
    raise uv.fail(finished, f"uv could not install the wheels for {runtime.name} on {arch.name}")
