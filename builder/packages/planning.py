"""What every implementation of `Ecosystem` inherits: its planning is a module, imported when it is first needed."""

from collections.abc import Collection, Iterator, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any, Protocol, cast

from builder.base.adapters import adapter
from builder.base.values import STORED, untrusted
from builder.model.decode import decode
from builder.model.recipes import Loaded
from builder.packages.ecosystem import Ecosystem, LockFile, LockRequest, Request, requests
from builder.packages.resolution import Resolution


class Planning(Protocol):
    """The functions of a module `planning`. An ecosystem that has one of them elsewhere overrides the method here."""

    def check(self, request: Request) -> object:
        """Raise UsageError for what `planned` refuses whatever the index offers."""

    def planned(self, request: Request) -> Resolution | None:
        """Decide on the packages of a target, as `Ecosystem.resolve`."""

    def pinned(self, request: Request) -> Mapping[str, Collection[str]]:
        """Return the versions of each package that the lock has for a target, as `Ecosystem.pinned`."""

    def locks(self, request: LockRequest) -> Iterator[LockFile]:
        """Yield the locks of a recipe, as `Ecosystem.lock`."""


class PlannedEcosystem(Ecosystem):
    """An ecosystem with a module `planning` beside the module of its class."""

    @property
    def planning(self) -> Planning:
        """The module."""
        return cast("Planning", self._module("planning"))

    def _module(self, name: str) -> ModuleType:
        folder = type(self).__module__.rpartition(".")[0]
        return import_module(f"{folder}.{name}")

    @property
    def _resolution(self) -> type[Resolution]:
        """The class of its resolutions."""
        return cast("type[Resolution]", self._module("resolution").RESOLUTION)

    def lint(self, loaded: Loaded) -> None:
        for request in requests(loaded, self.step):
            self.planning.check(request)

    def resolve(self, request: Request) -> Resolution | None:
        return self.planning.planned(request)

    def pinned(self, request: Request) -> Mapping[str, Collection[str]]:
        return self.planning.pinned(request)

    def store(self, resolution: Resolution) -> dict[str, Any] | None:
        kind = self._resolution
        if not isinstance(resolution, kind):
            return None
        return cast(
            "dict[str, Any]", adapter(kind).dump_python(resolution, mode="json", by_alias=True, exclude_defaults=True)
        )

    def restore(self, document: Mapping[str, Any]) -> Resolution:
        resolution = decode(self._resolution, document, STORED)
        if self.store(resolution) != document:
            raise untrusted(STORED, document, f"as it was written, with all its {self.name} packages")
        self.refuse_forged(resolution)
        return resolution

    def refuse_forged(self, resolution: Resolution) -> None:
        """Raise UsageError or UntrustedError for texts of files in a stored resolution that no planning accepts."""

    def lock(self, request: LockRequest) -> Iterator[LockFile]:
        return self.planning.locks(request)
