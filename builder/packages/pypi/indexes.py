"""The indexes that requirements files and projects name: the same for resolving, installing and building.

uv gets their addresses in its environment, since the command lines of processes are shown to every user of a host.
Nothing that is stored has a password.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field, replace
from typing import Any
from urllib.parse import unquote, urlsplit

from builder.base import credentials
from builder.base.credentials import StoredAddress
from builder.base.frozen import dataclass
from builder.packages.pypi.names import StoredName

_STRATEGY = "--index-strategy"
"""What uv names in its output if an index behind the first one may have a version."""
_FORMAT: Mapping[bool, Mapping[str, str]] = {True: {"format": "flat"}, False: {}}
_NETRC = "`machine {host} login USER password PASSWORD` in ~/.netrc"


@dataclass(frozen=True, kw_only=True, slots=True)
class Index:
    """One index, as its file names it."""

    url: StoredAddress = field(repr=False)
    """The address, with user name and password if they are known; stored without."""
    name: str | None = None
    flat: bool = False
    """Whether it is a folder or a page that lists files, instead of an index."""
    password_in: str | None = field(default=None, compare=False)
    """Where its user name and password belong, for messages; None for netrc."""

    @property
    def shown(self) -> str:
        """The address without user name and password."""
        return credentials.redact(self.url)

    @property
    def advice(self) -> str:
        """Where its user name and password belong."""
        return self.password_in or _NETRC.format(host=urlsplit(self.url).hostname)


@dataclass(frozen=True, kw_only=True, slots=True)
class Binding:
    """The only index that a package may come from."""

    index: Index
    marker: str | None = None
    """The environments that it holds for; None for all."""
    version: str | None = None
    """The version of a lock that it holds for; None for any."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Indexes:
    """What files say of where packages come from, besides the settings of uv."""

    default: Index | None = None
    """In place of the user's default."""
    extra: tuple[Index, ...] = ()
    """Asked before the default, in this order; the first that has a package is the only one for it."""
    links: tuple[StoredAddress, ...] = field(default=(), repr=False)
    """Folders and pages that list files."""
    only_links: bool = False
    """Whether no index is asked."""
    trusted: tuple[str, ...] = ()
    """Hosts whose certificates are not verified."""
    equal: bool = False
    """Whether a version that the first index with a package lacks may come from another: pip's files say so."""
    bound: Mapping[StoredName, tuple[Binding, ...]] = field(default_factory=dict, hash=False)
    """Packages that come from one index each."""

    def joined(self, later: "Indexes") -> "Indexes":
        """Return both. What is given later replaces a default, and is added to the rest."""
        return Indexes(
            default=later.default or self.default,
            extra=tuple(dict.fromkeys((*self.extra, *later.extra))),
            links=tuple(dict.fromkeys((*self.links, *later.links))),
            only_links=self.only_links or later.only_links,
            trusted=tuple(dict.fromkeys((*self.trusted, *later.trusted))),
            equal=self.equal or later.equal,
            bound={**self.bound, **later.bound},
        )

    @property
    def unbound(self) -> "Indexes":
        """The indexes for packages that are not bound to one: also those that others are built with."""
        return replace(self, bound={})

    @property
    def all(self) -> tuple[Index, ...]:
        """Every index."""
        given = [*([self.default] if self.default else []), *self.extra]
        return tuple(dict.fromkeys((*given, *self._explicit())))

    def _explicit(self) -> Iterator[Index]:
        for bindings in self.bound.values():
            yield from (binding.index for binding in bindings)

    def environment(self) -> dict[str, str]:
        """Return the variables by which uv gets the indexes, added to those of the user."""
        found: dict[str, str] = {}
        if self.default:
            found["UV_DEFAULT_INDEX"] = self.default.url
        found.update(_added("UV_INDEX", (index.url for index in self.extra), " "))
        found.update(_added("UV_FIND_LINKS", (link.replace(",", "%2C") for link in self.links), ","))
        found.update(_added("UV_INSECURE_HOST", self.trusted, " "))
        for name, index in self.named():
            parts = urlsplit(index.url)
            if parts.username:
                key = credentials.variable(name)
                found[f"{key}_USERNAME"] = unquote(parts.username)
                found[f"{key}_PASSWORD"] = unquote(parts.password or "")
        return found

    def widened(self, stderr: str) -> dict[str, str] | None:
        """Return the variables by which uv takes a version from an index behind the first one; None if it may not.

        uv has failed for that reason alone then, which its output tells. What the first index has is still preferred.
        """
        if self.equal and _STRATEGY in stderr and not os.environ.get("UV_INDEX_STRATEGY"):
            return {**self.environment(), "UV_INDEX_STRATEGY": "unsafe-first-match"}
        return None

    def by_hash(self) -> dict[str, str]:
        """Return the variables of `environment` for files that are compared with their hashes, wherever they are."""
        strategy = {"UV_INDEX_STRATEGY": "unsafe-best-match"} if self.equal else {}
        return {**self.environment(), **strategy}

    def arguments(self) -> list[str]:
        """Return the options of uv that no variable stands for."""
        return ["--no-index"] if self.only_links else []

    def named(self) -> list[tuple[str, Index]]:
        """Return the indexes of bound packages, with names that uv accepts."""
        return [(f"bound-{number}", index) for number, index in enumerate(dict.fromkeys(self._explicit()))]

    def settings(self) -> dict[str, Any]:
        """Return the settings of uv without which it has no passwords for the indexes of bound packages."""
        rows = [
            {"name": name, "url": credentials.without(index.url), "explicit": True, **_FORMAT[index.flat]}
            for name, index in self.named()
        ]
        return {"index": rows} if rows else {}

    def authorized(self, url: str) -> str:
        """Return the address of a file with the user name and password of the index on the same host, if it has any."""
        if "@" in urlsplit(url).netloc:
            return url
        for index in self.all:
            login, at, _ = urlsplit(index.url).netloc.rpartition("@")
            if at and credentials.same_origin(index.url, url):
                return url.replace("://", f"://{login}@", 1)
        return url


SETTINGS = Indexes()
"""Those of uv's settings alone."""


def _added(variable: str, words: Iterable[str], separator: str) -> dict[str, str]:
    """Return a variable with these words behind those of the user; nothing without any."""
    given = list(words)
    return {variable: separator.join([*filter(None, [os.environ.get(variable)]), *given])} if given else {}
