"""Files of a package at one version, as an index offers them."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class Dist:
    """A wheel or an sdist."""

    filename: str
    sha256: str
    size: int | None
    """Size in bytes; None if the index does not state it."""
    url: str | None = field(default=None, repr=False)
    """The address. It can contain credentials, so it is never printed or stored."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """One package at one version, with its usable files."""

    name: str
    version: str
    wheels: tuple[Dist, ...]
    sdist: Dist | None
    direct: str | None = field(default=None, repr=False)
    """The address in the requirement, if it names one instead of an index; can contain credentials."""
