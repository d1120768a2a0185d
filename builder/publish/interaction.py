"""Interaction with the user: events, and the confirmation of an account before its first change."""

from collections.abc import Callable
from dataclasses import field

from builder.base import cache_paths
from builder.base.documents import Document, Typed
from builder.base.emitter import Events
from builder.base.errors import UsageError
from builder.base.frozen import dataclass
from builder.publish.aws import Identity


@dataclass(frozen=True, kw_only=True, slots=True)
class Interaction:
    """The permissions that the user gave, how to ask for another, and who is told what happens."""

    yes: bool = False
    """Whether to change anything; otherwise a dry run."""
    account: str | None = None
    """The only account that may be changed."""
    confirm: Callable[[Identity], bool] | None = None
    """Ask the user to confirm the account. None if there is no terminal."""
    events: Events = field(default_factory=Events)
    quiet: bool = False
    """Whether to omit tables, for a caller that prints JSON."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfirmedAccounts:
    """The accounts that the user confirmed on this host."""

    accounts: tuple[str, ...]
    version: int = 1


def confirm_account(identity: Identity, interaction: Interaction) -> None:
    """Make the user confirm an account once, before its first change. The answer is stored in the cache.

    Raises UsageError if the account is not confirmed.
    """
    path = cache_paths.folder("confirmed") / "accounts.json"
    document = Document(path=path, what="list of accounts", codec=Typed(kind=ConfirmedAccounts))
    confirmed = document.read()
    if (confirmed and identity.account in confirmed.accounts) or interaction.account == identity.account:
        return
    if interaction.confirm is None:
        msg = f"the first publish to account {identity.account} must be confirmed"
        hint = f"pass --account {identity.account} to confirm it for one call; the answer on a terminal is remembered"
        raise UsageError(msg, why=[identity.arn], hint=hint)
    if not interaction.confirm(identity):
        msg = f"account {identity.account} was not confirmed; nothing was changed"
        raise UsageError(msg)
    account = (identity.account,)
    document.update(lambda kept: ConfirmedAccounts(accounts=(kept.accounts if kept else ()) + account))
