"""State of a publish: the remote state of all regions, queried concurrently, and the changes planned from it."""

import itertools
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from builder.base import remote as remote_cache
from builder.base.emitter import Events
from builder.base.errors import LayerwrightError, UsageError
from builder.base.frozen import dataclass
from builder.publish import aws, plan, regions, remote_state
from builder.publish.aws import Cloud, Identity
from builder.publish.journal import Journal
from builder.publish.known_hashes import KnownHashes
from builder.publish.layer_version import LayerVersion
from builder.publish.plan import PlanRow
from builder.publish.remote_state import LayerQuery, RemoteRegion
from builder.publish.storage import Storage

THREADS = 32
"""More than processors: the threads mostly wait for the network."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishState:
    """The planned changes of all regions, and what executing them needs."""

    identity: Identity
    rows: tuple[PlanRow, ...]
    """By layer, then by region, so that neighbouring rows go to different regions."""
    remotes: Mapping[str, RemoteRegion]
    """By region."""
    journals: Mapping[str, Journal]
    """By region."""
    left_out: Mapping[str, str]
    """Regions of `all` that are not enabled for the account, with the error."""

    @property
    def changing(self) -> tuple[PlanRow, ...]:
        return tuple(row for row in self.rows if row.changes)

    @property
    def blocked(self) -> tuple[PlanRow, ...]:
        return tuple(row for row in self.rows if row.action == "blocked")


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishRequest:
    """The layers to publish, and where their files are."""

    layers: tuple[LayerVersion, ...]
    output: Path
    """Folder of the zips, of the journals and of the ARN book."""
    storage: Storage | None = None


def identify(cloud: Cloud, layers: Sequence[LayerVersion], account: str | None = None) -> Identity:
    """Return the identity of the credentials.

    Raises UsageError if a layer has no regions, if a region is unknown, or if `account` is another account.
    """
    if missing := [layer.name for layer in layers if not layer.regions]:
        msg = "no region is specified"
        set_there = "`regions` under [publish] in the recipe or in layerwright.toml"
        hint = f"pass --regions us-east-1,eu-west-1 or --regions all, or set {set_there}"
        raise UsageError(msg, why=missing, hint=hint)
    texts = [text for layer in layers for text in layer.regions]
    regions.check(cloud.session, texts)
    return identify_in(cloud, regions.first(cloud.session, texts), account)


def identify_in(cloud: Cloud, region: str, account: str | None = None) -> Identity:
    """Return the identity of the credentials, as one region reports it. Raises UsageError if it is not of `account`."""
    identity = cloud.identity(region)
    if account and account != identity.account:
        msg = f"the credentials belong to account {identity.account}, not to {account}"
        hint = "select other credentials with AWS_PROFILE or --profile, or pass another --account"
        raise UsageError(msg, why=[identity.arn], hint=hint)
    return identity


def look(cloud: Cloud, request: PublishRequest, identity: Identity, events: Events) -> PublishState:
    """Query all regions of all layers concurrently and plan the changes. Raises ExpiredError if credentials expire."""
    regions_of = {
        layer.name: regions.expand(cloud.session, layer.regions, identity.partition) for layer in request.layers
    }
    every = tuple(dict.fromkeys(region for names in regions_of.values() for region in names))
    remote_cache.validate()
    hashes = {region: KnownHashes(identity.account, region) for region in every}
    remotes = {region: RemoteRegion(cloud=cloud, region=region, hashes=hashes[region]) for region in every}
    journals = {region: Journal(request.output, identity.account, region) for region in every}

    def rows_of(region: str) -> list[PlanRow] | LayerwrightError:
        layers = [layer for layer in request.layers if region in regions_of[layer.name]]
        found = _rows_or_error(remotes[region], journals[region], layers, request.storage)
        events.progress(next(looked_at), len(every), "regions")
        return found

    looked_at = itertools.count(1)
    with ThreadPoolExecutor(min(THREADS, len(every))) as pool:
        results = dict(zip(every, pool.map(rows_of, every), strict=True))
    errors = {region: error for region, error in results.items() if isinstance(error, LayerwrightError)}
    if expired := [error for error in errors.values() if isinstance(error, aws.ExpiredError)]:
        raise expired[0]
    rows = {(row.layer.name, row.region): row for part in results.values() if isinstance(part, list) for row in part}
    in_order = [(layer.name, region) for layer in request.layers for region in regions_of[layer.name]]
    return PublishState(
        identity=identity,
        rows=tuple(rows[key] for key in in_order if key in rows),
        remotes=remotes,
        journals=journals,
        left_out={region: error.brief for region, error in errors.items()},
    )


def _rows_or_error(
    remote: RemoteRegion, journal: Journal, layers: Sequence[LayerVersion], storage: Storage | None
) -> list[PlanRow] | LayerwrightError:
    """Return the rows of a region. An error that leaves the region out is returned; any other blocks its rows."""
    try:
        return _rows(remote, journal, layers, storage)
    except LayerwrightError as error:
        named = any(remote.region in layer.regions for layer in layers)
        if isinstance(error, aws.ExpiredError) or (isinstance(error, aws.NotEnabledError) and not named):
            return error
        return [plan.blocked(remote.region, layer, error.brief) for layer in layers]


def _rows(
    remote: RemoteRegion, journal: Journal, layers: Sequence[LayerVersion], storage: Storage | None
) -> list[PlanRow]:
    pending = {layer.name: journal.pending(layer.name, layer.code_sha256) for layer in layers}
    queries = {
        layer.name: LayerQuery(
            code_sha256=layer.code_sha256,
            policy=layer.share is not None,
            thorough=pending[layer.name] is not None,
        )
        for layer in layers
    }
    states = remote_state.layers(remote, queries)
    remote.hashes.save()
    rows = [plan.row(remote.region, layer, states[layer.name], pending[layer.name]) for layer in layers]
    return _block_uploads(remote, rows, storage)


def _block_uploads(remote: RemoteRegion, rows: list[PlanRow], storage: Storage | None) -> list[PlanRow]:
    """Block the rows that need the bucket if it cannot be used."""
    uploads = [row for row in rows if row.action == "create" and storage and storage.needed(row.layer)]
    problem = storage.problem(remote) if storage and uploads else None
    return [plan.blocked(remote.region, row.layer, problem) if problem and row in uploads else row for row in rows]
