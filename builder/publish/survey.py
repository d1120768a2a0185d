"""Looking at all regions at once, and making a plan of what is there."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from builder.base import remote
from builder.base.errors import LayerwrightError, UsageError
from builder.publish import aws, look, plan, regions
from builder.publish.aws import Cloud, Identity
from builder.publish.look import Place, Wish
from builder.publish.plan import Row
from builder.publish.shas import Shas
from builder.publish.state import Journal
from builder.publish.storage import Storage
from builder.publish.wanted import Wanted

THREADS = 32
"""Most of their time they wait for the network."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Survey:
    """All regions, and what must happen where."""

    identity: Identity
    rows: tuple[Row, ...]
    """By layer, then by region: so neighbours ask different regions."""
    places: Mapping[str, Place]
    journals: Mapping[str, Journal]
    left_out: Mapping[str, str]
    """Regions of `all` that the account has not enabled, with what they said."""

    @property
    def changing(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.changes)

    @property
    def blocked(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.action == "blocked")


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What a call of publish is about."""

    wanted: tuple[Wanted, ...]
    output: Path
    """The folder of zips, where journals and the book are."""
    storage: Storage | None = None


def account(cloud: Cloud, wanted: Sequence[Wanted], expected: str | None = None) -> Identity:
    """Return whose credentials these are; UsageError when they are not of the account that is expected."""
    texts = [text for one in wanted for text in one.regions]
    if missing := [one.name for one in wanted if not one.regions]:
        msg = "no region is named to publish to"
        hint = "--regions us-east-1,eu-west-1, or --regions all; `regions` under [publish] in a recipe"
        raise UsageError(msg, why=missing, hint=hint)
    regions.check(cloud.session, texts)
    return known(cloud, regions.first(cloud.session, texts), expected)


def known(cloud: Cloud, region: str, expected: str | None = None) -> Identity:
    """Ask one region whose credentials these are; UsageError when they are not of the account that is expected."""
    found = cloud.identity(region)
    if expected and expected != found.account:
        msg = f"the credentials are of account {found.account}, not of {expected}"
        hint = "AWS_PROFILE or --profile chooses others; --account says which is meant"
        raise UsageError(msg, why=[found.arn], hint=hint)
    return found


def survey(cloud: Cloud, order: Order, identity: Identity, report: Callable[[str], None] = lambda _: None) -> Survey:
    """Look at every region of every layer, all at once. Raises ExpiredError when the credentials end meanwhile."""
    where = {one.name: regions.expand(cloud.session, one.regions, identity.partition) for one in order.wanted}
    every = tuple(dict.fromkeys(region for names in where.values() for region in names))
    remote.validate()
    places = {one: Place(cloud=cloud, region=one, shas=Shas(identity.account, one)) for one in every}
    journals = {one: Journal(order.output, identity.account, one) for one in every}

    def look_at(region: str) -> list[Row] | LayerwrightError:
        report(f"looking at {region}")
        own = [one for one in order.wanted if region in where[one.name]]
        try:
            return _rows(places[region], journals[region], own, order.storage)
        except LayerwrightError as error:
            named = any(region in one.regions for one in own)
            if isinstance(error, aws.ExpiredError) or (isinstance(error, aws.NotEnabledError) and not named):
                return error
            return [plan.blocked(region, one, error.brief) for one in own]

    with ThreadPoolExecutor(min(THREADS, len(every))) as pool:
        found = dict(zip(every, pool.map(look_at, every), strict=True))
    errors = {region: error for region, error in found.items() if isinstance(error, LayerwrightError)}
    if expired := [error for error in errors.values() if isinstance(error, aws.ExpiredError)]:
        raise expired[0]
    rows = {(row.wanted.name, row.region): row for own in found.values() if isinstance(own, list) for row in own}
    in_order = [(one.name, region) for one in order.wanted for region in where[one.name]]
    return Survey(
        identity=identity,
        rows=tuple(rows[key] for key in in_order if key in rows),
        places=places,
        journals=journals,
        left_out={region: error.brief for region, error in errors.items()},
    )


def _rows(place: Place, journal: Journal, own: Sequence[Wanted], storage: Storage | None) -> list[Row]:
    begun = {one.name: journal.begun(one.name, one.code_sha256) for one in own}
    wishes = {
        one.name: Wish(code_sha256=one.code_sha256, policy=one.share is not None, thorough=begun[one.name] is not None)
        for one in own
    }
    found = look.layers(place, wishes)
    place.shas.save()
    rows = [plan.row(place.region, one, found[one.name], begun[one.name]) for one in own]
    return _through(place, rows, storage)


def _through(place: Place, rows: list[Row], storage: Storage | None) -> list[Row]:
    """Block what must go through a bucket that cannot be used."""
    through = [row for row in rows if row.action == "create" and storage and storage.needed(row.wanted)]
    problem = storage.problem(place) if storage and through else None
    return [plan.blocked(place.region, row.wanted, problem) if problem and row in through else row for row in rows]
