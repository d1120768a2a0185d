"""What every implementation of `Ecosystem` inherits: its planning is a module, imported when it is first needed."""

from collections.abc import Iterator
from importlib import import_module
from typing import Protocol, cast

from builder.model.recipes import Loaded
from builder.packages.ecosystem import Ecosystem, LockFile, LockRequest, Request, Resolution, requests


class Planning(Protocol):
    """The functions of a module `planning`. An ecosystem that has one of them elsewhere overrides the method here."""

    def check(self, request: Request) -> object:
        """Raise UsageError for what `planned` refuses whatever the index offers."""

    def planned(self, request: Request) -> Resolution | None:
        """Decide on the packages of a target, as `Ecosystem.resolve`."""

    def locks(self, request: LockRequest) -> Iterator[LockFile]:
        """Yield the locks of a recipe, as `Ecosystem.lock`."""


class PlannedEcosystem(Ecosystem):
    """An ecosystem with a module `planning` beside the module of its class."""

    @property
    def planning(self) -> Planning:
        """The module."""
        folder = type(self).__module__.rpartition(".")[0]
        return cast("Planning", import_module(f"{folder}.planning"))

    def lint(self, loaded: Loaded) -> None:
        for request in requests(loaded, self.step):
            self.planning.check(request)

    def resolve(self, request: Request) -> Resolution | None:
        return self.planning.planned(request)

    def lock(self, request: LockRequest) -> Iterator[LockFile]:
        return self.planning.locks(request)
