"""Published versions: list, show, prune, delete and pull."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from kit import published
from kit.commands import Result, layerwright, pip_recipe, write_recipe
from kit.front import Front
from kit.published import ACCOUNT, OTHER, functions, versions

from builder.base.errors import UsageError
from builder.publish import pull
from builder.publish.remote_state import RemoteVersion
from builder.publish.versions import ListedVersion, PruneRule, decide

NAME = "sample-python313-arm64"
REGIONS = ("us-east-1", "eu-west-1")
NOW = dt.datetime(2026, 11, 26, tzinfo=dt.timezone.utc)


def arn(number: int, region: str = "us-east-1", name: str = NAME) -> str:
    return f"arn:aws:lambda:{region}:{ACCOUNT}:layer:{name}:{number}"


def publish(folder: Path, content: bytes, *more: str) -> Path:
    path = published.layer(folder / "dist", content=content)
    options = ("--regions", ",".join(REGIONS), "--yes", "--account", ACCOUNT)
    result = layerwright("publish", path, *options, *more, cwd=folder)
    assert result.code == 0, result.err
    return path


@pytest.fixture
def five(cloud: Front, tmp_path: Path) -> Front:
    for number in range(5):
        publish(tmp_path, bytes([number]))
    assert list(versions(cloud, "us-east-1", NAME)) == [1, 2, 3, 4, 5]
    return cloud


def use(running: Front, region: str, name: str, *arns: str, publish: bool = False) -> None:
    role = boto3.client("iam", endpoint_url=running.address, region_name="us-east-1")
    try:
        made = role.create_role(RoleName="any", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    except role.exceptions.EntityAlreadyExistsException:
        made = role.get_role(RoleName="any")["Role"]["Arn"]
    functions(running, region).create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=made,
        Handler="app.handler",
        Code={"ZipFile": b"PK\5\6" + bytes(18)},
        Layers=list(arns),
        Publish=publish,
    )


def prune(folder: Path, *arguments: str) -> Result:
    return layerwright("prune", NAME, "--regions", ",".join(REGIONS), "--account", ACCOUNT, *arguments, cwd=folder)


# ---- prune rules --------------------------------------------------------------------------------------------------


def kept(number: int, days: int = 0, *users: str, newest: bool = False) -> ListedVersion:
    created = (NOW - dt.timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    return ListedVersion(
        region="us-east-1",
        layer=NAME,
        version=RemoteVersion(number=number, arn=arn(number), created=created),
        users=users,
        newest=newest,
    )


def gone(rows: list[ListedVersion], rule: PruneRule) -> list[int]:
    return [one.listed.version.number for one in decide(rows, rule, NOW) if one.delete]


def test_the_newest_version_and_versions_in_use_are_always_kept() -> None:
    rows = [kept(4, 400, newest=True), kept(3, 400, "a"), kept(2, 400), kept(1, 400)]
    assert gone(rows, PruneRule(older_than=0)) == [2, 1]
    assert gone(rows, PruneRule(keep=1)) == [2, 1]
    assert gone(rows, PruneRule(keep=3)) == [1]
    assert gone(rows, PruneRule(keep=9)) == []


def test_both_conditions_must_hold() -> None:
    rows = [kept(4, 1, newest=True), kept(3, 10), kept(2, 100), kept(1, 1000)]
    assert gone(rows, PruneRule(keep=1, older_than=50)) == [2, 1]
    assert gone(rows, PruneRule(keep=3, older_than=50)) == [1]
    assert [one.why for one in decide(rows, PruneRule(older_than=50), NOW)] == [
        "the newest; 1 days old",
        "10 days old",
        "",
        "",
    ]


def test_layers_and_regions_are_counted_separately() -> None:
    from dataclasses import replace

    here = [kept(2, 9, newest=True), kept(1, 9)]
    there = [replace(one, region="eu-west-1") for one in here]
    assert gone([*here, *there], PruneRule(keep=1)) == [1, 1]
    assert gone([*here, *there], PruneRule(keep=2)) == []


# ---- with a server -------------------------------------------------------------------------------------------------


def test_prune_keeps_what_functions_use_in_each_region(five: Front, tmp_path: Path) -> None:
    for number in range(5):  # unrelated functions, so that the list has pages
        use(five, "us-east-1", f"other{number}")
    use(five, "us-east-1", "needs-two", arn(2))
    result = prune(tmp_path, "--keep", "2")
    assert result.code == 0, result.err
    assert "used by needs-two" in result.out
    assert "Functions that use a deleted version keep working" in result.err
    assert list(versions(five, "us-east-1", NAME)) == [1, 2, 3, 4, 5], "a dry run"
    assert prune(tmp_path, "--keep", "2", "--yes").code == 0
    assert list(versions(five, "us-east-1", NAME)) == [2, 4, 5]
    assert list(versions(five, "eu-west-1", NAME)) == [4, 5]
    again = prune(tmp_path, "--keep", "2", "--yes", "--json")
    assert [row["number"] for row in again.json["versions"] if row["delete"]] == []


def test_prune_keeps_what_a_published_version_of_a_function_uses(five: Front, tmp_path: Path) -> None:
    use(five, "us-east-1", "moved-on", arn(1), publish=True)
    functions(five, "us-east-1").update_function_configuration(FunctionName="moved-on", Layers=[arn(5)])
    assert prune(tmp_path, "--keep", "1", "--yes").code == 0
    assert list(versions(five, "us-east-1", NAME)) == [1, 5]


def test_nothing_is_deleted_in_a_region_whose_functions_cannot_be_listed(five: Front, tmp_path: Path) -> None:
    five.fault = lambda request: (
        "denied" if request.region == "us-east-1" and request.path.endswith("/functions") else None
    )
    result = prune(tmp_path, "--keep", "1", "--yes")
    assert result.code == 8
    assert "us-east-1" in result.err
    assert list(versions(five, "us-east-1", NAME)) == [1, 2, 3, 4, 5]
    assert list(versions(five, "eu-west-1", NAME)) == [5]


def test_prune_with_the_rule_of_a_recipe(five: Front, tmp_path: Path) -> None:
    more = '\n[publish]\nregions = ["us-east-1"]\nkeep = 3\n'
    write_recipe(tmp_path, "sample", pip_recipe("sample", "sample==1.0", more=more))
    result = layerwright("prune", "sample", "--yes", "--account", ACCOUNT, cwd=tmp_path)
    assert result.code == 0, result.err
    assert list(versions(five, "us-east-1", NAME)) == [3, 4, 5]
    assert list(versions(five, "eu-west-1", NAME)) == [1, 2, 3, 4, 5]


def test_prune_without_a_rule_or_a_name(cloud: Front, tmp_path: Path) -> None:
    assert "--older-than" in prune(tmp_path).err
    assert prune(tmp_path).code == 2
    assert layerwright("prune", "--keep", "1", cwd=tmp_path).code == 2
    assert not [one for one in cloud.seen if one.service == "lambda"]


def test_versions_are_listed_with_their_users(five: Front, tmp_path: Path) -> None:
    use(five, "eu-west-1", "needs-two", arn(2, "eu-west-1"))
    result = layerwright("versions", "list", NAME, "--regions", ",".join(REGIONS), "--json", cwd=tmp_path)
    assert result.code == 0, result.err
    rows = result.json["versions"]
    assert [(row["region"], row["number"]) for row in rows] == [(r, n) for r in REGIONS for n in (5, 4, 3, 2, 1)]
    assert [row["arn"] for row in rows if row["users"]] == [arn(2, "eu-west-1")]
    assert [row["number"] for row in rows if row["newest"]] == [5, 5]
    nothing = layerwright("versions", "list", "nothing", "--regions", "us-east-1", cwd=tmp_path)
    assert nothing.code == 3


def test_a_version_is_shown_with_its_shares(cloud: Front, tmp_path: Path) -> None:
    path = publish(tmp_path, b"1", "--share", OTHER)
    result = layerwright("versions", "show", arn(1), "--json", cwd=tmp_path)
    assert result.json["code_sha256"] == published.code_sha256(path)
    assert list(result.json["shared"].values()) == [OTHER]
    assert layerwright("versions", "show", arn(9), cwd=tmp_path).code == 2
    assert "is not the ARN of a layer version" in layerwright("versions", "show", NAME, cwd=tmp_path).err
    assert cloud.seen


def test_delete_refuses_versions_in_use_and_the_newest(five: Front, tmp_path: Path) -> None:
    use(five, "us-east-1", "needs-two", arn(2))
    for number in (2, 5):
        refused = layerwright("versions", "delete", arn(number), "--yes", "--account", ACCOUNT, cwd=tmp_path)
        assert refused.code == 2
        assert "--force" in refused.err
    assert layerwright("versions", "delete", arn(9), "--yes", cwd=tmp_path).code == 2
    result = layerwright("versions", "delete", arn(1), "--yes", "--account", ACCOUNT, "--json", cwd=tmp_path)
    assert result.code == 0, result.err
    assert [row["arn"] for row in result.json["versions"]] == [arn(1)]
    assert (result.json["account"], result.json["dry_run"]) == (ACCOUNT, False)
    assert list(versions(five, "us-east-1", NAME)) == [2, 3, 4, 5]
    forced = layerwright("versions", "delete", arn(5), "--force", "--yes", "--account", ACCOUNT, cwd=tmp_path)
    assert forced.code == 0, forced.err
    book = json.loads((tmp_path / "dist" / "publish" / "layers.json").read_text(encoding="utf-8"))
    assert [one["region"] for one in book["layers"]] == ["eu-west-1"], "deleted versions are not in the book"


def deny_deletion(running: Front, region: str, number: int) -> None:
    running.fault = lambda request: (
        "denied"
        if request.method == "DELETE" and request.region == region and request.path.endswith(f"/{number}")
        else None
    )


def test_prune_tells_in_json_what_was_deleted_and_what_was_not(five: Front, tmp_path: Path) -> None:
    deny_deletion(five, "eu-west-1", 2)
    dry = prune(tmp_path, "--keep", "3", "--json").json
    assert dry["dry_run"]
    assert [row["number"] for row in dry["versions"] if row["delete"]] == [2, 1, 2, 1]
    assert not [row for row in dry["versions"] if row["deleted"] or row["error"]]
    result = prune(tmp_path, "--keep", "3", "--yes", "--json")
    assert result.code == 8, result.err
    rows = result.json["versions"]
    assert [row["arn"] for row in rows if row["deleted"]] == [arn(2), arn(1), arn(1, "eu-west-1")]
    assert ["not authorized" in row["error"] for row in rows if row["error"]] == [True]
    assert [row["arn"] for row in rows if row["error"]] == [arn(2, "eu-west-1")]
    assert result.json["errors"] == {}
    assert list(versions(five, "eu-west-1", NAME)) == [2, 3, 4, 5]


def test_prune_tells_in_json_which_regions_were_not_looked_at(five: Front, tmp_path: Path) -> None:
    five.fault = lambda request: (
        "denied" if request.region == "us-east-1" and request.path.endswith("/functions") else None
    )
    result = prune(tmp_path, "--keep", "4", "--yes", "--json")
    assert result.code == 8
    assert list(result.json["errors"]) == ["us-east-1"]
    assert [row["arn"] for row in result.json["versions"] if row["deleted"]] == [arn(1, "eu-west-1")]


def test_delete_tells_in_json_what_was_deleted_and_what_was_not(five: Front, tmp_path: Path) -> None:
    deny_deletion(five, "us-east-1", 2)
    asked = ("versions", "delete", arn(1), arn(2), arn(1), "--account", ACCOUNT)
    assert [row["deleted"] for row in layerwright(*asked, "--json", cwd=tmp_path).json["versions"]] == [False, False]
    result = layerwright(*asked, "--yes", "--json", cwd=tmp_path)
    assert result.code == 8, result.err
    rows = result.json["versions"]
    assert [(row["number"], row["deleted"], bool(row["error"])) for row in rows] == [(1, True, False), (2, False, True)]
    assert "1 versions deleted" in result.err, "one that is named twice counts once"


def test_nothing_is_told_in_json_of_a_deletion_that_was_not_confirmed(five: Front, tmp_path: Path) -> None:
    (tmp_path / "cache" / "confirmed" / "accounts.json").unlink(missing_ok=True)
    for command in (("versions", "delete", arn(1)), ("prune", NAME, "--keep", "1", "--regions", "us-east-1")):
        result = layerwright(*command, "--yes", "--json", cwd=tmp_path)
        assert result.code == 2
        assert "must be confirmed" in result.json["error"]["what"]
    assert list(versions(five, "us-east-1", NAME)) == [1, 2, 3, 4, 5]


def test_delete_shows_what_it_deletes(five: Front, tmp_path: Path) -> None:
    use(five, "us-east-1", "needs-two", arn(2))
    asked = ("versions", "delete", arn(2), "--force", "--account", ACCOUNT)
    shown = layerwright(*asked, cwd=tmp_path)
    assert "1 functions" in shown.out
    assert "dry run: nothing was deleted" in shown.err
    assert "1 versions deleted" in layerwright(*asked, "--yes", cwd=tmp_path).err


# ---- round trip ----------------------------------------------------------------------------------------------------


def test_a_pulled_version_equals_the_published_zip(cloud: Front, tmp_path: Path) -> None:
    path = publish(tmp_path, b"VALUE = 1\n")
    pulled = layerwright("pull", arn(1), "-o", "back", cwd=tmp_path)
    assert pulled.code == 0, pulled.err
    back = tmp_path / "back" / f"{NAME}-1.zip"
    assert back.read_bytes() == path.read_bytes()
    assert layerwright("check", back, cwd=tmp_path).code == 0
    assert "python3.13" in layerwright("inspect", back, cwd=tmp_path).out
    assert "no difference" in layerwright("diff", path, back, cwd=tmp_path).out
    again = layerwright("publish", back, "--name", NAME, "--untested", "--regions", "us-east-1", "--json", cwd=tmp_path)
    assert [row["action"] for row in again.json["rows"]] == ["skip"]
    assert cloud.contents


def test_content_with_another_hash_is_refused(cloud: Front, tmp_path: Path) -> None:
    path = publish(tmp_path, b"1")
    cloud.contents[published.code_sha256(path)] = b"something else"
    pulled = layerwright("pull", arn(1), cwd=tmp_path)
    assert pulled.code == 4
    assert "does not match the hash that Lambda reports" in pulled.err
    assert not list((tmp_path / "pulled").glob("*"))


def test_regions_of_the_book_are_looked_at_without_being_named(cloud: Front, tmp_path: Path) -> None:
    publish(tmp_path, b"1")
    for command in (("versions", "list", NAME), ("prune", NAME, "--keep", "1")):
        found = layerwright(*command, "--account", ACCOUNT, "--json", cwd=tmp_path).json["versions"]
        assert {row["region"] for row in found} == set(REGIONS)
    book = tmp_path / "dist" / "publish" / "layers.json"
    text = book.read_text(encoding="utf-8").replace(ACCOUNT, "222222222222")
    book.write_text(text, encoding="utf-8")
    here = layerwright("versions", "list", NAME, "--account", ACCOUNT, "--json", cwd=tmp_path)
    assert {row["region"] for row in here.json["versions"]} <= {"us-east-1"}, "another account's are not looked at"
    assert cloud.seen


@pytest.mark.parametrize("text", ["numpy", "arn:aws:lambda:us-east-1:1:layer:a:1", arn(1)[:-2], "arn:aws:s3:::a"])
def test_an_invalid_arn_of_a_version(text: str) -> None:
    with pytest.raises(UsageError, match="is not the ARN of a layer version"):
        pull.parse_arn(text)


def test_arns_of_all_partitions_are_parsed() -> None:
    for partition, region in (("aws", "eu-west-1"), ("aws-cn", "cn-north-1"), ("aws-eusc", "eusc-de-east-1")):
        parsed: Any = pull.parse_arn(f"arn:{partition}:lambda:{region}:123456789012:layer:a-b_c:12")
        assert (parsed.region, parsed.name, parsed.number) == (region, "a-b_c", 12)
