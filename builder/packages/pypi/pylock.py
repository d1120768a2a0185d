"""The packages of a pylock.toml (PEP 751), the temporary output of uv."""

from collections.abc import Callable, Mapping
from dataclasses import field
from pathlib import Path, PurePosixPath
from typing import Annotated
from urllib.parse import unquote, urlsplit

from packaging.version import Version

from builder.base import texts
from builder.base.errors import BuildError
from builder.base.frozen import dataclass
from builder.base.rules import Field
from builder.base.values import FileName, Sha256, matching, untrusted
from builder.model.decode import typed
from builder.packages.pypi.dist import Candidate, Dist
from builder.packages.pypi.names import NAME, VERSION

SENDER = "the package index"
_A_VERSION = "a valid version of a Python package"


@dataclass(frozen=True, kw_only=True, slots=True)
class LockedFile:
    """A file of a package, by its address or by its path on this host."""

    name: str | None = None
    url: str | None = None
    path: str | None = None
    size: int | None = None
    hashes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class LockedPlace:
    """A folder, or a repository at a commit."""

    path: str | None = None
    url: str | None = None
    type: str = "git"
    commit: Annotated[str | None, Field(alias="commit-id")] = None
    subdirectory: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LockedPackage:
    """A package of a pylock.toml."""

    name: str
    version: str | None = None
    index: str | None = None
    marker: str | None = None
    archive: LockedFile | None = None
    directory: LockedPlace | None = None
    vcs: LockedPlace | None = None
    sdist: LockedFile | None = None
    wheels: tuple[LockedFile, ...] = ()


def candidates(pylock: str) -> tuple[Candidate, ...]:
    """Return the packages of a pylock.toml (PEP 751), sorted by name.

    Raises BuildError for packages without a hash, UntrustedError for names, versions and digests that are not valid.
    """
    return tuple(sorted(map(_candidate, _packages(pylock)), key=lambda candidate: candidate.name))


def _packages(pylock: str) -> tuple[LockedPackage, ...]:
    try:
        rows = texts.parse_toml(pylock).get("packages", ())
        return typed(tuple[LockedPackage, ...], rows)
    except ValueError as error:
        msg = "uv wrote a pylock.toml that cannot be read"
        raise BuildError(msg, why=str(error).splitlines()[:3]) from error


def _candidate(package: LockedPackage) -> Candidate:
    archive, source, entries = package.archive, package.sdist, package.wheels
    if archive and filename(archive).endswith(".whl"):
        entries = (archive,)
    elif archive:
        source = archive
    first = entries[0] if entries else source
    if first is None:
        msg = f"`{package.name}` is a folder or a repository"
        raise BuildError(msg, hint="name a wheel, an sdist or a package of an index: they have a hash")
    version = package.version or filename(first).partition("-")[2].partition("-")[0]
    return Candidate(
        name=matching(NAME, package.name, SENDER, "a valid name of a Python package"),
        version=_version(version),
        wheels=tuple(map(_dist, entries)),
        sdist=_dist(source) if source else None,
        direct=_url(archive) if archive else None,
    )


def _version(text: str) -> str:
    try:
        Version(matching(VERSION, text, SENDER, _A_VERSION))
    except ValueError:  # also for a number of thousands of digits
        raise untrusted(SENDER, text, _A_VERSION) from None
    return text


def _dist(entry: LockedFile) -> Dist:
    return Dist(filename=filename(entry), sha256=_sha256(entry), size=entry.size, url=_url(entry))


def _sha256(entry: LockedFile) -> str:
    if "sha256" not in entry.hashes:
        msg = f"the index gives no SHA-256 for {filename(entry)}"
        raise BuildError(
            msg, hint="layerwright installs by hash: enable hashes in the index, or name the address of the file"
        )
    return Sha256.parse(entry.hashes["sha256"], SENDER)


def _url(entry: LockedFile) -> str:
    return entry.url if entry.url is not None else _read(entry.path, lambda path: Path(path).resolve().as_uri())


def _read(place: str | None, read: Callable[[str], str]) -> str:
    """Return what an address or a path holds. Raises UntrustedError for what is none."""
    try:
        return read(place or "")
    except (ValueError, OSError):
        raise untrusted(SENDER, place, "the address or the path of a file") from None


def filename(entry: LockedFile) -> str:
    """Return the name of a file. Raises UntrustedError for one that is no name."""
    if entry.name:
        return FileName.parse(entry.name, SENDER)
    if entry.url is not None:
        where = _read(entry.url, lambda address: urlsplit(address).path)
    else:
        where = str(entry.path).replace("\\", "/")
    return FileName.parse(unquote(PurePosixPath(where).name), SENDER)
