"""Permissions: requested grants compared with a policy."""

import pytest

from builder.base.errors import UsageError
from builder.publish import grants
from builder.publish.grants import Grant, difference, of_policy

ORG = {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}


def statement(sid: str, principal: object, **more: object) -> dict[str, object]:
    return {"Sid": sid, "Effect": "Allow", "Principal": principal, "Action": grants.ACTION, **more}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (statement("a", "*"), "public"),
        (statement("a", {"AWS": "*"}), "public"),
        (statement("a", "*", Condition=ORG), "org:o-a1b2c3d4e5"),
        (statement("a", {"AWS": "arn:aws-cn:iam::123456789012:root"}), "account:123456789012"),
        (statement("a", "123456789012"), "account:123456789012"),
        (statement("a", {"AWS": ["1", "2"]}), None),
        (statement("a", "*", Condition={**ORG, "IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}), None),
        (statement("a", "123456789012", Condition=ORG), None),
        (statement("a", "*", Effect="Deny"), None),
        (statement("a", {"Service": "lambda.amazonaws.com"}), None),
    ],
)
def test_a_statement_is_parsed_as_a_grant(row: dict[str, object], expected: str | None) -> None:
    assert of_policy({"Statement": [row]}) == {"a": Grant(expected) if expected else None}


def test_missing_grants_are_added_and_others_removed() -> None:
    statements = {"layerwright-account-111111111111": Grant("account:111111111111"), "odd": None}
    change = difference(frozenset({Grant("org:o-a1b2c3d4e5")}), statements)
    assert [one.statement for one in change.add] == ["layerwright-org-o-a1b2c3d4e5"]
    assert set(change.remove) == {"layerwright-account-111111111111", "odd"}
    assert set(change.named) == {"+org:o-a1b2c3d4e5", "-account:111111111111", "-odd"}


def test_a_foreign_statement_is_kept_unless_it_is_a_duplicate() -> None:
    own, hand = "layerwright-account-111111111111", "by-hand"
    grant = Grant("account:111111111111")
    assert not difference(frozenset({grant}), {hand: grant})
    assert difference(frozenset({grant}), {hand: grant, own: grant}).remove == (hand,)


def test_without_requested_grants_nothing_changes() -> None:
    assert not difference(None, {"a": Grant("public")})
    assert difference(frozenset(), {"a": Grant("public")}).remove == ("a",)


def test_public_requires_a_confirmation() -> None:
    with pytest.raises(UsageError, match="every AWS account"):
        grants.parse(["public"], public=False)
    assert grants.parse(["public"], public=True) == {grants.PUBLIC}
    with pytest.raises(UsageError) as caught:
        grants.parse(["acount:1", "org:x", "public"], public=True)
    assert len(caught.value.why) == 2


def test_statement_ids_are_valid() -> None:
    for text in ("account:123456789012", f"org:o-{'a' * 32}", "public"):
        assert len(Grant(text).statement) <= 100
        assert Grant(text).statement.replace("-", "").isalnum()
