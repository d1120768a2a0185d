"""The `prune` command."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from builder.base.errors import UsageError
from builder.cli import options
from builder.cli.cloud import Access, access, regions, yes
from builder.cli.versions import failed_regions, find_regions, layers_of, raise_failed

if TYPE_CHECKING:
    from builder.publish.versions import ListedVersion, PruneDecision, PruneRule


@click.command()
@click.argument("names", nargs=-1, metavar="RECIPE|LAYER...")
@options.recipes_folder
@options.output
@regions
@click.option(
    "--keep",
    type=click.IntRange(1),
    metavar="N",
    help="Number of newest versions to keep. Default: `keep` in the recipe.",
)
@click.option("--older-than", type=click.IntRange(0), metavar="DAYS", help="Only versions older than DAYS.")
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
    """Delete old versions in all regions. The newest version and versions in use are always kept.

    Functions that use a deleted version keep working, but it can no longer be added to a function.
    """
    from builder.cli import terminal
    from builder.publish import run
    from builder.publish.versions import list_versions

    rules = _rules(names, folder, keep, older_than)
    cloud = access.cloud()
    identity, where = find_regions(cloud, given["regions"], names, folder, access.account)
    with terminal.working("listing versions and functions"):
        rows, errors = list_versions(cloud, identity.account, where, list(rules))
    decisions = _decisions(rows, rules)
    if as_json:
        cells = [{**one.listed.as_json(), "delete": one.delete, "why": one.why} for one in decisions]
        terminal.data({"account": identity.account, "dry_run": not yes, "versions": cells})
    else:
        _show_decisions(decisions)
    doomed = [decision.listed for decision in decisions if decision.delete]
    run.delete_versions(cloud, identity, doomed, output, access.interaction(yes=yes))
    raise_failed(failed_regions(errors, given["regions"]))


def _rules(names: tuple[str, ...], folder: Path, keep: int | None, older_than: int | None) -> "dict[str, PruneRule]":
    """Return the rule of each layer."""
    from builder.model import recipes
    from builder.publish.versions import PruneRule

    if not names:
        msg = "no recipe or layer is specified"
        raise UsageError(msg, hint="for example `layerwright prune numpy --keep 5`")
    rules: dict[str, PruneRule] = {}
    for name in names:
        of_recipe = recipes.load(folder, name).recipe.publish.keep if name in recipes.names(folder) else None
        rule = PruneRule(keep=keep or of_recipe, older_than=older_than)
        if rule.keep is None and rule.older_than is None:
            msg = f"no rule for {name}: neither a number of versions nor an age"
            raise UsageError(msg, hint="pass --keep 5 or --older-than 90, or set `keep` under [publish] in the recipe")
        rules |= dict.fromkeys(layers_of((name,), folder), rule)
    return rules


def _decisions(rows: "Sequence[ListedVersion]", rules: "Mapping[str, PruneRule]") -> "list[PruneDecision]":
    from builder.publish.versions import decide, now

    moment = now()
    return [
        decision
        for layer, rule in rules.items()
        for decision in decide([row for row in rows if row.layer == layer], rule, moment)
    ]


def _show_decisions(decisions: "Sequence[PruneDecision]") -> None:
    from builder.cli import terminal

    cells = [
        (
            decision.listed.layer,
            decision.listed.region,
            str(decision.listed.version.number),
            decision.listed.version.created[:10],
            "delete" if decision.delete else "keep",
            decision.why,
        )
        for decision in decisions
    ]
    terminal.table(("layer", "region", "version", "published", "action", "why"), cells, numbers=("version",))


COMMANDS = (prune,)
