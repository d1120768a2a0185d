"""What the contract test asks of a world."""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Protocol

import pytest

from kit.loopback import Loopback

DIGEST, NAME, VERSION, FILE = "digest", "name", "version", "file"
"""What an index or a lock can lie about: of a package, of one that it needs, and of a file."""

ABOVE = ("../victim", "a/../../victim", "/victim")
LONG = "a" * 256
MEMBERS = (*ABOVE, "a\\b", "a\nb", "a\x07b", LONG)
"""Names of files in archives that no layer may have."""


@dataclass(frozen=True, kw_only=True)
class Thing:
    """A package to publish, at version 1.0.0."""

    name: str = "tiny"
    license: str = "MIT"
    needs: tuple[str, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)
    """Members of its archive beside the usual ones, by the names that stand there."""


class World(Protocol):
    """One ecosystem."""

    ecosystem: ClassVar[str]
    runtime: ClassVar[str]
    lock: ClassVar[str]
    programs: ClassVar[tuple[str, ...]] = ()
    """What must be installed on this host."""
    index_sends: ClassVar[frozenset[str]]
    """Of DIGEST, NAME, VERSION and FILE: what its index tells."""
    lock_sends: ClassVar[frozenset[str]]
    unindexed: ClassVar[tuple[str, ...]] = ("are not packages of an index, or cannot be read",)
    """What is said of a folder or a repository: one of these."""
    leaves_out: ClassVar[frozenset[str]] = frozenset()
    """Names of members that the ecosystem's own installer drops or moves into its folder, so that none is refused."""
    drops: ClassVar[frozenset[str]] = frozenset()
    """What an index cannot send, because the ecosystem's own client ignores the whole list that it is in."""
    blamed: ClassVar[tuple[str, ...]] = ()
    """What its own client says instead of naming the index."""
    shared_host: ClassVar[bool] = False
    """Whether its own client takes another port of the same host for the same party."""
    compiled: ClassVar[bool] = False
    """Whether its layers are always compiled in a container, which has to reach the index."""
    digests: ClassVar[str] = ""
    """The file beside the lock that holds the digests, if the lock does not."""
    vague: ClassVar[bool] = False
    """Whether packages declare no license, so that only texts of the most usual ones are known by name."""
    along: ClassVar[frozenset[str]] = frozenset()
    """Packages that every layer of it has besides those of the recipe."""
    host: str = "127.0.0.1"
    """The address of this machine that the index listens at; set before `running`."""
    front: Loopback
    """The index."""

    def running(self, folder: Path, patch: pytest.MonkeyPatch) -> AbstractContextManager[None]:
        """Serve the index, and set the environment so that it is the only one."""

    def publish(self, thing: Thing) -> None:
        """Put a package into the index."""

    def hostile(self, marker: Path) -> tuple[str, str | None]:
        """Publish packages that make `marker` when anything of them runs.

        Returns a step to plan and lock, and one that can be built without a container, if there can be one.
        """

    def step(self, *names: str) -> str:
        """Return the text of a step that asks for packages at 1.0.0."""

    def other(self, *names: str) -> str:
        """Return a step that asks for another version, as it stands in a recipe that moved on."""

    def local(self) -> Iterable[tuple[str, str, Mapping[str, str]]]:
        """Yield what a recipe can do to ask for a folder or a repository: name, step, and files beside the recipe."""

    def coordinates(self, name: str) -> tuple[str, str]:
        """Return the name and the version of a package as a layer has them."""
        return name, "1.0.0"

    def lie(self, what: str, value: str) -> None:
        """Let the index send a value of tiny."""

    def forge(self, lock: str, what: str, value: str) -> str:
        """Return the text of a lock with another value for tiny."""

    def archive(self, path: str) -> bool:
        """Tell whether a path of the index is that of an archive."""

    def private(self, patch: pytest.MonkeyPatch) -> None:
        """Give this host USER and PASSWORD for the index, the way its users do."""

    def purl(self, name: str) -> str:
        """Return the package URL of a package."""

    def kept(self, cache: Path) -> Iterable[Path]:
        """Return the files of the cache that a locked build reads of tiny."""
