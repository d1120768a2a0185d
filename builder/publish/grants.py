"""Permissions of layer versions: the requested grants, the grants of a policy, and their difference.

Principals, organizations and statement ids are those of AddLayerVersionPermission in Lambda's API reference.
"""

import dataclasses
import re
from collections.abc import Iterable, Mapping
from typing import Any

from builder.base.errors import UsageError
from builder.base.frozen import dataclass
from builder.model.fields import grant_problem

ACTION = "lambda:GetLayerVersion"
_PREFIX = "layerwright"
_ACCOUNT = re.compile(r"(?:arn:[a-z-]+:iam::)?(\d{12})(?::root)?")


@dataclasses.dataclass(frozen=True, order=True, slots=True)
class Grant:
    """A principal that may use a version: `account:123456789012`, `org:o-a1b2c3d4e5` or `public`."""

    text: str

    def __str__(self) -> str:
        return self.text

    @property
    def statement(self) -> str:
        """Statement id of the grant. Deterministic, so that a repeated grant does not add a second statement."""
        return f"{_PREFIX}-{self.text.replace(':', '-')}"

    @property
    def request(self) -> dict[str, str]:
        """Parameters of AddLayerVersionPermission and AWS::Lambda::LayerVersionPermission."""
        kind, _, name = self.text.partition(":")
        if kind == "account":
            return {"Principal": name}
        return {"Principal": "*", "OrganizationId": name} if kind == "org" else {"Principal": "*"}


PUBLIC = Grant("public")


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """Changes that turn a policy into the requested grants."""

    add: tuple[Grant, ...] = ()
    remove: tuple[str, ...] = ()
    """Statement ids."""
    named: tuple[str, ...] = ()
    """The same changes for display, for example `+public`."""

    def __bool__(self) -> bool:
        return bool(self.add or self.remove)

    def __str__(self) -> str:
        return " ".join(self.named)


def parse(texts: Iterable[str], *, public: bool) -> frozenset[Grant]:
    """Parse the values of `--share`. `public` requires `--public` as a confirmation.

    Raises UsageError with every invalid value.
    """
    unique = list(dict.fromkeys(texts))
    invalid = [problem for text in unique if (problem := grant_problem(text))]
    if invalid:
        msg = "invalid value for --share"
        raise UsageError(msg, why=invalid, hint="for example `--share org:o-a1b2c3d4e5 --share account:123456789012`")
    grants = frozenset(map(Grant, unique))
    if PUBLIC in grants and not public:
        msg = "`public` lets every AWS account use the layer"
        raise UsageError(msg, hint="pass --public as well to confirm")
    return grants


def of_policy(policy: Mapping[str, Any]) -> dict[str, Grant | None]:
    """Return the grants of a layer version's policy by statement id; None for a statement of another form."""
    return {str(row.get("Sid", "")): _of_statement(row) for row in policy.get("Statement", ())}


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


def difference(requested: frozenset[Grant] | None, statements: Mapping[str, Grant | None]) -> Difference:
    """Return the statements to add and to remove; no change if `requested` is None.

    A statement with a foreign id is kept if it is the only one for a requested grant.
    """
    if requested is None:
        return Difference()
    kept: set[Grant] = set()
    remove: list[str] = []
    for statement, grant in sorted(
        statements.items(), key=lambda row: (row[1] is None or row[0] != row[1].statement, row[0])
    ):
        if grant in requested and grant not in kept:
            kept.add(grant)
        else:
            remove.append(statement)
    add = tuple(sorted(requested - kept))
    named = [*(f"+{grant}" for grant in add), *(f"-{statements[sid] or sid}" for sid in remove)]
    return Difference(add=add, remove=tuple(remove), named=tuple(named))
