"""Commands for published versions: `versions`, `pull`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from builder.base.errors import NothingSelectedError, PublishError, UsageError
from builder.cli import options
from builder.cli.cloud import Access, access, regions, yes
from builder.cli.which import Which, layer_names

if TYPE_CHECKING:
    from builder.base.errors import LayerwrightError
    from builder.publish.aws import Cloud, Identity
    from builder.publish.versions import ListedVersion, VersionDetails


def layers_of(names: tuple[str, ...], folder: Path) -> list[str]:
    return layer_names(Which(names=names, runtimes=(), architectures=(), only=(), folder=folder, output=Path()))


def find_regions(
    cloud: "Cloud", texts: tuple[str, ...], names: Sequence[str], folder: Path, account: str | None
) -> "tuple[Identity, tuple[str, ...]]":
    """Return the account, and the regions of the options, of the recipes or of the credentials, in this order."""
    from builder.model import recipes
    from builder.publish import publish_state
    from builder.publish import regions as aws_regions

    of_recipes = [text for name in names if name in recipes.names(folder) for text in _regions_of(folder, name)]
    default = (cloud.session.region_name,) if cloud.session.region_name else ()
    selected = tuple(texts or dict.fromkeys(of_recipes)) or default
    if not selected:
        msg = "no region is specified"
        raise UsageError(msg, hint="pass --regions us-east-1,eu-west-1 or --regions all")
    aws_regions.check(cloud.session, selected)
    identity = publish_state.identify_in(cloud, aws_regions.first(cloud.session, selected), account)
    return identity, aws_regions.expand(cloud.session, selected, identity.partition)


def _regions_of(folder: Path, name: str) -> tuple[str, ...]:
    from builder.model import recipes

    return recipes.load(folder, name).recipe.publish.regions


def failed_regions(errors: "Mapping[str, LayerwrightError]", texts: tuple[str, ...]) -> dict[str, str]:
    """Return the errors of regions. A region of `all` that is not enabled for the account is not an error."""
    from builder.publish.aws import NotEnabledError

    return {
        region: error.brief
        for region, error in errors.items()
        if region in texts or not isinstance(error, NotEnabledError)
    }


def raise_failed(errors: Mapping[str, str]) -> None:
    if errors:
        msg = f"{len(errors)} regions could not be queried"
        raise PublishError(msg, why=[f"{region}: {why}" for region, why in errors.items()])


@click.group()
def versions() -> None:
    """List, show and delete published versions."""


@versions.command("list")
@click.argument("names", nargs=-1, required=True, metavar="RECIPE|LAYER...")
@options.recipes_folder
@regions
@access
@options.as_json
def list_(
    names: tuple[str, ...],
    folder: Path,
    access: Access,
    *,
    as_json: bool,
    **given: tuple[str, ...],
) -> None:
    """List the versions of layers in all regions, with the number of functions that use them."""
    from builder.cli import terminal
    from builder.publish.versions import list_versions

    cloud, layers = access.cloud(), layers_of(names, folder)
    identity, where = find_regions(cloud, given["regions"], names, folder, access.account)
    with terminal.working("listing versions"):
        rows, errors = list_versions(cloud, identity.account, where, layers)
    failed = failed_regions(errors, given["regions"])
    if as_json:
        terminal.data({"account": identity.account, "versions": [row.as_json() for row in rows], "errors": failed})
    elif rows:
        _show_versions(rows)
    elif not failed:
        msg = f"no versions of {', '.join(names)} in {len(where)} regions of account {identity.account}"
        raise NothingSelectedError(msg)
    raise_failed(failed)


def _show_versions(rows: "Sequence[ListedVersion]") -> None:
    from builder.cli import terminal

    cells = [
        (
            row.layer,
            row.region,
            str(row.version.number),
            row.version.created[:10],
            f"{len(row.users)} functions" if row.users else "-",
            row.version.description[:60],
        )
        for row in rows
    ]
    columns = ("layer", "region", "version", "published", "used by", "description")
    terminal.table(columns, cells, numbers=("version",))


@versions.command("show")
@click.argument("arn", metavar="ARN")
@access
@options.as_json
def show(arn: str, access: Access, *, as_json: bool) -> None:
    """Show one version of any account, and its shares."""
    from builder.cli import terminal
    from builder.publish import pull
    from builder.publish import versions as published

    details = published.details(access.cloud(), pull.parse_arn(arn).region, arn)
    if as_json:
        version = {name: getattr(details.version, name) for name in type(details.version).__dataclass_fields__}
        grants = {name: str(grant) if grant else None for name, grant in details.grants.items()}
        terminal.data({**version, "shared": grants})
    else:
        _show_details(details)


def _show_details(details: "VersionDetails") -> None:
    from builder.cli import terminal

    version = details.version
    shared = [f"{grant or 'other'} ({name})" for name, grant in details.grants.items()]
    terminal.text(f"{version.arn}\n")
    for label, value in (
        ("published", version.created),
        ("description", version.description or "-"),
        ("license", version.license or "-"),
        ("runtimes", " ".join(version.runtimes) or "-"),
        ("architectures", " ".join(version.architectures) or "-"),
        ("zip", f"{terminal.mb(version.bytes)} MB, CodeSha256 {version.code_sha256}"),
        ("shared with", ", ".join(shared) or "none, or not permitted to read"),
    ):
        terminal.text(f"  {label:<14}{value}\n")


@versions.command("delete")
@click.argument("arns", nargs=-1, required=True, metavar="ARN...")
@options.output
@access
@yes
@click.option("--force", is_flag=True, help="Delete newest versions and versions in use as well.")
def delete(arns: tuple[str, ...], output: Path, access: Access, *, yes: bool, force: bool) -> None:
    """Delete versions by ARN. The newest version of a layer and versions in use require --force.

    Functions that use a deleted version keep working, but it can no longer be added to a function.
    """
    from builder.publish import publish_state, pull, run

    parsed = {arn: pull.parse_arn(arn) for arn in arns}
    cloud, where = access.cloud(), list(dict.fromkeys(parts.region for parts in parsed.values()))
    identity = publish_state.identify_in(cloud, where[0], access.account)
    doomed = _existing(cloud, identity, arns, where, list({parts.name for parts in parsed.values()}))
    if not force:
        _check_deletable(doomed)
    run.delete_versions(cloud, identity, doomed, output, access.interaction(yes=yes))


def _existing(
    cloud: "Cloud", identity: "Identity", arns: Sequence[str], where: Sequence[str], names: Sequence[str]
) -> "list[ListedVersion]":
    """Return the versions with the given ARNs. Raises UsageError if one does not exist."""
    from builder.publish.versions import list_versions

    rows, errors = list_versions(cloud, identity.account, where, names)
    raise_failed(failed_regions(errors, tuple(where)))
    existing = {row.version.arn: row for row in rows}
    if missing := [arn for arn in arns if arn not in existing]:
        msg = f"no such version in account {identity.account}"
        raise UsageError(msg, why=missing, hint="list the versions with `layerwright versions list`")
    return [existing[arn] for arn in arns]


def _check_deletable(doomed: "Sequence[ListedVersion]") -> None:
    """Raise UsageError if a version is in use, or the newest of its layer."""
    from builder.publish.versions import PruneRule, decide, now

    kept = [decision for decision in decide(doomed, PruneRule(), now()) if not decision.delete]
    if kept:
        msg = "these versions are in use or the newest of their layer"
        why = [f"{decision.listed.version.arn}: {decision.why}" for decision in kept]
        raise UsageError(msg, why=why, hint="pass --force to delete them anyway")


@click.command()
@click.argument("arn", metavar="ARN")
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("pulled"),
    show_default=True,
    help="Output folder.",
)
@access
def pull(arn: str, output: Path, access: Access) -> None:
    """Download a published version of any account and verify it. `check`, `inspect` and `diff` accept the zip."""
    from builder.cli import terminal
    from builder.publish import pull as download

    with terminal.working(f"pulling {arn}"):
        path = download.pull(access.cloud(), arn, output)
    terminal.text(f"{path}\n")


COMMANDS = (versions, pull)
"""`publish` and `prune` are in modules of their own."""
