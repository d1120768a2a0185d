"""What an index offers: files of a package at one version."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class Dist:
    """A wheel or an sdist."""

    filename: str
    sha256: str
    size: int | None
    """Bytes, where the index says so."""
    url: str | None = field(default=None, repr=False)
    """Where it lies; may hold credentials, so it is never printed or stored."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """One package at one version, with the files that may be used for it."""

    name: str
    version: str
    wheels: tuple[Dist, ...]
    sdist: Dist | None
    direct: str | None = field(default=None, repr=False)
    """Its url when the requirement named one instead of an index; may hold credentials."""
