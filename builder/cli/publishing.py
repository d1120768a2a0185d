"""The `publish` command."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

import click

from builder.base.frozen import dataclass
from builder.cli.options import shared
from builder.cli.options.cloud import Access, Bucket, LayerFilters, Public, Regions, Untested, Yes, share
from builder.cli.options.listener import listener_options
from builder.cli.options.parameters import Argument, Bundle, Mistake, Option, dependent, exclusive, typed

if TYPE_CHECKING:
    from builder.publish.layer_version import PublishOptions
    from builder.publish.publish_state import PublishRequest
    from builder.publish.selection import LayerSelection
    from builder.publish.storage import Storage


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionOptions(Bundle):
    """The properties of layer versions, and the permissions to use them."""

    regions: Regions
    share: Annotated[
        tuple[str, ...],
        share(
            "Principals that may use the layer; all others are revoked. Repeatable. Default: `share` in the recipe or "
            "in layerwright.toml; if unset, new versions are private and existing ones are not changed."
        ),
    ]
    untested: Untested
    no_share: Annotated[bool, Option("--no-share", about="Revoke all shares.")]
    public: Public
    name: Annotated[
        str | None,
        Option("--name", metavar="PATTERN", about="Layer name. Placeholders: {name}, {version}, {runtime}, {arch}."),
    ]
    description: Annotated[
        str | None,
        Option(
            "--description",
            metavar="TEXT",
            about="Description of the layer version. Default: from the manifest.",
        ),
    ]
    license: Annotated[
        str | None,
        Option("--license", metavar="TEXT", about="License of the layer version. Default: from the manifest."),
    ]

    def mistakes(self) -> Iterator[Mistake]:
        yield from exclusive({"--share": self.share, "--no-share": self.no_share})


@dataclass(frozen=True, kw_only=True, slots=True)
class StorageOptions(Bundle):
    """Where large zips and the ARNs go."""

    bucket: Bucket
    storage: Annotated[
        Literal["copy", "reference"],
        Option(
            "--storage",
            default="copy",
            about="copy: Lambda copies the zip. reference: Lambda reads the zip from your bucket "
            "(S3ObjectStorageMode), which must have versioning enabled.",
        ),
    ]
    ssm: Annotated[
        str | None,
        Option(
            "--ssm",
            metavar="PATTERN",
            about="SSM parameter that receives the ARN, for example /layers/{name}/{runtime}/{arch}.",
        ),
    ]

    @property
    def reference(self) -> bool:
        return self.storage == "reference"

    def of_zips(self) -> "Storage | None":
        """Return the buckets for large zips; None without --bucket."""
        from builder.publish.storage import Storage

        return Storage(pattern=self.bucket, reference=self.reference) if self.bucket else None


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishCommand(Bundle):
    """What is published, and whether anything is changed."""

    names: Annotated[tuple[str, ...], Argument("[RECIPE|ZIP]...", required=False)]
    everything: shared.Everything
    filters: LayerFilters
    version: VersionOptions
    storage: StorageOptions
    access: Access
    yes: Yes
    dry_run: Annotated[bool, Option("--dry-run", about="Show the changes without applying them. This is the default.")]
    resume: Annotated[bool, Option("--resume", about="Continue the last publish that was interrupted or had errors.")]
    print_policy: Annotated[bool, Option("--print-policy", about="Print the required IAM policy and exit.")]
    as_json: shared.AsJson

    @property
    def layers(self) -> "LayerSelection":
        return self.filters.of(shared.named_or_all(self.names, self.filters.recipes.folder, everything=self.everything))

    def mistakes(self) -> Iterator[Mistake]:
        if self.print_policy:
            return
        yield from exclusive({"--yes": self.yes, "--dry-run": self.dry_run})
        yield from exclusive({"--all": self.everything, "names of recipes": self.names})
        if self.resume and (
            self.names or self.everything or self.version.regions or self.version.share or self.dry_run
        ):
            what = "--resume continues the last request: names, --regions, --share and --dry-run are not allowed"
            yield Mistake(what, "omit them, or omit --resume: existing content is not published twice")
        if not (self.resume or self.names or self.everything):
            example = "for example `layerwright publish numpy --regions eu-west-1`; --all publishes every recipe"
            yield Mistake("no recipe or zip is specified", example)
        if not self.resume and not self.storage.bucket:
            reference = {"--storage reference": self.storage.reference}
            yield from dependent(reference, "--bucket", "for example `--bucket my-layers-{region}`")

    def options(self) -> "PublishOptions":
        from builder.publish.layer_version import PublishOptions

        layers, version = self.layers, self.version
        return PublishOptions(
            regions=version.regions,
            share=() if version.no_share else version.share or None,
            public=version.public,
            name=version.name,
            description=version.description,
            license=version.license,
            runtimes=layers.runtimes if layers.by_path else (),
            architectures=layers.architectures if layers.by_path else (),
            ssm=self.storage.ssm,
            storage=bool(self.storage.bucket),
            untested=version.untested,
        )


@click.command(epilog="Example: layerwright publish numpy --regions eu-west-1,us-east-1")
@listener_options
@typed
def publish(asked: PublishCommand) -> None:
    """Publish zips as layer versions in many regions. Existing content is not published again.

    Zips are given by path or by the recipe they were built from. The default is a dry run, which shows the new
    versions, the existing ones and the changes of permissions for each region. An error in one region does not affect
    the others; the exit code is 8 then, and --resume continues.
    """
    from builder.cli import terminal
    from builder.publish import run

    if asked.print_policy:
        _print_policy(asked)
        return
    request, access = _unfinished(asked) if asked.resume else (_request(asked), asked.access)
    interaction = access.interaction(yes=asked.yes or asked.resume, quiet=asked.as_json)
    result = run.publish(access.cloud(), request, interaction)
    if asked.as_json:
        terminal.data(result.as_json())
    if not result.good:
        raise run.failure(result)


def _unfinished(asked: PublishCommand) -> "tuple[PublishRequest, Access]":
    """Return the last request that did not finish, and the credentials for its account."""
    from builder.publish import run

    request, account = run.unfinished(asked.filters.output)
    return request, replace(asked.access, account=asked.access.account or account)


def _request(asked: PublishCommand) -> "PublishRequest":
    from builder.cli import terminal
    from builder.publish import layer_version
    from builder.publish.publish_state import PublishRequest

    storage = asked.storage.of_zips()
    layers = layer_version.gather(asked.layers.sources(), asked.options())
    for layer in layers:
        if not layer.recipe:
            terminal.warn(f"{layer.zip.name} has no manifest; check it with `layerwright check`")
    return PublishRequest(layers=layers, output=asked.filters.output, storage=storage)


def _print_policy(asked: PublishCommand) -> None:
    """Print the IAM policy. Requires neither credentials nor zips."""
    from builder.cli import terminal
    from builder.publish import policy
    from builder.publish.selection import layer_names

    names = layer_names(asked.layers, asked.version.name) if asked.names or asked.everything else []
    storage = asked.storage
    scope = policy.scope(
        names,
        account=asked.access.account,
        bucket=storage.bucket,
        reference=storage.reference,
        parameter=storage.ssm,
    )
    terminal.document(policy.document(scope))


COMMANDS = (publish,)
