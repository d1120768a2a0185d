"""Commands about what is published: versions, prune, pull."""

from collections.abc import Sequence
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
    from builder.publish.versions import Choice, Kept, Rule


def _layers(names: tuple[str, ...], folder: Path) -> list[str]:
    return layer_names(Which(names=names, runtimes=(), architectures=(), only=(), folder=folder, output=Path()))


def _where(
    cloud: "Cloud", texts: tuple[str, ...], names: Sequence[str], folder: Path, expected: str | None
) -> "tuple[Identity, tuple[str, ...]]":
    """Return the account, and the regions that are named here or in the recipes; else the region of the credentials."""
    from builder.model import recipes
    from builder.publish import regions as known
    from builder.publish import survey

    own = [text for name in names if name in recipes.names(folder) for text in _published(folder, name)]
    asked = tuple(texts or dict.fromkeys(own)) or ((cloud.session.region_name,) if cloud.session.region_name else ())
    if not asked:
        msg = "no region is named"
        raise UsageError(msg, hint="--regions us-east-1,eu-west-1, or --regions all")
    known.check(cloud.session, asked)
    identity = survey.known(cloud, known.first(cloud.session, asked), expected)
    return identity, known.expand(cloud.session, asked, identity.partition)


def _published(folder: Path, name: str) -> tuple[str, ...]:
    from builder.model import recipes

    return recipes.load(folder, name).recipe.publish.regions


def _told(errors: "dict[str, LayerwrightError]", texts: tuple[str, ...]) -> dict[str, str]:
    """Return what regions said that did not answer; those that are not enabled are no fault of `all`."""
    from builder.publish.aws import NotEnabledError

    return {
        region: error.brief
        for region, error in errors.items()
        if region in texts or not isinstance(error, NotEnabledError)
    }


def _finish(errors: dict[str, str]) -> None:
    if errors:
        msg = f"{len(errors)} regions could not be looked at"
        raise PublishError(msg, why=[f"{region}: {why}" for region, why in errors.items()])


@click.group()
def versions() -> None:
    """Show what is published, and delete versions."""


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
    """List the versions of layers in all regions, with the functions of the account that use them."""
    from builder.cli import terminal
    from builder.publish import versions as at_aws

    cloud, layers = access.cloud(), _layers(names, folder)
    identity, where = _where(cloud, given["regions"], names, folder, access.account)
    with terminal.working("listing versions"):
        found, errors = at_aws.everywhere(cloud, identity.account, where, layers)
    bad = _told(errors, given["regions"])
    if as_json:
        terminal.data({"account": identity.account, "versions": [one.as_json() for one in found], "errors": bad})
    elif found:
        terminal.table(
            ("layer", "region", "version", "published", "used by", "description"),
            [
                (one.layer, one.region, str(one.version.number), one.version.created[:10], _users(one), _about(one))
                for one in found
            ],
            numbers=("version",),
        )
    elif not bad:
        msg = f"nothing is published of {', '.join(names)} in {len(where)} regions of account {identity.account}"
        raise NothingSelectedError(msg)
    _finish(bad)


def _users(one: "Kept") -> str:
    return f"{len(one.users)} functions" if one.users else "-"


def _about(one: "Kept") -> str:
    return one.version.description[:60]


@versions.command("show")
@click.argument("arn", metavar="ARN")
@access
@options.as_json
def show(arn: str, access: Access, *, as_json: bool) -> None:
    """Show one version, own or somebody else's, and who may use it."""
    from builder.cli import terminal
    from builder.publish import pull as at_aws
    from builder.publish import versions as told

    said = at_aws.parts(arn)
    found = told.show(access.cloud(), said.region, arn)
    one, shared = found.version, [f"{grant or 'somebody'} ({name})" for name, grant in found.grants.items()]
    if as_json:
        shown = {name: getattr(one, name) for name in type(one).__dataclass_fields__}
        grants = {name: str(grant) if grant else None for name, grant in found.grants.items()}
        terminal.data({**shown, "shared": grants})
        return
    terminal.text(f"{one.arn}\n")
    for label, value in (
        ("published", one.created),
        ("description", one.description or "-"),
        ("license", one.license or "-"),
        ("runtimes", " ".join(one.runtimes) or "-"),
        ("architectures", " ".join(one.architectures) or "-"),
        ("zip", f"{terminal.mb(one.bytes)} MB, CodeSha256 {one.code_sha256}"),
        ("shared with", ", ".join(shared) or "nobody, or nobody may tell"),
    ):
        terminal.text(f"  {label:<14}{value}\n")


@versions.command("delete")
@click.argument("arns", nargs=-1, required=True, metavar="ARN...")
@options.output
@access
@yes
@click.option("--force", is_flag=True, help="Also the newest version, and one that functions use.")
def delete(arns: tuple[str, ...], output: Path, access: Access, *, yes: bool, force: bool) -> None:
    """Delete versions by their ARNs; refused for the newest and for those that functions use.

    Functions that use a deleted version go on as they are; it cannot be chosen for a function any more.
    """
    from builder.publish import publishing, survey
    from builder.publish import pull as at_aws
    from builder.publish import versions as told

    said = {arn: at_aws.parts(arn) for arn in arns}
    cloud, where = access.cloud(), list(dict.fromkeys(one.region for one in said.values()))
    identity = survey.known(cloud, where[0], access.account)
    found, errors = told.everywhere(cloud, identity.account, where, list({one.name for one in said.values()}))
    _finish(_told(errors, tuple(where)))
    there = {one.version.arn: one for one in found}
    if missing := [arn for arn in arns if arn not in there]:
        msg = f"account {identity.account} has no such version"
        raise UsageError(msg, why=missing, hint="`layerwright versions list` shows what there is")
    choices = list(told.choose([there[arn] for arn in arns], told.Rule(), told.now()))
    kept = [] if force else [one for one in choices if not one.delete]
    if kept:
        msg = "these are in use or the newest"
        why = [f"{one.kept.version.arn}: {one.why}" for one in kept]
        raise UsageError(msg, why=why, hint="--force deletes them all the same")
    publishing.remove(cloud, identity, [one.kept for one in choices], output, access.asking(yes=yes))


@click.command()
@click.argument("names", nargs=-1, metavar="RECIPE|LAYER...")
@options.recipes_folder
@options.output
@regions
@click.option("--keep", type=click.IntRange(1), metavar="N", help="Keep so many. Default: `keep` in the recipe.")
@click.option("--older-than", type=click.IntRange(0), metavar="DAYS", help="Only what was published before.")
@access
@yes
@options.as_json
def prune(  # noqa: PLR0913, PLR0917  each is an option
    names: tuple[str, ...],
    folder: Path,
    output: Path,
    keep: int | None,
    older_than: int | None,
    access: Access,
    *,
    yes: bool,
    as_json: bool,
    **given: tuple[str, ...],
) -> None:
    """Delete old versions in all regions: never the newest, never one that a function of the account uses.

    Functions that use a deleted version go on as they are; it cannot be chosen for a function any more.
    """
    from builder.cli import terminal
    from builder.publish import publishing
    from builder.publish import versions as at_aws

    rules = _rules(names, folder, keep, older_than)
    cloud = access.cloud()
    identity, where = _where(cloud, given["regions"], names, folder, access.account)
    with terminal.working("looking at versions and functions"):
        found, errors = at_aws.everywhere(cloud, identity.account, where, list(rules))
    choices = [
        choice
        for layer, rule in rules.items()
        for choice in at_aws.choose([one for one in found if one.layer == layer], rule, at_aws.now())
    ]
    if as_json:
        rows = [{**one.kept.as_json(), "delete": one.delete, "why": one.why} for one in choices]
        terminal.data({"account": identity.account, "dry_run": not yes, "versions": rows})
    else:
        _show(choices)
    doomed = [one.kept for one in choices if one.delete]
    publishing.remove(cloud, identity, doomed, output, access.asking(yes=yes))
    _finish(_told(errors, given["regions"]))


def _rules(names: tuple[str, ...], folder: Path, keep: int | None, older_than: int | None) -> "dict[str, Rule]":
    """Return for each layer which of its versions may go."""
    from builder.model import recipes
    from builder.publish.versions import Rule

    if not names:
        msg = "nothing to do: no recipe or layer is named"
        raise UsageError(msg, hint="for example `layerwright prune numpy --keep 5`")
    rules: dict[str, Rule] = {}
    for name in names:
        own = recipes.load(folder, name).recipe.publish.keep if name in recipes.names(folder) else None
        rule = Rule(keep=keep or own, older_than=older_than)
        if rule.keep is None and rule.older_than is None:
            msg = f"nothing says which versions of {name} may go"
            raise UsageError(msg, hint="--keep 5, --older-than 90, or `keep` under [publish] in the recipe")
        rules |= dict.fromkeys(_layers((name,), folder), rule)
    return rules


def _show(choices: "Sequence[Choice]") -> None:
    from builder.cli import terminal

    rows = [
        (
            one.kept.layer,
            one.kept.region,
            str(one.kept.version.number),
            one.kept.version.created[:10],
            "delete" if one.delete else "keep",
            one.why,
        )
        for one in choices
    ]
    terminal.table(("layer", "region", "version", "published", "action", "why"), rows, numbers=("version",))


@click.command()
@click.argument("arn", metavar="ARN")
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("pulled"),
    show_default=True,
    help="Where the zip goes.",
)
@access
def pull(arn: str, output: Path, access: Access) -> None:
    """Download a published version, own or somebody else's, verified; `check`, `inspect` and `diff` work on it."""
    from builder.cli import terminal
    from builder.publish import pull as at_aws

    with terminal.working(f"pulling {arn}"):
        path = at_aws.pull(access.cloud(), arn, output)
    terminal.text(f"{path}\n")


COMMANDS = (versions, prune, pull)
"""`publish` has a module of its own."""
