"""A file that sdists are built with, without what finds it."""

from collections.abc import Iterable
from pathlib import Path

from builder.base.frozen import dataclass
from builder.model.architectures import Architecture
from builder.model.runtimes import Runtime
from builder.packages.pypi import tags
from builder.packages.pypi.dist import Dist
from builder.packages.pypi.names import StoredName, StoredVersion


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildFile:
    """A file that sdists are built with."""

    name: StoredName
    version: StoredVersion
    file: Dist

    def path(self, runtime: Runtime) -> Path:
        """Return the path of the file, downloaded if it is not cached, and verified."""
        from builder.packages.pypi import published

        return published.file(self.file, self.name, self.version, runtime.python_full)

    def runs_on(self, runtime: Runtime, architectures: Iterable[Architecture]) -> bool:
        """Return whether it can be installed by Python on one of these architectures; an sdist is built on any."""
        wheel = self.file.filename.endswith(".whl")
        return not wheel or any(tags.rank(self.file.filename, runtime, arch) is not None for arch in architectures)
