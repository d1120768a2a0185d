"""Options of the commands that go to AWS, and what they mean together."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from builder.cli import options

if TYPE_CHECKING:
    from builder.base.errors import LayerwrightError
    from builder.cli.recipes import Pairs
    from builder.nightly.journal import Run
    from builder.publish.aws import Cloud, Identity
    from builder.publish.publishing import Ask, Published


def listed(_context: click.Context, _parameter: click.Parameter, value: Sequence[str]) -> tuple[str, ...]:
    """Take `--regions a,b --regions c` as three."""
    return tuple(dict.fromkeys(part.strip() for text in value for part in text.split(",") if part.strip()))


regions = click.option(
    "--regions",
    multiple=True,
    callback=listed,
    metavar="A,B|all",
    help="Regions, or all of the account's partition. Default: `regions` under [publish] in the recipe.",
)
yes = click.option("--yes", is_flag=True, help="Do it. Without, it is told what would be done.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """Whose credentials are used, and whose are meant."""

    account: str | None
    profile: str | None

    def cloud(self) -> "Cloud":
        from builder.publish.aws import Cloud

        return Cloud(self.profile)

    def asking(self, *, yes: bool, quiet: bool = False) -> "Ask":
        """Return how sure somebody must be before anything is changed."""
        from builder.cli import terminal
        from builder.publish.publishing import Ask

        return Ask(yes=yes, account=self.account, confirm=confirmation(), quiet=quiet, talk=terminal)


def access(function: options.F) -> options.F:
    """Add the options that say whose account it is; the command gets them as `access`."""
    decorate = options.together(
        click.option("--account", metavar="ID", help="The account that is meant; credentials of another are refused."),
        click.option("--profile", metavar="NAME", help="A profile of AWS's configuration. Default: boto3's chain."),
    )
    return decorate(options.bundled(function, "access", Access))


def confirmation() -> "Callable[[Identity], bool] | None":
    """Return what asks whoever sits at the terminal, if somebody does."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None

    def ask(identity: "Identity") -> bool:
        text = f"This is the first time for account {identity.account}, as {identity.arn}. Publish there?"
        return click.confirm(text, err=True)

    return ask


bucket = click.option(
    "--bucket",
    envvar="LAYERWRIGHT_BUCKET",
    metavar="PATTERN",
    help="Bucket per region for zips above 50 MiB: my-layers-{region}; there is {account}, too.",
)
public = click.option("--public", is_flag=True, help="Said as well where `public` is meant.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Afterwards:
    """What a night publishes when it is over."""

    publish: bool
    public: bool
    bucket: str | None
    account: str | None
    profile: str | None

    @property
    def access(self) -> Access:
        return Access(account=self.account, profile=self.profile)

    def ready(self, pairs: "Pairs") -> None:
        """Raise UsageError before a night when its layers could not be published: other credentials, other regions."""
        from builder.base.errors import UsageError
        from builder.publish import grants, publishing

        if not self.publish:
            return
        grants.parse(publishing.shares_of(pairs), public=self.public)
        texts = publishing.regions_of(pairs)
        if not texts:
            msg = "none of these recipes says where it is published"
            raise UsageError(msg, hint='`regions = ["eu-west-1"]` under [publish] in a recipe does')
        publishing.ready(self.access.cloud(), texts, self.access.asking(yes=True))

    def publishing(
        self, pairs: "Pairs", done: "Run", output: Path
    ) -> "tuple[Published | None, list[LayerwrightError]]":
        """Publish what is good of a night; errors of what cannot be stop neither the rest nor the report."""
        from builder.base.errors import LayerwrightError
        from builder.publish import publishing, wanted
        from builder.publish.storage import Storage
        from builder.publish.survey import Order

        given = wanted.Given(public=self.public, storage=bool(self.bucket))
        found, errors = wanted.sorted_out(publishing.sources_of(pairs, done, output) if self.publish else (), given)
        if not found:
            return None, errors
        storage = Storage(pattern=self.bucket) if self.bucket else None
        order = Order(wanted=found, output=output, storage=storage)
        try:
            return publishing.publish(self.access.cloud(), order, self.access.asking(yes=True, quiet=True)), errors
        except LayerwrightError as error:
            return None, [*errors, error]


def afterwards(function: options.F) -> options.F:
    """Add the options that publish what a night built; the command gets them as `after`."""
    decorate = options.together(
        click.option(
            "--publish", is_flag=True, help="Publish what differs, of recipes with `regions` under [publish]."
        ),
        public,
        bucket,
        click.option("--account", metavar="ID", help="With --publish: the account that is meant."),
        click.option("--profile", metavar="NAME", help="With --publish: a profile of AWS's configuration."),
    )
    return decorate(options.bundled(function, "after", Afterwards))
