"""Remote state of one region: the versions of layers, their content and their permissions."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from itertools import chain
from typing import Any

from builder.base.frozen import dataclass
from builder.publish import aws
from builder.publish.aws import Cloud
from builder.publish.grants import Grant, of_policy
from builder.publish.known_hashes import KnownHashes

_PAGE_SIZE = 50
"""Layers per page of ListLayers: one request instead of one per layer."""
_FEW = 2
"""Number of layers up to which one request per layer is not more expensive."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoteVersion:
    """A layer version as Lambda lists it."""

    number: int
    arn: str
    created: str = ""
    description: str = ""
    license: str = ""
    runtimes: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    code_sha256: str = ""
    """Empty in lists: only GetLayerVersion returns it."""
    bytes: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoteLayer:
    """State of one layer in a region."""

    newest: int = 0
    """Number of the newest version; 0 if there is none."""
    same: tuple[RemoteVersion, ...] = ()
    """Versions with the content to publish, the oldest first."""
    policy: Mapping[str, Grant | None] = field(default_factory=dict)
    """Policy of the first of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoteRegion:
    """One region of one account, with the known hashes of its versions."""

    cloud: Cloud
    region: str
    hashes: KnownHashes

    @property
    def client(self) -> Any:  # noqa: ANN401  boto3 creates its classes at run time
        return self.cloud.functions(self.region)


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerQuery:
    """What to look up for one layer."""

    code_sha256: str
    policy: bool = True
    """Whether to read the permissions."""
    thorough: bool = False
    """Whether to compare every version instead of stopping at the first that decides."""


def layers(remote: RemoteRegion, queries: Mapping[str, LayerQuery]) -> dict[str, RemoteLayer]:
    """Return the state of layers in a region, by name.

    One page of ListLayers holds the newest version of fifty layers, which mostly makes further requests unnecessary.
    """
    newest = _newest(remote, [name for name, query in queries.items() if not query.thorough])
    return {name: _layer(remote, name, query, newest) for name, query in queries.items()}


def _newest(remote: RemoteRegion, names: Sequence[str]) -> dict[str, RemoteVersion | None]:
    """Return the newest version of layers, None for a layer that does not exist; a missing key means not looked up."""
    if len(names) <= _FEW:
        return {}
    newest: dict[str, RemoteVersion | None] = {}
    with aws.translating(f"{remote.region}: cannot list the layers"):
        pages = remote.client.get_paginator("list_layers").paginate(PaginationConfig={"PageSize": _PAGE_SIZE})
        for number, page in enumerate(pages, 1):
            rows = [row for row in page["Layers"] if row["LayerName"] in names]
            newest.update({row["LayerName"]: parse_version(row["LatestMatchingVersion"]) for row in rows})
            if len(newest) == len(names) or (number == len(names) and page.get("NextMarker")):
                return newest  # in an account with thousands of layers, one request per name is cheaper
    return {**dict.fromkeys(names), **newest}


def _layer(
    remote: RemoteRegion, name: str, query: LayerQuery, newest: Mapping[str, RemoteVersion | None]
) -> RemoteLayer:
    last = newest.get(name)
    if name in newest and last is None:
        return RemoteLayer()
    settled = last is not None and _settled(remote, last, query.code_sha256)
    every = [last] if last and settled else list(versions(remote, name))
    equal = (version for version in every if code_sha256(remote, version.arn) == query.code_sha256)
    same = sorted(equal, key=lambda version: version.number)
    policy = permissions(remote, same[0].arn) if same and query.policy else {}
    return RemoteLayer(newest=max((version.number for version in every), default=0), same=tuple(same), policy=policy)


def _settled(remote: RemoteRegion, newest: RemoteVersion, sha256: str) -> bool:
    """Tell whether the newest version decides: it has the content, or no older version can have it."""
    if code_sha256(remote, newest.arn) == sha256:
        return True
    layer = newest.arn.rpartition(":")[0]
    older = [remote.hashes.get(f"{layer}:{number}") for number in range(1, newest.number)]
    return None not in older and sha256 not in older


def versions(remote: RemoteRegion, name: str) -> Iterator[RemoteVersion]:
    """Yield the versions of a layer, the newest first, without their hashes; none if the layer does not exist."""
    try:
        with aws.translating(f"{remote.region}: cannot list the versions of {name}"):
            pages = remote.client.get_paginator("list_layer_versions").paginate(LayerName=name)
            yield from (parse_version(row) for row in chain.from_iterable(page["LayerVersions"] for page in pages))
    except aws.MissingError:
        return


def code_sha256(remote: RemoteRegion, arn: str) -> str:
    """Return the CodeSha256 of a version; an empty string if it was deleted in the meantime."""
    sha256 = remote.hashes.get(arn)
    if sha256 is None:
        sha256 = _requested(remote, arn)
        if sha256:
            remote.hashes.put(arn, sha256)
    return sha256


def _requested(remote: RemoteRegion, arn: str) -> str:
    try:
        with aws.translating(f"{remote.region}: cannot get {arn}"):
            return str(remote.client.get_layer_version(**identifiers(arn))["Content"]["CodeSha256"])
    except aws.MissingError:
        return ""


def permissions(remote: RemoteRegion, arn: str) -> dict[str, Grant | None]:
    """Return the grants of a version by statement id; a version that is not shared has no policy."""
    try:
        with aws.translating(f"{remote.region}: cannot read the permissions of {arn}"):
            answer = remote.client.get_layer_version_policy(**identifiers(arn))
    except aws.MissingError:
        return {}
    return of_policy(json.loads(answer["Policy"]))


def identifiers(arn: str) -> dict[str, Any]:
    """Return the request parameters that identify a version: the ARN of the layer, and the number."""
    layer, _, number = arn.rpartition(":")
    return {"LayerName": layer, "VersionNumber": int(number)}


def parse_version(row: Mapping[str, Any]) -> RemoteVersion:
    """Parse a version in an answer of Lambda."""
    body = row.get("Content", {})
    return RemoteVersion(
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
