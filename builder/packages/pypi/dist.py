"""Files of a package at one version, as an index offers them."""

from collections.abc import Collection
from dataclasses import field, replace
from typing import Annotated

from builder.base.frozen import dataclass
from builder.base.rules import Field
from builder.base.values import StoredFileName, StoredSha256
from builder.packages.pypi.indexes import Indexes
from builder.packages.pypi.local.place import ContainerReason, Origin


@dataclass(frozen=True, kw_only=True, slots=True)
class Dist:
    """A wheel or an sdist."""

    filename: StoredFileName
    sha256: StoredSha256
    size: int | None
    """Size in bytes; None if the index does not state it."""
    url: Annotated[str | None, Field(exclude=True)] = field(default=None, repr=False, compare=False)
    """The address. It can contain credentials, so it is never printed or stored; the digest names the file."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """One package at one version, with its usable files."""

    name: str
    version: str
    wheels: tuple[Dist, ...]
    sdist: Dist | None
    direct: str | None = field(default=None, repr=False)
    """The address in the requirement, if it names one instead of an index; can contain credentials."""
    bound: bool = False
    """Whether it comes from an index that is asked for nothing else, so that its files are named by their address."""
    origin: Origin | None = None
    """The folder or the repository that it was made of; None for a published package."""
    by_container: ContainerReason | None = None
    """Why a container builds what a folder or a repository holds; None if none does."""

    def with_hashes(self, digests: Collection[str]) -> "Candidate":
        """Return the package with only the files of these SHA-256."""
        wheels = tuple(wheel for wheel in self.wheels if wheel.sha256 in digests)
        return replace(self, wheels=wheels, sdist=self.sdist if self.sdist and self.sdist.sha256 in digests else None)

    def within(self, indexes: Indexes) -> "Candidate":
        """Return the package as one of these indexes, whose passwords its files may need."""
        return replace(
            self,
            wheels=tuple(_authorized(wheel, indexes) for wheel in self.wheels),
            sdist=_authorized(self.sdist, indexes) if self.sdist else None,
            bound=self.name in indexes.bound and self.direct is None,
        )


def _authorized(dist: Dist, indexes: Indexes) -> Dist:
    return replace(dist, url=indexes.authorized(dist.url)) if dist.url else dist
