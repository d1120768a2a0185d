"""The sequence of publishing: look at the regions, plan, confirm the account, execute, update the ARN book."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from builder.base.errors import NothingSelectedError, PublishError
from builder.base.frozen import dataclass
from builder.model.recipes import Loaded
from builder.model.target import Target
from builder.nightly import records
from builder.nightly.journal import Run
from builder.publish import arn_book, journal, publish_state, recipe_defaults, regions, tables, versions
from builder.publish.arn_book import ArnEntry
from builder.publish.aws import Cloud, Identity
from builder.publish.execute import Execution, PublishOutcome
from builder.publish.interaction import Interaction, confirm_account
from builder.publish.layer_version import InputZip
from builder.publish.publish_state import PublishRequest, PublishState
from builder.publish.storage import Storage
from builder.publish.versions import Deletion, ListedVersion

Pair = tuple[Loaded, Target]
GOOD = ("built", "same", "unchanged")
"""States of nightly targets whose zip is up to date."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishResult:
    """Result of a publish: the planned rows, and their outcomes."""

    state: PublishState
    outcomes: tuple[PublishOutcome, ...]
    """Empty after a dry run."""

    @property
    def good(self) -> bool:
        return not self.state.blocked and all(outcome.good for outcome in self.outcomes)

    def as_json(self) -> dict[str, object]:
        rows = [outcome.as_json() for outcome in self.outcomes] or [row.as_json() for row in self.state.rows]
        return {
            "account": self.state.identity.account,
            "dry_run": not self.outcomes,
            "left_out": dict(self.state.left_out),
            "rows": rows,
        }


def publish(cloud: Cloud, request: PublishRequest, interaction: Interaction) -> PublishResult:
    """Publish layers, or show the changes in a dry run.

    Errors of single rows are in the result. Raises UsageError before the first change if the request is invalid.
    """
    if not request.layers:
        msg = "no layers to publish"
        raise NothingSelectedError(msg)
    identity = publish_state.identify(cloud, request.layers, interaction.account)
    if request.storage:
        request = replace(request, storage=replace(request.storage, account=identity.account))
    state = _look(cloud, request, identity, interaction)
    if not interaction.quiet:
        interaction.events.table(*tables.plan(state.rows))
    if not interaction.yes:
        dry_run = "dry run: nothing was changed; pass --yes to publish"
        interaction.events.result(dry_run if state.changing else "nothing to do")
        return PublishResult(state=state, outcomes=())
    if state.changing:
        confirm_account(identity, interaction)
    return PublishResult(state=state, outcomes=_execute(request, state, interaction))


def _look(cloud: Cloud, request: PublishRequest, identity: Identity, interaction: Interaction) -> PublishState:
    events = interaction.events
    with events.stage("looking at the regions") as inner:
        state = publish_state.look(cloud, request, identity, inner)
    events.note(f"account {identity.account} ({identity.partition}), as {identity.arn}")
    for region, why in state.left_out.items():
        events.of(region).warn(f"skipped: {why}")
    if not state.rows:
        msg = f"none of the regions is enabled for account {identity.account}"
        raise PublishError(msg, hint="check that this is the intended account; --profile selects another")
    return state


def _execute(request: PublishRequest, state: PublishState, interaction: Interaction) -> tuple[PublishOutcome, ...]:
    saved = journal.SavedRequest(
        account=state.identity.account,
        layers=request.layers,
        bucket=request.storage.pattern if request.storage else None,
        reference=bool(request.storage and request.storage.reference),
    )
    arn_book.read(request.output)  # one that cannot be written is an error before the first change
    journal.save_request(request.output, saved)
    outcomes = _outcomes(request, state, interaction)
    entries = [book_entry(state.identity, outcome) for outcome in outcomes if outcome.arn]
    table = arn_book.add(request.output, entries)
    if all(outcome.good for outcome in outcomes):
        journal.save_request(request.output, replace(saved, finished=True))
    if not interaction.quiet:
        interaction.events.table(*tables.outcomes(outcomes))
    interaction.events.result(f"ARNs written to {table} and {table.with_suffix('.json')}")
    return outcomes


def _outcomes(request: PublishRequest, state: PublishState, interaction: Interaction) -> tuple[PublishOutcome, ...]:
    total, done = len(state.changing), 0
    with interaction.events.stage("publishing") as inner:

        def progress(outcome: PublishOutcome) -> None:
            nonlocal done
            done += outcome.row.changes
            inner.emit(outcome.event())
            inner.progress(done, total, "layer versions")

        return Execution(state, request.storage, progress).run()


def book_entry(identity: Identity, outcome: PublishOutcome) -> ArnEntry:
    """Return the entry of an outcome in the ARN book."""
    layer = outcome.row.layer
    return ArnEntry(
        account=identity.account,
        region=outcome.row.region,
        layer=layer.name,
        arn=str(outcome.arn),
        number=outcome.number or 0,
        code_sha256=layer.code_sha256,
        recipe=layer.recipe,
        target=layer.target,
        runtimes=layer.runtimes,
        architectures=layer.architectures,
    )


def failure(result: PublishResult) -> PublishError:
    """Return the error that lists the layer versions that are not published."""
    bad = [outcome for outcome in result.outcomes if not outcome.good]
    why = [f"{one.row.layer.name} in {one.row.region}: {one.status}: {one.why}" for one in bad]
    why = why or [f"{row.layer.name} in {row.region}: {row.why}" for row in result.state.blocked]
    count = len(result.outcomes or result.state.rows)
    hints = [outcome.hint for outcome in bad if outcome.hint]
    resume = "continue with `layerwright publish --resume`; nothing is published twice"
    hint = hints[0] if hints else resume if bad else "pass --yes to publish the others; blocked ones are skipped"
    msg = f"{len(why)} of {count} layer versions are not published"
    return PublishError(msg, why=why[: tables.MAX_ROWS], hint=hint)


def unfinished(output: Path) -> tuple[PublishRequest, str]:
    """Return the last request that did not finish, and its account. Raises NothingSelectedError if there is none."""
    saved = journal.unfinished_request(output)
    storage = Storage(pattern=saved.bucket, reference=saved.reference) if saved.bucket else None
    return PublishRequest(layers=saved.layers, output=output, storage=storage), saved.account


def delete_versions(
    cloud: Cloud, identity: Identity, doomed: Sequence[ListedVersion], output: Path, interaction: Interaction
) -> Deletion:
    """Delete versions, or only report them in a dry run. Errors of single versions are in the result."""
    events = interaction.events
    if not doomed:
        events.result("no versions to delete")
        return Deletion()
    effect = "Functions that use a deleted version keep working, but it can no longer be added to a function."
    events.note(f"{len(doomed)} versions to delete in account {identity.account}. {effect}")
    if not interaction.yes:
        events.result("dry run: nothing was deleted; pass --yes to delete")
        return Deletion()
    confirm_account(identity, interaction)
    arn_book.read(output)  # one that cannot be written is an error before the first change
    with events.stage("deleting versions"):
        deletion = versions.delete(cloud, identity.account, doomed)
    arn_book.remove(output, deletion.deleted)
    events.result(f"{len(deletion.deleted)} versions deleted")
    return deletion


# ---- nightly runs --------------------------------------------------------------------------------------------------


def regions_of(pairs: Sequence[Pair]) -> tuple[str, ...]:
    """Return the regions of all recipes."""
    return tuple(
        dict.fromkeys(text for loaded, _ in pairs for text in recipe_defaults.regions_of(loaded.recipe.publish))
    )


def shares_of(pairs: Sequence[Pair]) -> tuple[str, ...]:
    """Return the grants of all recipes."""
    shares = (recipe_defaults.share_of(loaded.recipe.publish) or () for loaded, _ in pairs)
    return tuple(dict.fromkeys(text for share in shares for text in share))


def check(cloud: Cloud, texts: Sequence[str], interaction: Interaction) -> None:
    """Raise UsageError if the credentials cannot publish to the regions, before anything is built."""
    regions.check(cloud.session, texts)
    identity = publish_state.identify_in(cloud, regions.first(cloud.session, texts), interaction.account)
    confirm_account(identity, interaction)


def zips_of(pairs: Sequence[Pair], done: Run, output: Path) -> tuple[InputZip, ...]:
    """Return the good zips of a nightly run whose recipes have regions to publish to."""
    good = [
        (loaded, target)
        for loaded, target in pairs
        if recipe_defaults.regions_of(loaded.recipe.publish) and done.states.get(records.slot(target)) in GOOD
    ]
    return tuple(
        InputZip(zip=output / f"{target.name}.zip", publish=loaded.recipe.publish, target=target)
        for loaded, target in good
    )
