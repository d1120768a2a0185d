"""Who may use a layer version: what is wanted, what a policy says, and the difference.

Principals, organizations and statement ids as in AddLayerVersionPermission of Lambda's API reference.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from builder.base.errors import UsageError
from builder.model.fields import grant_problem

ACTION = "lambda:GetLayerVersion"
_PREFIX = "layerwright"
_ACCOUNT = re.compile(r"(?:arn:[a-z-]+:iam::)?(\d{12})(?::root)?")


@dataclass(frozen=True, order=True, slots=True)
class Grant:
    """Somebody who may use a version: `account:123456789012`, `org:o-a1b2c3d4e5` or `public`."""

    text: str

    def __str__(self) -> str:
        return self.text

    @property
    def statement(self) -> str:
        """The id of its statement: always the same, so that nobody is let in twice."""
        return f"{_PREFIX}-{self.text.replace(':', '-')}"

    @property
    def request(self) -> dict[str, str]:
        """What AddLayerVersionPermission and AWS::Lambda::LayerVersionPermission take of it."""
        kind, _, name = self.text.partition(":")
        if kind == "account":
            return {"Principal": name}
        return {"Principal": "*", "OrganizationId": name} if kind == "org" else {"Principal": "*"}


PUBLIC = Grant("public")


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """What must happen so that a policy lets in who is wanted, and nobody else."""

    add: tuple[Grant, ...] = ()
    remove: tuple[str, ...] = ()
    """Ids of statements."""
    named: tuple[str, ...] = ()
    """The same as people read it."""

    def __bool__(self) -> bool:
        return bool(self.add or self.remove)

    def __str__(self) -> str:
        return " ".join(self.named)


def parse(texts: Iterable[str], *, public: bool) -> frozenset[Grant]:
    """Return the grants that texts name; everybody is let in only by who says `--public`, too.

    Raises UsageError with every mistake.
    """
    given = list(dict.fromkeys(texts))
    found = [problem for text in given if (problem := grant_problem(text))]
    if found:
        msg = "layers cannot be shared so"
        raise UsageError(msg, why=found, hint="for example `--share org:o-a1b2c3d4e5 --share account:123456789012`")
    grants = frozenset(map(Grant, given))
    if PUBLIC in grants and not public:
        msg = "`public` lets every AWS account use the layer"
        raise UsageError(msg, hint="say --public as well, if that is meant")
    return grants


def of_policy(policy: Mapping[str, Any]) -> dict[str, Grant | None]:
    """Return who each statement of a layer version's policy lets in, by its id; None for what we would never write."""
    return {str(one.get("Sid", "")): _of_statement(one) for one in policy.get("Statement", ())}


def _of_statement(statement: Mapping[str, Any]) -> Grant | None:
    principal, condition = statement.get("Principal"), statement.get("Condition")
    if isinstance(principal, dict):
        principal = principal.get("AWS")
    if statement.get("Effect") != "Allow" or not isinstance(principal, str):
        return None
    if principal == "*":
        if not condition:
            return PUBLIC
        equals = {key: value for key, value in condition.get("StringEquals", {}).items() if len(condition) == 1}
        organization = {key.lower(): value for key, value in equals.items()}.get("aws:principalorgid")
        return Grant(f"org:{organization}") if organization and len(equals) == 1 else None
    account = _ACCOUNT.fullmatch(principal)
    return Grant(f"account:{account[1]}") if account and not condition else None


def difference(wanted: frozenset[Grant] | None, found: Mapping[str, Grant | None]) -> Difference:
    """Return what to add and remove; nothing when nobody said who is wanted.

    A statement that somebody wrote by hand stays when it lets in who is wanted.
    """
    if wanted is None:
        return Difference()
    kept: set[Grant] = set()
    remove: list[str] = []
    for statement, grant in sorted(
        found.items(), key=lambda row: (row[1] is None or row[0] != row[1].statement, row[0])
    ):
        if grant in wanted and grant not in kept:
            kept.add(grant)
        else:
            remove.append(statement)
    add = tuple(sorted(wanted - kept))
    named = [*(f"+{one}" for one in add), *(f"-{found[one] or one}" for one in remove)]
    return Difference(add=add, remove=tuple(remove), named=tuple(named))
