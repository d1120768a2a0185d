"""The `prune` command."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import click

from builder.base.frozen import dataclass
from builder.cli.options import shared
from builder.cli.options.cloud import Access, Regions, Yes
from builder.cli.options.listener import listener_options
from builder.cli.options.parameters import Argument, Bundle, Mistake, Option, exclusive, typed

if TYPE_CHECKING:
    from builder.publish.published import VersionQuery


@dataclass(frozen=True, kw_only=True, slots=True)
class PruneOptions(Bundle):
    """The layers whose old versions are deleted, and which are old."""

    names: Annotated[tuple[str, ...], Argument("[RECIPE|LAYER]...", required=False)]
    everything: shared.Everything
    folder: shared.RecipesFolder
    output: shared.OutputFolder
    regions: Regions
    keep: Annotated[
        int | None,
        Option(
            "--keep",
            kind=click.IntRange(1),
            metavar="N",
            about="Number of newest versions to keep. Default: `keep` in the recipe.",
        ),
    ]
    older_than: Annotated[
        int | None,
        Option("--older-than", kind=click.IntRange(0), metavar="DAYS", about="Only versions older than DAYS."),
    ]
    access: Access
    yes: Yes
    as_json: shared.AsJson

    def mistakes(self) -> Iterator[Mistake]:
        yield from exclusive({"--all": self.everything, "names of recipes": self.names})
        if not (self.names or self.everything):
            example = "for example `layerwright prune numpy --keep 5`; --all prunes the layers of every recipe"
            yield Mistake("no recipe or layer is specified", example)

    @property
    def chosen(self) -> tuple[str, ...]:
        """The recipes and layers that are meant."""
        return shared.named_or_all(self.names, self.folder, everything=self.everything)

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


@click.command(epilog="Example: layerwright prune numpy --keep 5 --older-than 90")
@listener_options
@typed
def prune(options: PruneOptions) -> None:
    """Delete old versions in all regions. The newest version and versions in use are always kept.

    Functions that use a deleted version keep working, but it can no longer be added to a function.
    """
    from builder.cli import terminal
    from builder.cli.views import published as view
    from builder.publish import published, run

    rules = published.prune_rules(options.chosen, options.folder, options.keep, options.older_than)
    cloud, interaction = options.access.cloud(), options.access.interaction(yes=options.yes)
    with terminal.events().stage("listing versions and functions"):
        listed = published.list_layers(cloud, options.query, rules)
    decisions = published.decisions(listed.versions, rules)
    if not options.as_json:
        view.show_decisions(decisions)
    doomed = [decision.listed for decision in decisions if decision.delete]
    deletion = run.delete_versions(cloud, listed.identity, doomed, options.output, interaction)
    if options.as_json:
        terminal.data(view.pruned_document(decisions, listed, deletion, dry_run=not options.yes))
    deletion.raise_failed()
    listed.raise_failed()


COMMANDS = (prune,)
