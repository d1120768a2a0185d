"""What holds where the command line and the environment say nothing: the settings of the project, as typed values.

`model/settings.py` reads them from a file; a process has one set of them.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from builder.base import environment
from builder.base.errors import UsageError
from builder.base.frozen import dataclass
from builder.model.runtime_rows import CustomRuntimeTable


@dataclass(frozen=True, kw_only=True, slots=True)
class CatalogueSource:
    """A further catalogue: a folder, or one of a repository at a commit."""

    folder: Path
    git: str | None = None
    commit: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Defaults:
    """The settings. Paths are relative to the working folder, or absolute."""

    file: Path | None = None
    given: tuple[tuple[str, str], ...] = ()
    """Each key that the file sets, with its value, as they are shown."""
    error: UsageError | None = None
    """The mistakes of the file, of which then nothing holds."""
    runtimes: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    recipes: Path | None = None
    output: Path | None = None
    account: str | None = None
    bucket: str | None = None
    regions: tuple[str, ...] = ()
    share: tuple[str, ...] | None = None
    catalogues: tuple[CatalogueSource, ...] = ()
    own_runtimes: Mapping[str, CustomRuntimeTable] = field(default_factory=dict)
    """Customer-managed runtimes by name."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Values of variables of the environment that are not set."""


_NOTHING = Defaults()
_current = [_NOTHING]


def current() -> Defaults:
    """Return the settings that hold in this process."""
    return _current[0]


def use(defaults: Defaults | None) -> None:
    """Let these settings hold from now on; None for none."""
    _current[0] = defaults or _NOTHING
    environment.use_defaults(current().variables)
