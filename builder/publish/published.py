"""Queries of published versions: of named layers in all regions, or by ARN; and which of them are deleted."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from builder.base.errors import LayerwrightError, PublishError, UsageError
from builder.base.frozen import dataclass
from builder.model import defaults, recipes
from builder.publish import arn_book, publish_state, pull, recipe_defaults, regions, versions
from builder.publish.aws import Cloud, Identity, NotEnabledError
from builder.publish.selection import LayerSelection, layer_names
from builder.publish.versions import ListedVersion, PruneDecision, PruneRule


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionQuery:
    """The layers whose versions are listed, and where."""

    names: tuple[str, ...]
    """Recipes, or layers at AWS."""
    folder: Path
    """Folder of recipes."""
    regions: tuple[str, ...]
    """Default: those of the recipes, else of the ARN book, of the project, or of the credentials, in this order."""
    output: Path
    """Folder with the ARN book."""
    account: str | None
    """The only account that the credentials may belong to."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionList:
    """The versions of layers in the regions of an account."""

    identity: Identity
    regions: tuple[str, ...]
    versions: Sequence[ListedVersion]
    failed: Mapping[str, str]
    """Errors by region."""

    def raise_failed(self) -> None:
        """Raise PublishError if a region could not be queried."""
        _raise_failed(self.failed)


def list_layers(cloud: Cloud, query: VersionQuery, layers: Iterable[str] | None = None) -> VersionList:
    """Return the versions of the layers that a query names, or of those that are given. Errors are in the result."""
    identity, selected = _regions(cloud, query)
    names = list(layers_of(query.names, query.folder) if layers is None else layers)
    rows, errors = versions.list_versions(cloud, identity.account, selected, names)
    return VersionList(identity=identity, regions=selected, versions=rows, failed=_failed(errors, query.regions))


def _in_book(query: VersionQuery) -> list[str]:
    """Return the regions to which the layers were published from here, by one account."""
    layers = set(layers_of(query.names, query.folder))
    entries = [entry for entry in arn_book.read(query.output) if entry.layer in layers]
    accounts = {query.account} if query.account else {entry.account for entry in entries}
    return [entry.region for entry in entries if len(accounts) == 1 and entry.account in accounts]


def layers_of(names: tuple[str, ...], folder: Path) -> list[str]:
    """Return the names at AWS of layers that are named, or whose recipes are."""
    return layer_names(LayerSelection(names=names, folder=folder, output=Path()))


def _regions(cloud: Cloud, query: VersionQuery) -> tuple[Identity, tuple[str, ...]]:
    """Return the account, and the regions of the query, of the recipes or of the credentials, in this order."""
    known = recipes.names(query.folder)
    of_recipes = [
        region
        for name in query.names
        if name in known
        for region in recipe_defaults.regions_of(recipes.load(query.folder, name).recipe.publish)
    ]
    default = (cloud.session.region_name,) if cloud.session.region_name else ()
    selected = (
        tuple(query.regions or dict.fromkeys(of_recipes or _in_book(query))) or defaults.current().regions or default
    )
    if not selected:
        msg = "no region is specified"
        raise UsageError(msg, hint="pass --regions us-east-1,eu-west-1 or --regions all")
    regions.check(cloud.session, selected)
    identity = publish_state.identify_in(cloud, regions.first(cloud.session, selected), query.account)
    return identity, regions.expand(cloud.session, selected, identity.partition)


def _failed(errors: Mapping[str, LayerwrightError], asked: Sequence[str]) -> dict[str, str]:
    """Return the errors of regions. A region of `all` that is not enabled for the account is not an error."""
    return {
        region: error.brief
        for region, error in errors.items()
        if region in asked or not isinstance(error, NotEnabledError)
    }


def _raise_failed(failed: Mapping[str, str]) -> None:
    if failed:
        msg = f"{len(failed)} regions could not be queried"
        raise PublishError(msg, why=[f"{region}: {why}" for region, why in failed.items()])


# ---- versions to delete --------------------------------------------------------------------------------------------


def by_arn(cloud: Cloud, arns: Sequence[str], account: str | None) -> tuple[Identity, list[ListedVersion]]:
    """Return the account, and the versions with the given ARNs. Raises UsageError if one does not exist."""
    parsed = [pull.parse_arn(arn) for arn in arns]
    selected = list(dict.fromkeys(parts.region for parts in parsed))
    identity = publish_state.identify_in(cloud, selected[0], account)
    names = list({parts.name for parts in parsed})
    rows, errors = versions.list_versions(cloud, identity.account, selected, names)
    _raise_failed(_failed(errors, selected))
    existing = {row.version.arn: row for row in rows}
    if missing := [arn for arn in arns if arn not in existing]:
        msg = f"no such version in account {identity.account}"
        raise UsageError(msg, why=missing, hint="list the versions with `layerwright versions list`")
    return identity, [existing[arn] for arn in dict.fromkeys(arns)]


def require_deletable(doomed: Sequence[ListedVersion]) -> None:
    """Raise UsageError if a version is in use, or the newest of its layer."""
    kept = [decision for decision in versions.decide(doomed, PruneRule(), versions.now()) if not decision.delete]
    if kept:
        msg = "these versions are in use or the newest of their layer"
        why = [f"{decision.listed.version.arn}: {decision.why}" for decision in kept]
        raise UsageError(msg, why=why, hint="pass --force to delete them anyway")


def prune_rules(names: Sequence[str], folder: Path, keep: int | None, older_than: int | None) -> dict[str, PruneRule]:
    """Return the rule of each layer. Raises UsageError if one has none, neither here nor in its recipe."""
    rules: dict[str, PruneRule] = {}
    for name in names:
        of_recipe = recipes.load(folder, name).recipe.publish.keep if name in recipes.names(folder) else None
        rule = PruneRule(keep=keep or of_recipe, older_than=older_than)
        if rule.keep is None and rule.older_than is None:
            msg = f"no rule for {name}: neither a number of versions nor an age"
            raise UsageError(msg, hint="pass --keep 5 or --older-than 90, or set `keep` under [publish] in the recipe")
        rules |= dict.fromkeys(layers_of((name,), folder), rule)
    return rules


def decisions(rows: Sequence[ListedVersion], rules: Mapping[str, PruneRule]) -> list[PruneDecision]:
    """Return for each version whether its layer's rule deletes it."""
    moment = versions.now()
    return [
        decision
        for layer, rule in rules.items()
        for decision in versions.decide([row for row in rows if row.layer == layer], rule, moment)
    ]
