"""The versions of layers in a region: who uses them, and which may go."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from typing import Any

from builder.base.errors import LayerwrightError
from builder.publish import aws, creation, look
from builder.publish.aws import Cloud
from builder.publish.grants import Grant
from builder.publish.look import Place, Version
from builder.publish.shas import Shas

_WORKERS = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """A version, and what is known of it."""

    region: str
    layer: str
    version: Version
    users: tuple[str, ...]
    """ARNs of functions (and of their published versions) in this account and region that use it."""
    newest: bool

    def as_json(self) -> dict[str, Any]:
        one = self.version
        return {
            "region": self.region,
            "layer": self.layer,
            "number": one.number,
            "arn": one.arn,
            "created": one.created,
            "description": one.description,
            "runtimes": list(one.runtimes),
            "architectures": list(one.architectures),
            "users": list(self.users),
            "newest": self.newest,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """Which versions may go; both conditions must hold where both are given."""

    keep: int | None = None
    """This many of the newest stay."""
    older_than: int | None = None
    """Days since it was published."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """What becomes of a version."""

    kept: Kept
    delete: bool
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """Everything that can be told of one version."""

    version: Version
    grants: Mapping[str, Grant | None]


def everywhere(
    cloud: Cloud, account: str, regions: Sequence[str], names: Sequence[str]
) -> tuple[list[Kept], dict[str, LayerwrightError]]:
    """Return the versions of layers in all regions, the newest first, and the regions that did not answer."""
    return _in_regions(regions, lambda region: _in(place(cloud, account, region), names))


def place(cloud: Cloud, account: str, region: str) -> Place:
    return Place(cloud=cloud, region=region, shas=Shas(account, region))


def _in_regions(
    regions: Sequence[str], ask: Callable[[str], list[Kept]]
) -> tuple[list[Kept], dict[str, LayerwrightError]]:
    found: list[Kept] = []
    errors: dict[str, LayerwrightError] = {}
    with ThreadPoolExecutor(min(_WORKERS, len(regions))) as pool:
        futures = {region: pool.submit(ask, region) for region in regions}
    for region, future in futures.items():
        try:
            found += future.result()
        except LayerwrightError as error:
            errors[region] = error
    return found, errors


def _in(where: Place, names: Sequence[str]) -> list[Kept]:
    every = {name: sorted(look.versions(where, name), key=lambda one: -one.number) for name in names}
    using = used(where) if any(every.values()) else {}
    return [
        Kept(
            region=where.region,
            layer=name,
            version=version,
            users=tuple(using.get(version.arn, ())),
            newest=version is versions[0],
        )
        for name, versions in every.items()
        for version in versions
    ]


def used(where: Place) -> dict[str, list[str]]:
    """Return which functions of the account use a version in a region, by its ARN; published ones count as well."""
    found: dict[str, list[str]] = {}
    with aws.told(f"{where.region}: list the functions"):
        pages = where.client.get_paginator("list_functions").paginate(FunctionVersion="ALL")
        for function in chain.from_iterable(page["Functions"] for page in pages):
            for layer in function.get("Layers", ()):
                found.setdefault(layer["Arn"], []).append(function["FunctionArn"])
    return found


def choose(versions: Sequence[Kept], rule: Rule, now: dt.datetime) -> Iterator[Choice]:
    """Say of each version whether it may go: never the newest of its layer, never one that a function uses."""
    rank: dict[tuple[str, str], int] = {}
    for one in versions:
        place_in_row = rank[one.region, one.layer] = rank.get((one.region, one.layer), 0) + 1
        reasons = list(_reasons(one, place_in_row, rule, now))
        yield Choice(kept=one, delete=not reasons, why="; ".join(reasons))


def _reasons(one: Kept, place_in_row: int, rule: Rule, now: dt.datetime) -> Iterator[str]:
    """Yield why a version stays."""
    if one.newest:
        yield "the newest"
    elif rule.keep is not None and place_in_row <= rule.keep:
        yield f"one of the newest {rule.keep}"
    if one.users:
        yield f"used by {', '.join(_short(user) for user in one.users[:3])}" + (
            f" and {len(one.users) - 3} more" if len(one.users) > 3 else ""  # noqa: PLR2004  as many as are named
        )
    if rule.older_than is not None:
        days = (now - when(one.version.created)).days
        if days < rule.older_than:
            yield f"{days} days old"


def now() -> dt.datetime:
    return dt.datetime.now(tz=dt.timezone.utc)


def when(created: str) -> dt.datetime:
    """Return Lambda's CreatedDate, ISO 8601 as in 2026-11-26T18:00:00.000+0000."""
    return dt.datetime.strptime(created, "%Y-%m-%dT%H:%M:%S.%f%z")


def _short(arn: str) -> str:
    return arn.partition(":function:")[2] or arn


def delete(cloud: Cloud, account: str, doomed: Sequence[Kept]) -> dict[str, LayerwrightError]:
    """Delete versions, region by region at once, and return what could not be, by ARN."""
    regions = tuple(dict.fromkeys(one.region for one in doomed))
    errors: dict[str, LayerwrightError] = {}

    def clear(region: str) -> list[Kept]:
        where = place(cloud, account, region)
        for one in (one for one in doomed if one.region == region):
            try:
                creation.delete(where, one.version)
            except LayerwrightError as error:
                errors[one.version.arn] = error
        return []

    if regions:
        _in_regions(regions, clear)
    return errors


def show(cloud: Cloud, region: str, arn: str) -> Shown:
    """Return what Lambda tells of a version, own or somebody else's. Raises MissingError when there is none."""
    where = Place(cloud=cloud, region=region, shas=Shas("anybody", region))
    with aws.told(f"{region}: look at {arn}"):
        version = look.listed(where.client.get_layer_version(**look.which(arn)))
    try:
        grants: Mapping[str, Grant | None] = look.permissions(where, arn)
    except LayerwrightError:
        grants = {}  # only the owner may read them
    return Shown(version=version, grants=grants)
