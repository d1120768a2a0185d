"""Interaction with the user: output, and the confirmation of an account before its first change."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from builder.base import cache_paths, files
from builder.base.errors import UsageError
from builder.base.talk import Talk
from builder.publish.aws import Identity


@dataclass(frozen=True, kw_only=True, slots=True)
class Interaction:
    """How a command talks to the user, and the permissions that the user gave."""

    yes: bool = False
    """Whether to change anything; otherwise a dry run."""
    account: str | None = None
    """The only account that may be changed."""
    confirm: Callable[[Identity], bool] | None = None
    """Ask the user to confirm the account. None if there is no terminal."""
    talk: Talk
    quiet: bool = False
    """Whether to omit tables, for a caller that prints JSON."""


def confirm_account(identity: Identity, interaction: Interaction) -> None:
    """Make the user confirm an account once, before its first change. The answer is stored in the cache.

    Raises UsageError if the account is not confirmed.
    """
    path = cache_paths.cache() / "published" / "accounts.json"
    try:
        confirmed = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        confirmed = []
    if identity.account in confirmed or interaction.account == identity.account:
        return
    if interaction.confirm is None:
        msg = f"the first publish to account {identity.account} must be confirmed"
        raise UsageError(msg, why=[identity.arn], hint=f"pass --account {identity.account} to confirm it")
    if not interaction.confirm(identity):
        msg = f"account {identity.account} was not confirmed; nothing was changed"
        raise UsageError(msg)
    path.parent.mkdir(parents=True, exist_ok=True)
    with files.replacing(path) as part:
        part.write_text(json.dumps([*confirmed, identity.account]), encoding="utf-8")
