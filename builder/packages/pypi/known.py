"""Cached resolutions of locked recipes, which save requests to the index.

The hashes in the lock decide which files are used, so a newer response of the index cannot change the layer.
Addresses are not stored, since they can contain credentials.
"""

import dataclasses
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from builder.base import files, remote, texts
from builder.base.documents import Document
from builder.base.frozen import dataclass
from builder.base.plain import Json
from builder.base.values import FileName, Sha256, UntrustedError, matching
from builder.model.target import Target
from builder.packages.pypi import uv
from builder.packages.pypi.dist import Candidate, Dist
from builder.packages.pypi.indexes import Indexes
from builder.packages.pypi.names import NAME, VERSION
from builder.packages.pypi.resolve import Wanted, resolve

_SENDER = "the cache"
FORMAT = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class CachedResolution:
    """The packages that answered a query, without addresses."""

    packages: tuple[Candidate, ...]
    version: int = FORMAT


class _ResolutionCodec:
    """Rows with their SHA-256, which proves that none was changed or lost since they were written."""

    @staticmethod
    def decode(document: Json) -> CachedResolution:
        kept = texts.parse_json(document.data)
        try:
            if kept["sha256"] != _digest(kept["packages"]):
                msg = "its content does not have the SHA-256 in it"
                raise ValueError(msg)
            return CachedResolution(packages=tuple(map(_candidate, kept["packages"])), version=kept["version"])
        except (TypeError, KeyError, UntrustedError) as error:
            raise ValueError(str(error).partition("\n")[0]) from None

    @staticmethod
    def encode(value: CachedResolution) -> bytes:
        rows = [dataclasses.asdict(candidate) for candidate in value.packages]
        return json.dumps({"version": value.version, "sha256": _digest(rows), "packages": rows}).encode()


def document(path: Path) -> Document[CachedResolution]:
    """Return the document of a cached resolution."""
    return Document(path=path, what="cached resolution", codec=_ResolutionCodec(), version=FORMAT)


def resolved(wanted: Wanted, target: Target, lock: str, pinned: Collection[str], cache: Path) -> tuple[Candidate, ...]:
    """Resolve, or return the cached result of the same query if it has all packages that the lock pins, and no others.

    `lock` is the SHA-256 of what the lock says, `pinned` are the names of its packages.
    """
    if wanted.files or wanted.indexes != Indexes():
        return resolve(wanted, target.base, target.arch)  # a requirements file may name others, and needs addresses
    cached = document(cache / f"{_key(wanted, target, lock)}.json")
    kept = cached.read()
    if kept is None and remote.fetch(f"resolved/{cached.path.name}", cached.path):
        kept = cached.read()
    if kept and {candidate.name for candidate in kept.packages} == {*pinned}:
        return kept.packages
    found = resolve(wanted, target.base, target.arch)
    if not any(candidate.direct for candidate in found):
        cached.replace(CachedResolution(packages=tuple(map(_without_addresses, found))))
        remote.upload(f"resolved/{cached.path.name}", cached.path)
    return found


def _key(wanted: Wanted, target: Target, lock: str) -> str:
    question = [
        FORMAT,
        uv.version(),
        target.base.series,
        target.base.os.name,
        target.arch.name,
        wanted.requirements,
        sorted(wanted.sources),
        wanted.wheels_only,
        wanted.without_dependencies,
        lock,
    ]
    return files.sha256_of(json.dumps(question).encode())


def _candidate(row: dict[str, Any]) -> Candidate:
    return Candidate(
        name=matching(NAME, row["name"], _SENDER, "a valid name of a Python package"),
        version=matching(VERSION, row["version"], _SENDER, "a valid version of a Python package"),
        wheels=tuple(_dist(wheel) for wheel in row["wheels"]),
        sdist=_dist(row["sdist"]) if row["sdist"] else None,
    )


def _dist(row: dict[str, Any]) -> Dist:
    size = row["size"]
    return Dist(
        filename=FileName.parse(row["filename"], _SENDER),
        sha256=Sha256.parse(row["sha256"], _SENDER),
        size=size if isinstance(size, int) else None,
    )


def _without_addresses(candidate: Candidate) -> Candidate:
    wheels = tuple(dataclasses.replace(wheel, url=None) for wheel in candidate.wheels)
    sdist = dataclasses.replace(candidate.sdist, url=None) if candidate.sdist else None
    return dataclasses.replace(candidate, wheels=wheels, sdist=sdist)


def _digest(rows: object) -> str:
    return files.sha256_of(json.dumps(rows, sort_keys=True).encode())
