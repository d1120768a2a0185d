"""The command that publishes."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from builder.base.errors import UsageError
from builder.cli import options
from builder.cli.cloud import Access, access, bucket, listed, public, regions, yes
from builder.cli.which import Which, layer_names

if TYPE_CHECKING:
    from builder.publish.wanted import Given


@click.command()
@click.argument("names", nargs=-1, metavar="[RECIPE|ZIP]...")
@options.runtime_and_arch
@options.only
@options.recipes_folder
@options.output
@regions
@click.option(
    "--share",
    multiple=True,
    callback=listed,
    metavar="account:ID|org:ID|public",
    help="Who may use it, and nobody else; repeatable. Default: `share` in the recipe; without, a new version is for "
    "this account only, and an old one stays as it is.",
)
@click.option("--no-share", is_flag=True, help="Nobody else may use it.")
@public
@click.option("--name", metavar="PATTERN", help="Name of the layer; {name} {version} {runtime} {arch}.")
@click.option("--description", metavar="TEXT", help="Default: the manifest's.")
@click.option("--license", metavar="TEXT", help="Default: the manifest's.")
@bucket
@click.option(
    "--storage",
    type=click.Choice(["copy", "reference"]),
    default="copy",
    show_default=True,
    help="reference: Lambda reads the zip from your bucket (S3ObjectStorageMode), which must have versioning.",
)
@click.option("--ssm", metavar="PATTERN", help="Write the ARN into this parameter: /layers/{name}/{runtime}/{arch}.")
@access
@yes
@click.option("--dry-run", is_flag=True, help="Tell what would change; the default.")
@click.option("--resume", is_flag=True, help="Go on with what was stopped or failed.")
@click.option("--print-policy", is_flag=True, help="Print the IAM policy that this needs, and do nothing.")
@options.as_json
def publish(  # noqa: PLR0913, PLR0917  each is an option
    names: tuple[str, ...],
    runtimes: tuple[str, ...],
    architectures: tuple[str, ...],
    only: tuple[str, ...],
    folder: Path,
    output: Path,
    access: Access,
    *,
    resume: bool,
    print_policy: bool,
    as_json: bool,
    **given: Any,  # noqa: ANN401
) -> None:
    """Publish zips as layer versions in many regions: what is there already is not published again.

    Zips are named by path, or by the recipe that they were built from. A dry run is the default: it tells per region
    what would be created, what is there, who may use it. Faults of single regions leave the others alone: exit code 8
    then, and --resume goes on.
    """
    which = Which(names=names, runtimes=runtimes, architectures=architectures, only=only, folder=folder, output=output)
    if print_policy:
        _print_policy(which, access.account, given)
        return
    _contradictions(names, given, resume=resume)
    from builder.base import remote
    from builder.cli import terminal
    from builder.publish import publishing

    if resume:
        order, meant = publishing.resumed(output)
        access = replace(access, account=access.account or meant)
    else:
        order = _order(which, given)
    result = publishing.publish(access.cloud(), order, access.asking(yes=given["yes"] or resume, quiet=as_json))
    for trouble in remote.warnings():
        terminal.warn(trouble)
    if as_json:
        terminal.data(result.as_json())
    if not result.good:
        raise publishing.failure(result)


def _contradictions(names: tuple[str, ...], given: dict[str, Any], *, resume: bool) -> None:
    if given["yes"] and given["dry_run"]:
        msg = "--yes and --dry-run contradict each other"
        raise UsageError(msg)
    if given["share"] and given["no_share"]:
        msg = "--share and --no-share contradict each other"
        raise UsageError(msg)
    if resume and (names or given["regions"] or given["share"] or given["dry_run"]):
        msg = "--resume goes on with what was asked before: it takes no names, regions or shares"
        raise UsageError(msg, hint="leave them out, or leave out --resume: nothing is published twice anyway")
    if not (resume or names):
        msg = "nothing to do: no recipe or zip is named"
        raise UsageError(msg, hint="for example `layerwright publish numpy --regions eu-west-1`")


def _order(which: Which, given: dict[str, Any]) -> Any:  # noqa: ANN401  publishing's Order, imported when needed
    from builder.cli import terminal
    from builder.publish import wanted
    from builder.publish.storage import Storage
    from builder.publish.survey import Order

    bucket = given["bucket"]
    reference = given["storage"] == "reference"
    if reference and not bucket:
        msg = "--storage reference needs the bucket that the zips stay in"
        raise UsageError(msg, hint="--bucket my-layers-{region}")
    storage = Storage(pattern=bucket, reference=reference) if bucket else None
    found = wanted.gather(which.sources(), _given(which, given))
    for one in found:
        if not one.recipe:
            terminal.warn(f"{one.zip.name} has no manifest: `layerwright check` tells whether it will work")
    return Order(wanted=found, output=which.output, storage=storage)


def _given(which: Which, given: dict[str, Any]) -> "Given":
    from builder.publish.wanted import Given

    return Given(
        regions=given["regions"],
        share=() if given["no_share"] else given["share"] or None,
        public=given["public"],
        name=given["name"],
        description=given["description"],
        license=given["license"],
        runtimes=which.runtimes if which.by_path else (),
        architectures=which.architectures if which.by_path else (),
        ssm=given["ssm"],
        storage=bool(given["bucket"]),
    )


def _print_policy(which: Which, account: str | None, given: dict[str, Any]) -> None:
    """Print what IAM takes; needs no credentials and no zips."""
    from builder.cli import terminal
    from builder.publish import policy

    layers = layer_names(which, given["name"]) if which.names else []
    bucket = given["bucket"]
    parameter = given["ssm"]
    scope = policy.Scope(
        account=account,
        names=layers,
        bucket=bucket.replace("{region}", "*").replace("{account}", account or "*") if bucket else None,
        reference=given["storage"] == "reference",
        parameters=[policy.starred(parameter)] if parameter else (),
    )
    terminal.document(policy.document(scope))


COMMANDS = (publish,)
