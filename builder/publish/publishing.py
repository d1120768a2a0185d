"""Publishing, read from top to bottom: look, tell the plan, make sure of the account, do it, write the book."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from builder.base import cache_paths, files
from builder.base.errors import NothingSelectedError, PublishError, UsageError
from builder.base.talk import Talk
from builder.model.recipes import Loaded
from builder.model.target import Target
from builder.nightly import records
from builder.nightly.journal import Run
from builder.publish import book, regions, state, versions
from builder.publish.aws import Cloud, Identity
from builder.publish.book import Entry
from builder.publish.execute import Execution, Outcome
from builder.publish.plan import Row
from builder.publish.storage import Storage
from builder.publish.survey import Order, Survey, account, survey
from builder.publish.survey import known as whose
from builder.publish.versions import Kept
from builder.publish.wanted import Source

Pair = tuple[Loaded, Target]
GOOD = ("built", "same", "unchanged")
"""States of targets whose zip is what it should be."""
_SHORT = 40
"""Rows of a table that people read; more of them are told by layer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """How the user wants it."""

    yes: bool = False
    """Else it is a dry run."""
    account: str | None = None
    """The only account that may be written to."""
    confirm: Callable[[Identity], bool] | None = None
    """Asks whoever sits there whether that account is meant; None when nobody does."""
    talk: Talk
    quiet: bool = False
    """Tables are left out: the caller prints JSON."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Published:
    """What came of it."""

    survey: Survey
    outcomes: tuple[Outcome, ...]
    """Empty after a dry run."""

    @property
    def good(self) -> bool:
        return not self.survey.blocked and all(one.good for one in self.outcomes)

    def as_json(self) -> dict[str, object]:
        rows = [one.as_json() for one in self.outcomes] or [row.as_json() for row in self.survey.rows]
        return {
            "account": self.survey.identity.account,
            "dry_run": not self.outcomes,
            "left_out": dict(self.survey.left_out),
            "rows": rows,
        }


def publish(cloud: Cloud, order: Order, ask: Ask) -> Published:
    """Publish what is wanted, or tell what would change."""
    if not order.wanted:
        msg = "nothing is to be published"
        raise NothingSelectedError(msg)
    identity = account(cloud, order.wanted, ask.account)
    if order.storage:
        order = replace(order, storage=replace(order.storage, account=identity.account))
    with ask.talk.working("looking at the regions") as report:
        found = survey(cloud, order, identity, report)
    ask.talk.note(f"account {identity.account} ({identity.partition}), as {identity.arn}")
    for region, why in found.left_out.items():
        ask.talk.note(f"left out: {region}: {why}")
    if not found.rows:
        msg = f"account {identity.account} has enabled none of these regions"
        raise PublishError(msg, hint="is this the account that is meant? --profile chooses another")
    if not ask.quiet:
        _show_plan(ask, found.rows)
    if not ask.yes:
        ask.talk.note("a dry run: nothing was changed; --yes does it" if found.changing else "nothing to do")
        return Published(survey=found, outcomes=())
    if found.changing:
        sure(identity, ask)
    return Published(survey=found, outcomes=_do(order, found, ask))


def regions_of(pairs: Sequence[Pair]) -> tuple[str, ...]:
    """Return where recipes want to be published."""
    return tuple(dict.fromkeys(text for loaded, _ in pairs for text in loaded.recipe.publish.regions))


def shares_of(pairs: Sequence[Pair]) -> tuple[str, ...]:
    """Return who recipes want to share with."""
    return tuple(dict.fromkeys(text for loaded, _ in pairs for text in loaded.recipe.publish.share or ()))


def ready(cloud: Cloud, texts: Sequence[str], ask: Ask) -> None:
    """Raise UsageError when nothing could be published there with these credentials."""
    regions.check(cloud.session, texts)
    sure(whose(cloud, regions.first(cloud.session, texts), ask.account), ask)


def sources_of(pairs: Sequence[Pair], done: Run, output: Path) -> tuple[Source, ...]:
    """Return the zips of a night that are good, of recipes that say where they are published."""
    good = [
        (loaded, target)
        for loaded, target in pairs
        if loaded.recipe.publish.regions and done.states.get(records.slot(target)) in GOOD
    ]
    return tuple(Source(zip=output / f"{target.name}.zip", publish=loaded.recipe.publish) for loaded, target in good)


def sure(identity: Identity, ask: Ask) -> None:
    """Make sure once per account that it is the one that is meant, before anything in it is changed."""
    known = cache_paths.cache() / "published" / "accounts.json"
    try:
        confirmed = json.loads(known.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        confirmed = []
    if identity.account in confirmed or ask.account == identity.account:
        return
    if ask.confirm is None:
        msg = f"nothing from here was ever published to account {identity.account}, so nothing is"
        raise UsageError(msg, why=[identity.arn], hint=f"--account {identity.account} says that it is meant")
    if not ask.confirm(identity):
        msg = "nothing was changed"
        raise UsageError(msg)
    known.parent.mkdir(parents=True, exist_ok=True)
    with files.replacing(known) as part:
        part.write_text(json.dumps([*confirmed, identity.account]), encoding="utf-8")


def _do(order: Order, found: Survey, ask: Ask) -> tuple[Outcome, ...]:
    request = state.Request(
        account=found.identity.account,
        layers=order.wanted,
        bucket=order.storage.pattern if order.storage else None,
        reference=bool(order.storage and order.storage.reference),
    )
    state.keep(order.output, request)
    total = len(found.changing)
    with ask.talk.working("publishing") as report, ask.talk.group("layerwright publish"):
        done = 0

        def tell(one: Outcome) -> None:
            nonlocal done
            done += one.row.changes
            report(f"{done} of {total}: {one.row.wanted.name} in {one.row.region} {one.status}")

        outcomes = Execution(found, order.storage, tell).run()
    table = book.add(order.output, [entry(found.identity, one) for one in outcomes if one.arn])
    if all(one.good for one in outcomes):
        state.keep(order.output, replace(request, finished=True))
    if not ask.quiet:
        _show_outcomes(ask, outcomes)
    ask.talk.note(f"the ARNs are in {table} and {table.with_suffix('.json')}")
    return outcomes


def entry(identity: Identity, one: Outcome) -> Entry:
    """Return what the book says of a version."""
    wanted = one.row.wanted
    return Entry(
        account=identity.account,
        region=one.row.region,
        layer=wanted.name,
        arn=str(one.arn),
        number=one.number or 0,
        code_sha256=wanted.code_sha256,
        recipe=wanted.recipe,
        target=wanted.target,
        runtimes=wanted.runtimes,
        architectures=wanted.architectures,
    )


def resumed(output: Path) -> tuple[Order, str]:
    """Return the last order that did not come to its end, and the account that it was for."""
    request = state.unfinished(output)
    storage = Storage(pattern=request.bucket, reference=request.reference) if request.bucket else None
    return Order(wanted=request.layers, output=output, storage=storage), request.account


def failure(result: Published) -> PublishError:
    """Return the error that tells what is not published."""
    bad = [one for one in result.outcomes if not one.good]
    why = [f"{one.row.wanted.name} in {one.row.region}: {one.status}: {one.why}" for one in bad]
    why = why or [f"{row.wanted.name} in {row.region}: {row.why}" for row in result.survey.blocked]
    count = len(result.outcomes or result.survey.rows)
    hints = [one.hint for one in bad if one.hint]
    resumable = "`layerwright publish --resume` goes on; nothing is published twice"
    hint = hints[0] if hints else resumable if bad else "the others can be published: --yes leaves out what is blocked"
    return PublishError(f"{len(why)} of {count} are not published", why=why[:_SHORT], hint=hint)


def remove(cloud: Cloud, identity: Identity, doomed: Sequence[Kept], output: Path, ask: Ask) -> None:
    """Delete versions, or tell that it would be done. Raises PublishError with those that could not be deleted."""
    if not doomed:
        ask.talk.note("no version may go")
        return
    stay = "Functions that use a deleted version go on as they are; it cannot be chosen for a function any more."
    ask.talk.note(f"{len(doomed)} versions in account {identity.account}. {stay}")
    if not ask.yes:
        ask.talk.note("a dry run: nothing was deleted; --yes does it")
        return
    sure(identity, ask)
    errors = versions.delete(cloud, identity.account, doomed)
    book.forget(output, {one.version.arn for one in doomed} - set(errors))
    ask.talk.note(f"{len(doomed) - len(errors)} deleted")
    if errors:
        why = [f"{arn}: {error.why[0] if error.why else error.what}" for arn, error in errors.items()]
        msg = f"{len(errors)} versions could not be deleted"
        raise PublishError(msg, why=why)


# ---- tables --------------------------------------------------------------------------------------------------------


def _show_plan(ask: Ask, rows: Sequence[Row]) -> None:
    told = [(one.wanted.name, one.region, one.action, _why(one), str(one.grants)) for one in rows]
    _table(ask, ("layer", "region", "action", "why", "permissions"), told)


def _why(row: Row) -> str:
    surplus = [f"deletes version {one.number}, which a lost answer left" for one in row.surplus]
    return "; ".join([row.why, *surplus])


def _show_outcomes(ask: Ask, outcomes: Sequence[Outcome]) -> None:
    told = [(one.row.wanted.name, one.row.region, one.status, _where(one), str(one.row.grants)) for one in outcomes]
    _table(ask, ("layer", "region", "state", "ARN", "permissions"), told)


def _where(one: Outcome) -> str:
    return " ".join(part for part in (one.arn, one.why) if part)


def _table(ask: Ask, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """Print rows; very many are counted by layer, but for what is wrong."""
    if len(rows) <= _SHORT:
        ask.talk.table(columns, rows)
        return
    wrong = [row for row in rows if row[2] in {"blocked", "failed", "not tried"}]
    counts: dict[tuple[str, str, str], list[str]] = {}
    for layer, region, action, _, grants in (row for row in rows if row not in wrong):
        counts.setdefault((layer, action, grants), []).append(region)
    folded = [(layer, _regions(names), action, "", grants) for (layer, action, grants), names in counts.items()]
    ask.talk.table(columns, [*folded, *wrong])


def _regions(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{len(names)} regions"
