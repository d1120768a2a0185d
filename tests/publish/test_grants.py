"""Who may use a version: what is wanted against what a policy says."""

import pytest

from builder.base.errors import UsageError
from builder.publish import grants
from builder.publish.grants import Grant, difference, of_policy

ORG = {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}


def statement(sid: str, principal: object, **more: object) -> dict[str, object]:
    return {"Sid": sid, "Effect": "Allow", "Principal": principal, "Action": grants.ACTION, **more}


@pytest.mark.parametrize(
    ("said", "expected"),
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
def test_a_statement_is_read_as_who_it_lets_in(said: dict[str, object], expected: str | None) -> None:
    assert of_policy({"Statement": [said]}) == {"a": Grant(expected) if expected else None}


def test_what_is_wanted_is_added_and_everything_else_removed() -> None:
    found = {"layerwright-account-111111111111": Grant("account:111111111111"), "odd": None}
    change = difference(frozenset({Grant("org:o-a1b2c3d4e5")}), found)
    assert [one.statement for one in change.add] == ["layerwright-org-o-a1b2c3d4e5"]
    assert set(change.remove) == {"layerwright-account-111111111111", "odd"}
    assert set(change.named) == {"+org:o-a1b2c3d4e5", "-account:111111111111", "-odd"}


def test_a_statement_by_hand_counts_and_its_double_goes() -> None:
    own, hand = "layerwright-account-111111111111", "by-hand"
    grant = Grant("account:111111111111")
    assert not difference(frozenset({grant}), {hand: grant})
    assert difference(frozenset({grant}), {hand: grant, own: grant}).remove == (hand,)


def test_without_a_wish_nothing_changes() -> None:
    assert not difference(None, {"a": Grant("public")})
    assert difference(frozenset(), {"a": Grant("public")}).remove == ("a",)


def test_everybody_is_let_in_only_by_who_says_so_twice() -> None:
    with pytest.raises(UsageError, match="every AWS account"):
        grants.parse(["public"], public=False)
    assert grants.parse(["public"], public=True) == {grants.PUBLIC}
    with pytest.raises(UsageError) as caught:
        grants.parse(["acount:1", "org:x", "public"], public=True)
    assert len(caught.value.why) == 2


def test_ids_of_statements_fit_the_api() -> None:
    for text in ("account:123456789012", f"org:o-{'a' * 32}", "public"):
        assert len(Grant(text).statement) <= 100
        assert Grant(text).statement.replace("-", "").isalnum()
