"""Options of the commands that access AWS."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from builder.cli import options

if TYPE_CHECKING:
    from builder.base.errors import LayerwrightError
    from builder.cli.selection import Pairs
    from builder.nightly.journal import Run
    from builder.publish.aws import Cloud, Identity
    from builder.publish.interaction import Interaction
    from builder.publish.run import PublishResult


def listed(_context: click.Context, _parameter: click.Parameter, value: Sequence[str]) -> tuple[str, ...]:
    """Split comma-separated values: `--regions a,b --regions c` are three regions."""
    return tuple(dict.fromkeys(part.strip() for text in value for part in text.split(",") if part.strip()))


regions = click.option(
    "--regions",
    multiple=True,
    callback=listed,
    metavar="A,B|all",
    help="Regions, or `all` regions of the account's partition; repeatable. "
    "Default: `regions` under [publish] in the recipe.",
)
yes = click.option("--yes", is_flag=True, help="Apply the changes. Default: a dry run.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """The credentials, and the account that they must belong to."""

    account: str | None
    profile: str | None

    def cloud(self) -> "Cloud":
        from builder.publish.aws import Cloud

        return Cloud(self.profile)

    def interaction(self, *, yes: bool, quiet: bool = False) -> "Interaction":
        """Return an interaction with the terminal, which asks for confirmation if it is one."""
        from builder.cli import terminal
        from builder.publish.interaction import Interaction

        return Interaction(yes=yes, account=self.account, confirm=confirmation(), quiet=quiet, talk=terminal)


def access(function: options.F) -> options.F:
    """Add the options of the credentials; the command receives them as `access`."""
    decorate = options.together(
        click.option("--account", metavar="ID", help="Expected account; credentials of another are an error."),
        click.option("--profile", metavar="NAME", help="AWS profile. Default: boto3's credential chain."),
    )
    return decorate(options.bundled(function, "access", Access))


def confirmation() -> "Callable[[Identity], bool] | None":
    """Return a function that asks the user to confirm the account; None if there is no terminal."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None

    def ask(identity: "Identity") -> bool:
        text = f"First publish to account {identity.account}, as {identity.arn}. Continue?"
        return click.confirm(text, err=True)

    return ask


bucket = click.option(
    "--bucket",
    envvar="LAYERWRIGHT_BUCKET",
    metavar="PATTERN",
    help="Bucket for zips above 50 MiB, for example my-layers-{region}. Placeholders: {region}, {account}.",
)
public = click.option("--public", is_flag=True, help="Confirm a share with `public`.")


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishAfter:
    """Publishing at the end of a nightly run."""

    publish: bool
    public: bool
    bucket: str | None
    account: str | None
    profile: str | None

    @property
    def access(self) -> Access:
        return Access(account=self.account, profile=self.profile)

    def ready(self, pairs: "Pairs") -> None:
        """Raise UsageError before a nightly run if its layers could not be published afterwards."""
        from builder.base.errors import UsageError
        from builder.publish import grants, run

        if not self.publish:
            return
        grants.parse(run.shares_of(pairs), public=self.public)
        texts = run.regions_of(pairs)
        if not texts:
            msg = "none of these recipes has regions to publish to"
            raise UsageError(msg, hint='set `regions = ["eu-west-1"]` under [publish] in a recipe')
        run.check(self.access.cloud(), texts, self.access.interaction(yes=True))

    def publish_layers(
        self, pairs: "Pairs", done: "Run", output: Path
    ) -> "tuple[PublishResult | None, list[LayerwrightError]]":
        """Publish the good layers of a nightly run. Return errors, which stop neither the others nor the report."""
        from builder.base.errors import LayerwrightError
        from builder.publish import layer_version, run
        from builder.publish.publish_state import PublishRequest
        from builder.publish.storage import Storage

        if not self.publish:
            return None, []
        given = layer_version.PublishOptions(public=self.public, storage=bool(self.bucket))
        layers, errors = layer_version.gather_valid(run.zips_of(pairs, done, output), given)
        if not layers:
            return None, errors
        storage = Storage(pattern=self.bucket) if self.bucket else None
        request = PublishRequest(layers=layers, output=output, storage=storage)
        try:
            return run.publish(self.access.cloud(), request, self.access.interaction(yes=True, quiet=True)), errors
        except LayerwrightError as error:
            return None, [*errors, error]


def publish_after(function: options.F) -> options.F:
    """Add the options that publish the layers of a nightly run; the command receives them as `after`."""
    decorate = options.together(
        click.option(
            "--publish", is_flag=True, help="Publish new content of recipes that have `regions` under [publish]."
        ),
        public,
        bucket,
        click.option("--account", metavar="ID", help="With --publish: the expected account."),
        click.option("--profile", metavar="NAME", help="With --publish: AWS profile."),
    )
    return decorate(options.bundled(function, "after", PublishAfter))
