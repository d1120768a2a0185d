"""Options of the commands that access AWS."""

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import click

from builder.base import foreign
from builder.base.frozen import dataclass
from builder.cli.options import shared
from builder.cli.options.parameters import Bundle, Mistake, Option, dependent
from builder.cli.options.targets import RecipeFilters
from builder.model import defaults

if TYPE_CHECKING:
    from builder.nightly.journal import Run
    from builder.plan.selection import Pairs
    from builder.publish.aws import Cloud, Identity
    from builder.publish.interaction import Interaction
    from builder.publish.nights import RunPublication, RunPublisher
    from builder.publish.selection import LayerSelection


def listed(_context: click.Context, _parameter: click.Parameter, value: Sequence[str]) -> tuple[str, ...]:
    """Split comma-separated values: `--regions a,b --regions c` are three regions."""
    return tuple(dict.fromkeys(part.strip() for text in value for part in text.split(",") if part.strip()))


def share(about: str) -> Option:
    """Return --share, whose default differs."""
    return Option("--share", callback=listed, metavar="account:ID|org:ID|public", about=about)


Regions = Annotated[
    tuple[str, ...],
    Option(
        "--regions",
        callback=listed,
        metavar="A,B|all",
        about="Regions, or `all` regions of the account's partition; repeatable. "
        "Default: `regions` under [publish] in the recipe, or in layerwright.toml.",
    ),
]
Yes = Annotated[bool, Option("--yes", about="Apply the changes. Default: a dry run.")]
Public = Annotated[bool, Option("--public", about="Confirm a share with `public`.")]
Untested = Annotated[
    bool, Option("--untested", about="Publish layers, too, whose zips have no record of tests that passed.")
]
Bucket = Annotated[
    str | None,
    Option(
        "--bucket",
        envvar="LAYERWRIGHT_BUCKET",
        setting="bucket",
        metavar="PATTERN",
        about="Bucket for zips above 50 MiB, for example my-layers-{region}. Placeholders: {region}, {account}. "
        "Default: that of LAYERWRIGHT_BUCKET.",
    ),
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Access(Bundle):
    """The credentials, and the account that they must belong to."""

    account: Annotated[
        str | None,
        Option(
            "--account", metavar="ID", setting="account", about="Expected account; credentials of another are an error."
        ),
    ]
    profile: Annotated[
        str | None, Option("--profile", metavar="NAME", about="AWS profile. Default: boto3's credential chain.")
    ]

    def cloud(self) -> "Cloud":
        from builder.publish.aws import Cloud

        return Cloud(self.profile)

    def interaction(self, *, yes: bool, quiet: bool = False) -> "Interaction":
        """Return an interaction with the terminal, which asks for confirmation if it is one."""
        from builder.cli import terminal
        from builder.publish.interaction import Interaction

        confirm = confirmation() if terminal.chosen().events == "text" else None  # a question is no event
        return Interaction(yes=yes, account=self.account, confirm=confirm, quiet=quiet, events=terminal.events())


def confirmation() -> "Callable[[Identity], bool] | None":
    """Return a function that asks the user to confirm the account; None if there is no terminal."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None

    def ask(identity: "Identity") -> bool:
        text = f"First publish to account {identity.account}, as {identity.arn}. Continue?"
        return click.confirm(foreign.line(text), err=True)

    return ask


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerFilters(Bundle):
    """Which zips of recipes are meant, and where they are."""

    recipes: RecipeFilters
    output: shared.OutputFolder

    def of(self, names: tuple[str, ...]) -> "LayerSelection":
        """Return the zips with these paths, and those of recipes with these names."""
        from builder.publish.selection import LayerSelection

        return LayerSelection(
            names=names,
            runtimes=self.recipes.runtimes,
            architectures=self.recipes.architectures,
            only=self.recipes.only,
            folder=self.recipes.folder,
            output=self.output,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishAfter(Bundle):
    """Publishing at the end of a nightly run."""

    publish: Annotated[
        bool, Option("--publish", about="Publish new content of recipes that have `regions` under [publish].")
    ]
    public: Public
    untested: Untested
    bucket: Bucket
    account: Annotated[str | None, Option("--account", metavar="ID", about="With --publish: the expected account.")]
    profile: Annotated[str | None, Option("--profile", metavar="NAME", about="With --publish: AWS profile.")]

    def mistakes(self) -> Iterator[Mistake]:
        if not self.publish:
            confirmed = {"--public": self.public, "--untested": self.untested}
            yield from dependent({**confirmed, "--account": self.account, "--profile": self.profile}, "--publish")

    def _publisher(self) -> "tuple[RunPublisher, Access]":
        from builder.publish.nights import RunPublisher

        access = Access(account=self.account or defaults.current().account, profile=self.profile)
        publisher = RunPublisher(cloud=access.cloud(), public=self.public, bucket=self.bucket, untested=self.untested)
        return publisher, access

    def check(self, pairs: "Pairs") -> None:
        """Raise UsageError before a nightly run if its layers could not be published afterwards."""
        if self.publish:
            publisher, access = self._publisher()
            publisher.check(pairs, access.interaction(yes=True))

    def trusted_only(self) -> contextlib.AbstractContextManager[None]:
        """Return a block in which an unsigned shared cache decides nothing that is published without a look at it."""
        from builder.base import remote

        return remote.signed_only() if self.publish else contextlib.nullcontext()

    def publish_layers(self, pairs: "Pairs", done: "Run", output: Path) -> "RunPublication":
        """Publish the good layers of a nightly run, if that is asked for."""
        from builder.publish.nights import RunPublication

        if not self.publish:
            return RunPublication()
        publisher, access = self._publisher()
        return publisher.publish(pairs, done, output, access.interaction(yes=True, quiet=True))
