"""The packages of a pylock.toml (PEP 751), the temporary output of uv."""

from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

import tomli

from builder.base.errors import BuildError
from builder.base.values import FileName, Sha256, matching
from builder.packages.pypi.dist import Candidate, Dist
from builder.packages.pypi.names import NAME, VERSION

SENDER = "the package index"


def candidates(pylock: str) -> tuple[Candidate, ...]:
    """Return the packages of a pylock.toml (PEP 751), sorted by name.

    Raises BuildError for packages without a hash, UntrustedError for names, versions and digests that are not valid.
    """
    packages: list[dict[str, Any]] = tomli.loads(pylock).get("packages", [])
    return tuple(sorted((_candidate(package) for package in packages), key=lambda candidate: candidate.name))


def _candidate(package: dict[str, Any]) -> Candidate:
    archive = package.get("archive")
    source = package.get("sdist")
    entries = package.get("wheels", [])
    if archive and _filename(archive).endswith(".whl"):
        entries = [archive]
    elif archive:
        source = archive
    elif not entries and not source:
        msg = f"`{package['name']}` is a folder or a repository"
        raise BuildError(msg, hint="name a wheel, an sdist or a package of an index: they have a hash")
    version = package.get("version") or _filename(entries[0] if entries else source or {}).split("-")[1]
    return Candidate(
        name=matching(NAME, package["name"], SENDER, "a valid name of a Python package"),
        version=matching(VERSION, version, SENDER, "a valid version of a Python package"),
        wheels=tuple(_dist(entry) for entry in entries),
        sdist=_dist(source) if source else None,
        direct=_url(archive) if archive else None,
    )


def _dist(entry: dict[str, Any]) -> Dist:
    return Dist(filename=_filename(entry), sha256=_sha256(entry), size=entry.get("size"), url=_url(entry))


def _sha256(entry: dict[str, Any]) -> str:
    try:
        value = entry["hashes"]["sha256"]
    except KeyError:
        msg = f"the index gives no SHA-256 for {_filename(entry)}"
        raise BuildError(
            msg, hint="layerwright installs by hash: enable hashes in the index, or name the address of the file"
        ) from None
    return Sha256.parse(value, SENDER)


def _url(entry: dict[str, Any]) -> str:
    return str(entry["url"]) if "url" in entry else Path(entry["path"]).resolve().as_uri()


def _filename(entry: dict[str, Any]) -> str:
    if name := entry.get("name"):
        return FileName.parse(name, SENDER)
    where = urlsplit(entry["url"]).path if "url" in entry else str(entry["path"]).replace("\\", "/")
    return FileName.parse(unquote(PurePosixPath(where).name), SENDER)
