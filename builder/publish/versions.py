"""Published versions: their users, and the rules that select versions to delete."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import field
from itertools import chain
from typing import Any

from builder.base.errors import LayerwrightError, PublishError
from builder.base.frozen import dataclass
from builder.publish import aws, creation, remote_state
from builder.publish.aws import Cloud
from builder.publish.grants import Grant
from builder.publish.known_hashes import KnownHashes
from builder.publish.remote_state import RemoteRegion, RemoteVersion

_WORKERS = 32
_SHOWN_USERS = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedVersion:
    """A published version, with its users."""

    region: str
    layer: str
    version: RemoteVersion
    users: tuple[str, ...]
    """ARNs of the functions, and of their published versions, that use it in the same account and region."""
    newest: bool

    def as_json(self) -> dict[str, Any]:
        version = self.version
        return {
            "region": self.region,
            "layer": self.layer,
            "number": version.number,
            "arn": version.arn,
            "created": version.created,
            "description": version.description,
            "runtimes": list(version.runtimes),
            "architectures": list(version.architectures),
            "users": list(self.users),
            "newest": self.newest,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class PruneRule:
    """Conditions for deletion. A version must meet each condition that is set."""

    keep: int | None = None
    """Number of the newest versions that are kept."""
    older_than: int | None = None
    """Minimum age in days."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PruneDecision:
    """Whether to delete a version, and the reasons for keeping it."""

    listed: ListedVersion
    delete: bool
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Deletion:
    """Result of deleting versions. Empty after a dry run."""

    deleted: frozenset[str] = frozenset()
    """ARNs of the versions that are gone."""
    errors: Mapping[str, LayerwrightError] = field(default_factory=dict)
    """Errors of the versions that remain, by ARN."""

    def reason(self, arn: str) -> str | None:
        """Return why a version could not be deleted; None if it was, or was not meant to be."""
        if arn not in self.errors:
            return None
        error = self.errors[arn]
        return error.why[0] if error.why else error.what

    def as_json(self, listed: ListedVersion) -> dict[str, Any]:
        """Return a version, and what became of it."""
        arn = listed.version.arn
        return {**listed.as_json(), "deleted": arn in self.deleted, "error": self.reason(arn)}

    def raise_failed(self) -> None:
        """Raise PublishError with the versions that remain."""
        if self.errors:
            msg = f"{len(self.errors)} versions could not be deleted"
            raise PublishError(msg, why=[f"{arn}: {self.reason(arn)}" for arn in self.errors])


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionDetails:
    """A version and its grants by statement id."""

    version: RemoteVersion
    grants: Mapping[str, Grant | None]


def list_versions(
    cloud: Cloud, account: str, regions: Sequence[str], names: Sequence[str]
) -> tuple[list[ListedVersion], dict[str, LayerwrightError]]:
    """Return the versions of layers in all regions, the newest first, and the errors of regions."""
    return _in_regions(regions, lambda region: _list_in(_remote(cloud, account, region), names))


def _remote(cloud: Cloud, account: str, region: str) -> RemoteRegion:
    return RemoteRegion(cloud=cloud, region=region, hashes=KnownHashes(account, region))


def _in_regions(
    regions: Sequence[str], query: Callable[[str], list[ListedVersion]]
) -> tuple[list[ListedVersion], dict[str, LayerwrightError]]:
    versions: list[ListedVersion] = []
    errors: dict[str, LayerwrightError] = {}
    with ThreadPoolExecutor(min(_WORKERS, len(regions))) as pool:
        futures = {region: pool.submit(query, region) for region in regions}
    for region, future in futures.items():
        try:
            versions += future.result()
        except LayerwrightError as error:
            errors[region] = error
    return versions, errors


def _list_in(remote: RemoteRegion, names: Sequence[str]) -> list[ListedVersion]:
    by_name = {name: sorted(remote_state.versions(remote, name), key=lambda version: -version.number) for name in names}
    users = _users(remote) if any(by_name.values()) else {}
    return [
        ListedVersion(
            region=remote.region,
            layer=name,
            version=version,
            users=tuple(users.get(version.arn, ())),
            newest=version is versions[0],
        )
        for name, versions in by_name.items()
        for version in versions
    ]


def _users(remote: RemoteRegion) -> dict[str, list[str]]:
    """Return the functions of the account in a region, including their published versions, by the layers they use."""
    users: dict[str, list[str]] = {}
    with aws.translating(f"{remote.region}: cannot list the functions"):
        pages = remote.client.get_paginator("list_functions").paginate(FunctionVersion="ALL")
        for function in chain.from_iterable(page["Functions"] for page in pages):
            for layer in function.get("Layers", ()):
                users.setdefault(layer["Arn"], []).append(function["FunctionArn"])
    return users


def decide(versions: Sequence[ListedVersion], rule: PruneRule, now: dt.datetime) -> Iterator[PruneDecision]:
    """Decide for each version whether to delete it. The newest version of a layer and versions in use are kept."""
    ranks: dict[tuple[str, str], int] = {}
    for listed in versions:
        rank = ranks[listed.region, listed.layer] = ranks.get((listed.region, listed.layer), 0) + 1
        reasons = list(_reasons(listed, rank, rule, now))
        yield PruneDecision(listed=listed, delete=not reasons, why="; ".join(reasons))


def _reasons(listed: ListedVersion, rank: int, rule: PruneRule, now: dt.datetime) -> Iterator[str]:
    """Yield the reasons to keep a version."""
    if listed.newest:
        yield "the newest"
    elif rule.keep is not None and rank <= rule.keep:
        yield f"one of the newest {rule.keep}"
    if listed.users:
        names = ", ".join(_short(user) for user in listed.users[:_SHOWN_USERS])
        more = len(listed.users) - _SHOWN_USERS
        yield f"used by {names} and {more} more" if more > 0 else f"used by {names}"
    if rule.older_than is not None:
        days = (now - parse_time(listed.version.created)).days
        if days < rule.older_than:
            yield f"{days} days old"


def now() -> dt.datetime:
    return dt.datetime.now(tz=dt.timezone.utc)


def parse_time(created: str) -> dt.datetime:
    """Parse a CreatedDate of Lambda, ISO 8601 as in 2026-11-26T18:00:00.000+0000."""
    return dt.datetime.strptime(created, "%Y-%m-%dT%H:%M:%S.%f%z")


def _short(arn: str) -> str:
    return arn.partition(":function:")[2] or arn


def delete(cloud: Cloud, account: str, versions: Sequence[ListedVersion]) -> Deletion:
    """Delete versions, with the regions in parallel. Errors are in the result."""
    regions = tuple(dict.fromkeys(listed.region for listed in versions))
    errors: dict[str, LayerwrightError] = {}

    def delete_in(region: str) -> list[ListedVersion]:
        remote = _remote(cloud, account, region)
        for listed in (listed for listed in versions if listed.region == region):
            try:
                creation.delete(remote, listed.version)
            except LayerwrightError as error:
                errors[listed.version.arn] = error
        return []

    if regions:
        _in_regions(regions, delete_in)
    return Deletion(deleted=frozenset(listed.version.arn for listed in versions) - set(errors), errors=errors)


def details(cloud: Cloud, region: str, arn: str) -> VersionDetails:
    """Return a version of any account. Raises MissingError if it does not exist."""
    remote = _remote(cloud, "anybody", region)
    with aws.translating(f"{region}: cannot get {arn}"):
        version = remote_state.parse_version(remote.client.get_layer_version(**remote_state.identifiers(arn)))
    try:
        grants: Mapping[str, Grant | None] = remote_state.permissions(remote, arn)
    except LayerwrightError:
        grants = {}  # only the owner may read them
    return VersionDetails(version=version, grants=grants)
