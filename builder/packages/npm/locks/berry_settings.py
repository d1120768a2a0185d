"""The part of .yarnrc.yml that decides on packages: catalogs of versions, and what packages need besides."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from builder.base import texts
from builder.base.rules import Field
from builder.packages.npm import semver
from builder.packages.npm.graph import named
from builder.packages.npm.locks import yaml_text
from builder.packages.npm.locks.yaml_text import Table

_NAME = ".yarnrc.yml"
_CATALOG = "catalog:"


@dataclass(frozen=True, kw_only=True)
class _BerryExtension:
    dependencies: Table[str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class BerrySettings:
    """The part of .yarnrc.yml that decides on packages."""

    catalog: Table[str] = field(default_factory=dict)
    catalogs: Table[Table[str]] = field(default_factory=dict)
    extensions: Annotated[Table[_BerryExtension], Field(alias="packageExtensions")] = field(default_factory=dict)
    """What packages need besides, which the lock has without telling who needs it."""

    def added(self, name: str, version: str) -> dict[str, str]:
        """Return what a package needs besides."""
        rules = ((named(key), rule.dependencies) for key, rule in self.extensions.items())
        fitting = (more for (of, wanted), more in rules if of == name and semver.satisfies(version, wanted or "*"))
        return {each: spec for more in fitting for each, spec in more.items()}

    def of_catalog(self, name: str, spec: str) -> str:
        """Return what a catalog asks for now; what names none is returned as it is."""
        if not spec.startswith(_CATALOG):
            return spec
        catalog = spec.removeprefix(_CATALOG)
        table = self.catalogs.get(catalog, {}) if catalog else self.catalog
        return range_of(table[name]) if name in table else spec


def read(root: Path) -> BerrySettings:
    """Return the settings of a project. Raises UsageError for a file that is no YAML."""
    path = root / _NAME
    if not path.is_file():
        return BerrySettings()
    return yaml_text.read(BerrySettings, texts.read(path), path.as_posix(), f"{_NAME} of Yarn")


def range_of(spec: str) -> str:
    """Return a range with its protocol, which Yarn 4 writes and older ones do not."""
    return spec if re.match(r"[a-z+]+:|[./~]", spec) and not spec.startswith("~") else f"npm:{spec}"
