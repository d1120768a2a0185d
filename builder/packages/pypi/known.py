"""Cached resolutions of locked recipes, which save requests to the index.

The hashes in the lock decide which files are used, so a newer response of the index cannot change the layer.
Addresses are not stored, since they can contain credentials.
"""

import dataclasses
import json
from pathlib import Path
from typing import Any

from builder.base import files, remote, texts
from builder.base.values import FileName, Sha256, UntrustedError, matching
from builder.model.target import Target
from builder.packages.pypi import uv
from builder.packages.pypi.dist import Candidate, Dist
from builder.packages.pypi.pylock import NAME, VERSION
from builder.packages.pypi.resolve import Wanted, resolve

_SENDER = "the cache"


def resolved(wanted: Wanted, target: Target, lock: Path, cache: Path) -> tuple[Candidate, ...]:
    """Resolve, or return the cached result of the same query."""
    if wanted.files:
        return resolve(wanted, target.base, target.arch)  # a requirements file may name others
    path = cache / f"{_key(wanted, target, lock)}.json"
    found = _read(path)
    if found is None and remote.fetch(f"resolved/{path.name}", path):
        found = _read(path)
    if found is None:
        found = resolve(wanted, target.base, target.arch)
        if not any(candidate.direct for candidate in found):
            _write(path, found)
            remote.upload(f"resolved/{path.name}", path)
    return found


def _key(wanted: Wanted, target: Target, lock: Path) -> str:
    question = [
        uv.version(),
        target.base.series,
        target.base.os.name,
        target.arch.name,
        wanted.requirements,
        sorted(wanted.sources),
        wanted.wheels_only,
        files.sha256(lock),
    ]
    return files.sha256_of(json.dumps(question).encode())


def _read(path: Path) -> tuple[Candidate, ...] | None:
    try:
        kept: dict[str, Any] = texts.parse_json(path.read_bytes())
        intact = kept["sha256"] == _digest(kept["packages"])
        return tuple(_candidate(row) for row in kept["packages"]) if intact else None
    except (OSError, ValueError, TypeError, KeyError, UntrustedError):
        return None  # not there, or damaged: ask again


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


def _write(path: Path, found: tuple[Candidate, ...]) -> None:
    nameless = [
        dataclasses.replace(
            one,
            wheels=tuple(dataclasses.replace(wheel, url=None) for wheel in one.wheels),
            sdist=dataclasses.replace(one.sdist, url=None) if one.sdist else None,
        )
        for one in found
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [dataclasses.asdict(one) for one in nameless]
    with files.replacing(path) as part:
        part.write_text(json.dumps({"sha256": _digest(rows), "packages": rows}), encoding="utf-8")


def _digest(rows: object) -> str:
    """Return the SHA-256 of rows, which tells that none was changed or lost since they were written."""
    return files.sha256_of(json.dumps(rows, sort_keys=True).encode())
