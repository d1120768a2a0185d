"""What a region has: the versions of layers, their content, and who may use them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from builder.publish import aws
from builder.publish.aws import Cloud
from builder.publish.grants import Grant, of_policy
from builder.publish.shas import Shas

_PAGES = 50
"""Layers that ListLayers tells at once: with more than one to look for, that is fewer questions."""
_FEW = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Version:
    """A layer version as Lambda lists it."""

    number: int
    arn: str
    created: str = ""
    description: str = ""
    license: str = ""
    runtimes: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    code_sha256: str = ""
    """Empty where nobody asked: lists do not tell it."""
    bytes: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What a region has of one layer."""

    newest: int = 0
    """Number of the newest version; 0 when there is none."""
    same: tuple[Version, ...] = ()
    """Versions with the content that is wanted, the oldest first."""
    policy: Mapping[str, Grant | None] = field(default_factory=dict)
    """Of the first of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """One region of one account, and what is known of its versions."""

    cloud: Cloud
    region: str
    shas: Shas

    @property
    def client(self) -> Any:  # noqa: ANN401  boto3 makes its classes when it runs
        return self.cloud.functions(self.region)


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What is looked for of one layer."""

    code_sha256: str
    policy: bool = True
    """Whether anybody wants to know who may use it."""
    thorough: bool = False
    """Whether every version is looked at, and not only as many as settle the question."""


def layers(place: Place, wanted: Mapping[str, Wish]) -> dict[str, Found]:
    """Return what a region has of each wanted layer, by name.

    One page tells the newest version of fifty layers, and mostly nothing else must be asked.
    """
    newest = _newest(place, [name for name, wish in wanted.items() if not wish.thorough])
    return {name: _one(place, name, wish, newest) for name, wish in wanted.items()}


def _newest(place: Place, names: Sequence[str]) -> dict[str, Version | None]:
    """Return the newest version of layers, None where there is no layer; what is not in it was not looked for."""
    if len(names) <= _FEW:
        return {}
    found: dict[str, Version | None] = {}
    with aws.told(f"{place.region}: list the layers"):
        pages = place.client.get_paginator("list_layers").paginate(PaginationConfig={"PageSize": _PAGES})
        for number, page in enumerate(pages, 1):
            rows = [row for row in page["Layers"] if row["LayerName"] in names]
            found.update({row["LayerName"]: listed(row["LatestMatchingVersion"]) for row in rows})
            if len(found) == len(names) or (number == len(names) and page.get("NextMarker")):
                return found  # in an account with thousands of others, to ask for each is less
    return {**dict.fromkeys(names), **found}


def _one(place: Place, name: str, wish: Wish, newest: Mapping[str, Version | None]) -> Found:
    last = newest.get(name)
    if name in newest and last is None:
        return Found()
    settled = last is not None and _settled(place, last, wish.code_sha256)
    every = [last] if last and settled else list(versions(place, name))
    same = sorted((one for one in every if content(place, one.arn) == wish.code_sha256), key=lambda one: one.number)
    policy = permissions(place, same[0].arn) if same and wish.policy else {}
    return Found(newest=max((one.number for one in every), default=0), same=tuple(same), policy=policy)


def _settled(place: Place, newest: Version, sha: str) -> bool:
    """Tell whether the newest version is all that must be looked at: it has the content, or no older one can."""
    if content(place, newest.arn) == sha:
        return True
    layer = newest.arn.rpartition(":")[0]
    older = [place.shas.get(f"{layer}:{number}") for number in range(1, newest.number)]
    return None not in older and sha not in older


def versions(place: Place, name: str) -> Iterator[Version]:
    """Yield all versions of a layer, the newest first, without their content; none when there is no such layer."""
    try:
        with aws.told(f"{place.region}: list the versions of {name}"):
            pages = place.client.get_paginator("list_layer_versions").paginate(LayerName=name)
            yield from (listed(row) for row in chain.from_iterable(page["LayerVersions"] for page in pages))
    except aws.MissingError:
        return


def content(place: Place, arn: str) -> str:
    """Return the CodeSha256 of a version; an empty string when it was deleted meanwhile."""
    known = place.shas.get(arn)
    if known is None:
        known = _asked(place, arn)
        if known:
            place.shas.put(arn, known)
    return known


def _asked(place: Place, arn: str) -> str:
    try:
        with aws.told(f"{place.region}: look at {arn}"):
            return str(place.client.get_layer_version(**which(arn))["Content"]["CodeSha256"])
    except aws.MissingError:
        return ""


def permissions(place: Place, arn: str) -> dict[str, Grant | None]:
    """Return who may use a version, by statement; a version that nobody else may use has no policy."""
    try:
        with aws.told(f"{place.region}: read who may use {arn}"):
            found = place.client.get_layer_version_policy(**which(arn))
    except aws.MissingError:
        return {}
    return of_policy(json.loads(found["Policy"]))


def which(arn: str) -> dict[str, Any]:
    """Return how Lambda's API names a version: the layer by its ARN, and a number."""
    layer, _, number = arn.rpartition(":")
    return {"LayerName": layer, "VersionNumber": int(number)}


def listed(row: Mapping[str, Any]) -> Version:
    """Return a version from one of Lambda's answers."""
    body = row.get("Content", {})
    return Version(
        number=row["Version"],
        arn=row["LayerVersionArn"],
        created=row.get("CreatedDate", ""),
        description=row.get("Description", ""),
        license=row.get("LicenseInfo", ""),
        runtimes=tuple(row.get("CompatibleRuntimes", ())),
        architectures=tuple(row.get("CompatibleArchitectures", ())),
        code_sha256=body.get("CodeSha256", ""),
        bytes=body.get("CodeSize", 0),
    )
