"""Commands for published versions: `versions`, `pull`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import click

from builder.base.errors import NothingSelectedError
from builder.base.frozen import dataclass
from builder.cli.options import shared
from builder.cli.options.cloud import Access, Regions, Yes
from builder.cli.options.listener import listener_options
from builder.cli.options.parameters import Argument, Bundle, Option, typed

if TYPE_CHECKING:
    from builder.publish.published import VersionQuery

Arn = Annotated[str, Argument("ARN")]


@click.group()
def versions() -> None:
    """List, show and delete published versions."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerOptions(Bundle):
    """The layers whose versions are listed, in which regions."""

    names: Annotated[tuple[str, ...], Argument("[RECIPE|LAYER]...", required=False)]
    folder: shared.RecipesFolder
    output: shared.OutputFolder
    regions: Regions
    access: Access

    @property
    def chosen(self) -> tuple[str, ...]:
        """The recipes and layers that are meant: without any, all recipes."""
        return shared.named_or_all(self.names, self.folder)

    @property
    def query(self) -> "VersionQuery":
        from builder.publish.published import VersionQuery

        return VersionQuery(
            names=self.chosen,
            folder=self.folder,
            regions=self.regions,
            output=self.output,
            account=self.access.account,
        )


@versions.command("list", epilog="Example: layerwright versions list numpy --regions all")
@listener_options
@typed
def list_(layers: LayerOptions, *, as_json: shared.AsJson) -> None:
    """List the versions of layers in all regions, with the number of functions that use them.

    Without a name, those of all recipes.
    """
    from builder.cli import terminal
    from builder.cli.views import published as view
    from builder.publish.published import list_layers

    with terminal.events().stage("listing versions"):
        listed = list_layers(layers.access.cloud(), layers.query)
    account = listed.identity.account
    if as_json:
        rows = [row.as_json() for row in listed.versions]
        terminal.data({"account": account, "versions": rows, "errors": dict(listed.failed)})
    elif listed.versions:
        view.show(listed.versions)
    elif not listed.failed:
        msg = f"no versions of {', '.join(layers.chosen)} in {len(listed.regions)} regions of account {account}"
        raise NothingSelectedError(msg)
    listed.raise_failed()


@versions.command("show", epilog="Example: layerwright versions show ARN --json")
@typed
def show(arn: Arn, access: Access, *, as_json: shared.AsJson) -> None:
    """Show one version of any account, and its shares."""
    from builder.cli import terminal
    from builder.cli.views import published as view
    from builder.publish import pull
    from builder.publish import versions as published

    details = published.details(access.cloud(), pull.parse_arn(arn).region, arn)
    if as_json:
        terminal.data(view.details_document(details))
    else:
        view.show_details(details)


@dataclass(frozen=True, kw_only=True, slots=True)
class DeleteOptions(Bundle):
    """The versions to delete."""

    arns: Annotated[tuple[str, ...], Argument("ARN...")]
    output: shared.OutputFolder
    access: Access
    yes: Yes
    force: Annotated[bool, Option("--force", about="Delete newest versions and versions in use as well.")]


@versions.command("delete", epilog="Example: layerwright versions delete ARN --yes")
@listener_options
@typed
def delete(deleted: DeleteOptions, *, as_json: shared.AsJson) -> None:
    """Delete versions by ARN. The newest version of a layer and versions in use require --force.

    Functions that use a deleted version keep working, but it can no longer be added to a function.
    """
    from builder.cli import terminal
    from builder.cli.views import published as view
    from builder.publish import published, run

    cloud = deleted.access.cloud()
    identity, doomed = published.by_arn(cloud, deleted.arns, deleted.access.account)
    if not deleted.force:
        published.require_deletable(doomed)
    if not as_json:
        view.show(doomed)
    interaction = deleted.access.interaction(yes=deleted.yes)
    deletion = run.delete_versions(cloud, identity, doomed, deleted.output, interaction)
    if as_json:
        terminal.data(view.deleted_document(doomed, identity.account, deletion, dry_run=not deleted.yes))
    deletion.raise_failed()


@dataclass(frozen=True, kw_only=True, slots=True)
class PullOptions(Bundle):
    """The version that is downloaded, and where to."""

    arn: Arn
    output: Annotated[Path, shared.output("pulled", "Output folder.")]
    as_json: shared.AsJson


@click.command(epilog="Example: layerwright pull ARN --output layers")
@listener_options
@typed
def pull(pulling: PullOptions, access: Access) -> None:
    """Download a published version of any account and verify it. `check`, `inspect` and `diff` accept the zip."""
    from builder.cli import terminal
    from builder.publish import pull as download

    with terminal.events().of(pulling.arn).stage("pulling"):
        path = download.pull(access.cloud(), pulling.arn, pulling.output)
    if pulling.as_json:
        terminal.data({"path": path.as_posix()})
    else:
        terminal.line(f"{path}")


COMMANDS = (versions, pull)
"""`publish` and `prune` are in modules of their own."""
