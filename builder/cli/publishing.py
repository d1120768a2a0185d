"""The `publish` command."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from builder.base.errors import UsageError
from builder.cli import options
from builder.cli.cloud import Access, access, bucket, listed, public, regions, yes
from builder.cli.which import Which, layer_names

if TYPE_CHECKING:
    from builder.publish.layer_version import PublishOptions
    from builder.publish.publish_state import PublishRequest


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
    help="Principals that may use the layer; all others are revoked. Repeatable. Default: `share` in the recipe; if "
    "unset, new versions are private and existing ones are not changed.",
)
@click.option("--no-share", is_flag=True, help="Revoke all shares.")
@public
@click.option("--name", metavar="PATTERN", help="Layer name. Placeholders: {name}, {version}, {runtime}, {arch}.")
@click.option("--description", metavar="TEXT", help="Description of the layer version. Default: from the manifest.")
@click.option("--license", metavar="TEXT", help="License of the layer version. Default: from the manifest.")
@bucket
@click.option(
    "--storage",
    type=click.Choice(["copy", "reference"]),
    default="copy",
    show_default=True,
    help="copy: Lambda copies the zip. reference: Lambda reads the zip from your bucket (S3ObjectStorageMode), which "
    "must have versioning enabled.",
)
@click.option(
    "--ssm", metavar="PATTERN", help="SSM parameter that receives the ARN, for example /layers/{name}/{runtime}/{arch}."
)
@access
@yes
@click.option("--dry-run", is_flag=True, help="Show the changes without applying them. This is the default.")
@click.option("--resume", is_flag=True, help="Continue the last publish that was interrupted or had errors.")
@click.option("--print-policy", is_flag=True, help="Print the required IAM policy and exit.")
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
    print_policy: bool,
    **given: Any,  # noqa: ANN401
) -> None:
    """Publish zips as layer versions in many regions. Existing content is not published again.

    Zips are given by path or by the recipe they were built from. The default is a dry run, which shows the new
    versions, the existing ones and the changes of permissions for each region. An error in one region does not affect
    the others; the exit code is 8 then, and --resume continues.
    """
    which = Which(names=names, runtimes=runtimes, architectures=architectures, only=only, folder=folder, output=output)
    if print_policy:
        _print_policy(which, access.account, given)
        return
    _check_conflicts(names, given)
    _run(which, access, given)


def _run(which: Which, access: Access, given: dict[str, Any]) -> None:
    from builder.base import remote
    from builder.cli import terminal
    from builder.publish import run

    if given["resume"]:
        request, account = run.unfinished(which.output)
        access = replace(access, account=access.account or account)
    else:
        request = _request(which, given)
    interaction = access.interaction(yes=given["yes"] or given["resume"], quiet=given["as_json"])
    result = run.publish(access.cloud(), request, interaction)
    for trouble in remote.warnings():
        terminal.warn(trouble)
    if given["as_json"]:
        terminal.data(result.as_json())
    if not result.good:
        raise run.failure(result)


def _check_conflicts(names: tuple[str, ...], given: dict[str, Any]) -> None:
    if given["yes"] and given["dry_run"]:
        msg = "--yes and --dry-run are mutually exclusive"
        raise UsageError(msg)
    if given["share"] and given["no_share"]:
        msg = "--share and --no-share are mutually exclusive"
        raise UsageError(msg)
    if given["resume"] and (names or given["regions"] or given["share"] or given["dry_run"]):
        msg = "--resume continues the last request: names, --regions, --share and --dry-run are not allowed"
        raise UsageError(msg, hint="omit them, or omit --resume: existing content is not published twice")
    if not (given["resume"] or names):
        msg = "no recipe or zip is specified"
        raise UsageError(msg, hint="for example `layerwright publish numpy --regions eu-west-1`")


def _request(which: Which, given: dict[str, Any]) -> "PublishRequest":
    from builder.cli import terminal
    from builder.publish import layer_version
    from builder.publish.publish_state import PublishRequest
    from builder.publish.storage import Storage

    bucket = given["bucket"]
    reference = given["storage"] == "reference"
    if reference and not bucket:
        msg = "--storage reference requires --bucket"
        raise UsageError(msg, hint="for example `--bucket my-layers-{region}`")
    storage = Storage(pattern=bucket, reference=reference) if bucket else None
    layers = layer_version.gather(which.sources(), _options(which, given))
    for layer in layers:
        if not layer.recipe:
            terminal.warn(f"{layer.zip.name} has no manifest; check it with `layerwright check`")
    return PublishRequest(layers=layers, output=which.output, storage=storage)


def _options(which: Which, given: dict[str, Any]) -> "PublishOptions":
    from builder.publish.layer_version import PublishOptions

    return PublishOptions(
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
    """Print the IAM policy. Requires neither credentials nor zips."""
    from builder.cli import terminal
    from builder.publish import policy

    bucket = given["bucket"]
    parameter = given["ssm"]
    scope = policy.Scope(
        account=account,
        names=layer_names(which, given["name"]) if which.names else [],
        bucket=bucket.replace("{region}", "*").replace("{account}", account or "*") if bucket else None,
        reference=given["storage"] == "reference",
        parameters=[policy.starred(parameter)] if parameter else (),
    )
    terminal.document(policy.document(scope))


COMMANDS = (publish,)
