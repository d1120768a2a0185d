"""`publish` against moto's server: versions, permissions, messages and exit codes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import boto3
import pytest
from kit import aws, published
from kit.commands import ROOT, Result, layerwright, pip_recipe, write_recipe
from kit.front import Front, Kind, Request
from kit.published import ACCOUNT, ORGANIZATION, OTHER, functions, shared, versions

from builder.model.limits import DIRECT_LIMIT

NAME = "sample-python313-arm64"


def publish(folder: Path, *arguments: str | Path, account: str = ACCOUNT) -> Result:
    return layerwright("publish", *arguments, "--account", account, cwd=folder)


def states(result: Result) -> dict[str, str]:
    return {row["region"]: row["status"] for row in result.json["rows"]}


def zipped(folder: Path, **how: Any) -> Path:
    return published.layer(folder / "dist", **how)


def test_nothing_is_changed_without_yes(cloud: Front, tmp_path: Path) -> None:
    path = zipped(tmp_path)
    result = publish(tmp_path, path, "--regions", "us-east-1,eu-west-1", "--share", ORGANIZATION)
    assert result.code == 0
    assert result.out.count("create") == 2
    assert result.out.count(f"+{ORGANIZATION}") == 2
    assert "dry run" in result.err
    assert ACCOUNT in result.err
    assert not versions(cloud, "us-east-1", NAME)
    assert not (tmp_path / "dist" / "publish").exists()


def test_an_untested_zip_is_published_only_as_such(cloud: Front, tmp_path: Path) -> None:
    path = zipped(tmp_path, tested=False)
    refused = publish(tmp_path, path, "--regions", "us-east-1", "--yes")
    assert refused.code == 2
    assert f"{path.name}: is not tested" in refused.err
    assert f"hint: `layerwright test {path}` tests it" in refused.err
    assert not cloud.seen
    assert publish(tmp_path, path, "--regions", "us-east-1", "--yes", "--untested").code == 0
    assert list(versions(cloud, "us-east-1", NAME)) == [1]


def test_programs_are_told_each_region_and_the_tables(cloud: Front, tmp_path: Path) -> None:
    path = zipped(tmp_path)
    result = publish(tmp_path, path, "--regions", "us-east-1,eu-west-1", "--yes", "--events", "json")
    assert (result.code, list(versions(cloud, "us-east-1", NAME))) == (0, [1])
    told = [json.loads(line) for line in result.err.splitlines()]
    stages = [(document["kind"], document["stage"]) for document in told if document["kind"].startswith("stage_")]
    names = ["looking at the regions", "publishing"]
    assert stages == [(kind, name) for name in names for kind in ("stage_begun", "stage_ended")]
    ended = [document for document in told if document["kind"] == "version_ended"]
    assert {document["subject"] for document in ended} == {"us-east-1", "eu-west-1"}
    assert {(document["layer"], document["outcome"], document["reason"]) for document in ended} == {
        (NAME, "published", "")
    }
    assert all(document["arn"].endswith(f"{NAME}:1") for document in ended)
    tables = [document["columns"][2] for document in told if document["kind"] == "table_told"]
    assert tables == ["action", "state"]
    assert result.out.count("us-east-1") >= 2, "tables stay on stdout"
    assert [document["done"] for document in told if document["kind"] == "progressed"][-1] == 2
    assert told[-1]["exit_code"] == 0


def test_programs_are_asked_no_question(cloud: Front, tmp_path: Path) -> None:
    result = layerwright(
        "publish", zipped(tmp_path), "--regions", "us-east-1", "--yes", "--events", "json", cwd=tmp_path
    )
    told = [json.loads(line) for line in result.err.splitlines()]
    assert (result.code, told[-2]["kind"], told[-1]["exit_code"]) == (2, "failed", 2)
    assert told[-2]["what"] == f"the first publish to account {ACCOUNT} must be confirmed"
    assert not versions(cloud, "us-east-1", NAME)


def test_a_customer_managed_runtime_is_published_as_custom(cloud: Front, tmp_path: Path) -> None:
    path = zipped(tmp_path, runtime="custom-orders")
    result = publish(tmp_path, path, "--regions", "us-east-1", "--yes", "--name", NAME)
    assert result.code == 0, result.err
    (row,) = functions(cloud, "us-east-1").list_layer_versions(LayerName=NAME)["LayerVersions"]
    assert row["CompatibleRuntimes"] == ["custom"]
    again = publish(tmp_path, path, "--regions", "us-east-1", "--yes", "--name", NAME, "--json")
    assert states(again) == {"us-east-1": "there"}


def test_existing_content_is_not_published_again(cloud: Front, tmp_path: Path) -> None:
    path = zipped(tmp_path)
    for _ in range(2):
        assert publish(tmp_path, path, "--regions", "us-east-1,eu-west-1", "--yes").code == 0
    path = zipped(tmp_path, content=b"2")
    assert publish(tmp_path, path, "--regions", "us-east-1", "--yes").code == 0
    assert list(versions(cloud, "us-east-1", NAME)) == [1, 2]
    assert list(versions(cloud, "eu-west-1", NAME)) == [1]
    found = functions(cloud, "us-east-1").get_layer_version(LayerName=NAME, VersionNumber=1)
    assert found["CompatibleRuntimes"] == ["python3.13"]
    assert found["CompatibleArchitectures"] == ["arm64"]
    assert (found["Description"], found["LicenseInfo"]) == ("for tests", "MIT")


def test_an_older_version_with_the_same_content_is_reused(cloud: Front, tmp_path: Path) -> None:
    for content in (b"1", b"2", b"3", b"1"):
        path = zipped(tmp_path, content=content)
        assert publish(tmp_path, path, "--regions", "us-east-1", "--yes").code == 0
    assert list(versions(cloud, "us-east-1", NAME)) == [1, 2, 3]
    result = publish(tmp_path, path, "--regions", "us-east-1")
    assert "version 1 has this content, version 3 is newer" in result.out
    book = json.loads((tmp_path / "dist" / "publish" / "layers.json").read_text(encoding="utf-8"))
    assert [one["number"] for one in book["layers"]] == [1]


def test_many_layers_are_listed_by_pages(cloud: Front, tmp_path: Path) -> None:
    paths = [zipped(tmp_path, name=f"layer{number}") for number in range(5)]
    assert publish(tmp_path, *paths, "--regions", "us-east-1", "--yes").code == 0
    cloud.seen.clear()
    again = publish(tmp_path, *paths, "--regions", "us-east-1", "--json")
    assert {row["action"] for row in again.json["rows"]} == {"skip"}
    assert [one.path for one in cloud.seen if one.service == "lambda"] == ["/2018-10-31/layers"] * 3  # pages of two


def test_permissions_become_the_requested_ones(cloud: Front, tmp_path: Path) -> None:
    path = zipped(tmp_path)
    for share in ((ORGANIZATION, OTHER), (OTHER,), ("public",), (OTHER, ORGANIZATION)):
        options = [part for text in share for part in ("--share", text)]
        result = publish(tmp_path, path, "--regions", "us-east-1", "--yes", "--public", *options)
        assert result.code == 0, result.err
        assert shared(cloud, "us-east-1", NAME, 1) == sorted(share)
    assert publish(tmp_path, path, "--regions", "us-east-1", "--yes").code == 0
    assert shared(cloud, "us-east-1", NAME, 1) == sorted([OTHER, ORGANIZATION]), "without --share, permissions stay"
    result = publish(tmp_path, path, "--regions", "us-east-1", "--no-share")
    assert f"-{OTHER}" in result.out
    assert publish(tmp_path, path, "--regions", "us-east-1", "--no-share", "--yes").code == 0
    assert shared(cloud, "us-east-1", NAME, 1) == []
    assert list(versions(cloud, "us-east-1", NAME)) == [1]


def test_differences_of_immutable_properties_are_reported(cloud: Front, tmp_path: Path) -> None:
    path = zipped(tmp_path)
    assert publish(tmp_path, path, "--regions", "us-east-1", "--yes").code == 0
    other = ("--description", "another", "--runtime", "python3.12", "--untested")
    result = publish(tmp_path, path, "--regions", "us-east-1", *other)
    assert "its description and runtimes differ, but a published version cannot be changed" in result.out
    assert list(versions(cloud, "us-east-1", NAME)) == [1]


def test_regions_shares_and_parameter_of_a_recipe(cloud: Front, tmp_path: Path) -> None:
    more = f"""
[publish]
name    = "acme-{{name}}-{{arch}}"
regions = ["eu-central-1", "us-west-2"]
share   = ["{ORGANIZATION}"]
ssm     = "/layers/{{name}}"
"""
    write_recipe(tmp_path, "sample", pip_recipe("sample", "sample==1.0", more=more))
    path = zipped(tmp_path)
    result = publish(tmp_path, "sample", "--yes")
    assert result.code == 0, result.err
    for region in ("eu-central-1", "us-west-2"):
        assert list(versions(cloud, region, "acme-sample-arm64").values()) == [published.code_sha256(path)]
        assert shared(cloud, region, "acme-sample-arm64", 1) == [ORGANIZATION]
        ssm = boto3.client("ssm", region_name=region)
        arn = f"arn:aws:lambda:{region}:{ACCOUNT}:layer:acme-sample-arm64:1"
        assert ssm.get_parameter(Name="/layers/sample")["Parameter"]["Value"] == arn
        assert arn in (tmp_path / "dist" / "publish" / "layers.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("region", "partition"),
    [("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov"), ("eusc-de-east-1", "aws-eusc")],
)
def test_all_stands_for_the_partition_of_the_credentials(
    cloud: Front, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, region: str, partition: str
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    result = publish(tmp_path, zipped(tmp_path), "--regions", "all", "--json")
    assert result.code == 0, result.err
    expected = boto3.Session().get_available_regions("lambda", partition_name=partition)
    assert sorted(row["region"] for row in result.json["rows"]) == sorted(expected)
    assert not [one for one in cloud.seen if one.service == "lambda" and one.region not in expected]


def test_regions_that_are_not_enabled(cloud: Front, tmp_path: Path) -> None:
    cloud.fault = lambda request: "not enabled" if request.region.startswith("ap-") else None
    path = zipped(tmp_path)
    result = publish(tmp_path, path, "--regions", "all", "--json")
    assert result.code == 0
    assert all(region.startswith("ap-") for region in result.json["left_out"])
    assert len(result.json["left_out"]) + len(result.json["rows"]) == len(
        boto3.Session().get_available_regions("lambda")
    )
    named = publish(tmp_path, path, "--regions", "eu-west-1,ap-east-1", "--yes")
    assert named.code == 8
    assert "check that the region is enabled" not in named.out
    assert "blocked" in named.out
    assert list(versions(cloud, "eu-west-1", NAME)) == [1]


def test_an_error_in_one_region_does_not_affect_the_others(cloud: Front, tmp_path: Path) -> None:
    cloud.fault = lambda request: "denied" if request.publishes and request.region == "us-east-1" else None
    path = zipped(tmp_path)
    result = publish(tmp_path, path, "--regions", "us-east-1,eu-west-1", "--yes", "--json")
    assert result.code == 8
    assert states(result) == {
        "us-east-1": "failed",
        "eu-west-1": "published",
    }
    assert "--print-policy" in result.err
    cloud.fault = lambda _: None
    result = layerwright("publish", "--resume", "--json", cwd=tmp_path)
    assert result.code == 0, result.err
    assert states(result) == {
        "us-east-1": "published",
        "eu-west-1": "there",
    }
    assert [list(versions(cloud, region, NAME)) for region in ("us-east-1", "eu-west-1")] == [[1], [1]]
    assert layerwright("publish", "--resume", cwd=tmp_path).code == 3


def test_a_version_whose_permissions_fail_is_reported_with_its_arn(cloud: Front, tmp_path: Path) -> None:
    cloud.fault = lambda request: "denied" if request.method == "POST" and request.path.endswith("/policy") else None
    path = zipped(tmp_path)
    result = publish(tmp_path, path, "--regions", "us-east-1", "--yes", "--share", OTHER, "--json")
    assert result.code == 8
    (row,) = result.json["rows"]
    assert (row["status"], row["arn"]) == ("failed", f"arn:aws:lambda:us-east-1:{ACCOUNT}:layer:{NAME}:1")
    assert "AccessDenied" in row["error"]
    cloud.fault = lambda _: None
    assert layerwright("publish", "--resume", cwd=tmp_path).code == 0
    assert list(versions(cloud, "us-east-1", NAME)) == [1]
    assert shared(cloud, "us-east-1", NAME, 1) == [OTHER]


def test_credentials_that_are_valid_in_no_region(cloud: Front, tmp_path: Path) -> None:
    cloud.fault = lambda request: "not enabled" if request.service == "lambda" else None
    result = publish(tmp_path, zipped(tmp_path), "--regions", "all")
    assert result.code == 8
    assert "none of the regions is enabled" in result.err


def test_expired_credentials_stop_the_publish_and_resume_continues_it(cloud: Front, tmp_path: Path) -> None:
    paths = [zipped(tmp_path, name=f"layer{number}") for number in range(8)]
    published_so_far: list[Request] = []

    def expire(request: Request) -> Kind | None:
        if request.publishes:
            published_so_far.append(request)
        return "expired" if len(published_so_far) > 3 and request.service == "lambda" else None

    cloud.fault = expire
    result = publish(tmp_path, *paths, "--regions", "us-east-1", "--yes")
    assert result.code == 8
    assert "--resume" in result.err
    cloud.fault = lambda _: None
    resumed = layerwright("publish", "--resume", cwd=tmp_path)
    assert resumed.code == 0, resumed.err
    for number in range(8):
        assert list(versions(cloud, "us-east-1", f"layer{number}-python313-arm64")) == [1]


@pytest.mark.skipif(sys.platform == "win32", reason="sends a POSIX signal")
def test_a_killed_process_can_be_resumed(cloud: Front, tmp_path: Path) -> None:
    paths = [zipped(tmp_path, name=f"layer{number}") for number in range(6)]
    cloud.latency = 0.1
    command = [sys.executable, "-m", "builder", "publish", *map(str, paths), "--regions", "us-east-1,eu-west-1"]
    process = subprocess.Popen(
        [*command, "--yes", "--account", ACCOUNT, "--share", OTHER],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while sum(one.publishes for one in cloud.seen) < 3:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    time.sleep(0.5)
    cloud.latency = 0
    resumed = layerwright("publish", "--resume", cwd=tmp_path)
    assert resumed.code == 0, resumed.err
    for number in range(6):
        for region in ("us-east-1", "eu-west-1"):
            assert list(versions(cloud, region, f"layer{number}-python313-arm64")) == [1]
            assert shared(cloud, region, f"layer{number}-python313-arm64", 1) == [OTHER]


def test_resume_refuses_a_changed_zip(cloud: Front, tmp_path: Path) -> None:
    cloud.fault = lambda request: "denied" if request.publishes else None
    assert publish(tmp_path, zipped(tmp_path), "--regions", "us-east-1", "--yes").code == 8
    zipped(tmp_path, content=b"another")
    resumed = layerwright("publish", "--resume", cwd=tmp_path)
    assert resumed.code == 2
    assert "was changed or removed since" in resumed.err


def test_a_remote_cache_shares_the_hashes_of_versions(
    cloud: Front, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.client(cloud.address).create_bucket(Bucket="team")
    monkeypatch.setenv("LAYERWRIGHT_REMOTE_CACHE", "s3://team/cache")
    for content in (b"1", b"2", b"3"):
        path = zipped(tmp_path, content=content)
        assert publish(tmp_path, path, "--regions", "us-east-1", "--yes").code == 0
    for known in (True, False):
        monkeypatch.setenv("LAYERWRIGHT_CACHE", str(tmp_path / f"another-{known}"))
        if not known:
            monkeypatch.delenv("LAYERWRIGHT_REMOTE_CACHE")
        cloud.seen.clear()
        result = publish(tmp_path, path, "--regions", "us-east-1", "--json")
        assert [row["action"] for row in result.json["rows"]] == ["skip"]
        asked = [one for one in cloud.seen if one.service == "lambda" and one.path.count("/versions/")]
        assert len(asked) == (0 if known else 3)


def test_the_request_rate_stays_below_the_limit_of_lambda(cloud: Front, tmp_path: Path) -> None:
    cloud.limit = 15
    paths = [zipped(tmp_path, name=f"layer{number}") for number in range(20)]
    result = publish(tmp_path, *paths, "--regions", "us-east-1,eu-west-1", "--yes", "--share", OTHER)
    assert result.code == 0, result.err
    assert max(cloud.most_in_a_second().values()) <= 15


# ---- accounts ------------------------------------------------------------------------------------------------------


def test_the_account_must_be_confirmed(cloud: Front, tmp_path: Path) -> None:
    path = zipped(tmp_path)
    wrong = publish(tmp_path, path, "--regions", "us-east-1", "--yes", account="111111111111")
    assert wrong.code == 2
    assert f"belong to account {ACCOUNT}, not to 111111111111" in wrong.err
    silent = layerwright("publish", path, "--regions", "us-east-1", "--yes", cwd=tmp_path)
    assert silent.code == 2
    assert f"pass --account {ACCOUNT} to confirm it" in silent.err
    assert not versions(cloud, "us-east-1", NAME)


@pytest.mark.usefixtures("cloud")
def test_the_book_keeps_accounts_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = zipped(tmp_path)
    assert publish(tmp_path, path, "--regions", "us-east-1", "--yes").code == 0
    role = boto3.client("sts").assume_role(RoleArn="arn:aws:iam::222222222222:role/any", RoleSessionName="test")
    keys = role["Credentials"]
    for name, key in (("ACCESS_KEY_ID", "AccessKeyId"), ("SECRET_ACCESS_KEY", "SecretAccessKey")):
        monkeypatch.setenv(f"AWS_{name}", keys[key])
    monkeypatch.setenv("AWS_SESSION_TOKEN", keys["SessionToken"])
    result = publish(tmp_path, path, "--regions", "us-east-1", "--yes", account="222222222222")
    assert result.code == 0, result.err
    book = json.loads((tmp_path / "dist" / "publish" / "layers.json").read_text(encoding="utf-8"))
    assert sorted(one["account"] for one in book["layers"]) == [ACCOUNT, "222222222222"]
    assert keys["SecretAccessKey"] not in result.out + result.err
    assert not [path for path in (tmp_path / "dist").rglob("*") if path.is_file() and _holds(path, keys)]


def _holds(path: Path, keys: dict[str, str]) -> bool:
    return any(keys[name].encode() in path.read_bytes() for name in ("SecretAccessKey", "SessionToken"))


def test_missing_credentials_and_network_are_reported(
    cloud: Front, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = zipped(tmp_path)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    nobody = publish(tmp_path, path, "--regions", "us-east-1")
    assert nobody.code == 2
    assert "check the network connection" in nobody.err
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.address)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    without = publish(tmp_path, path, "--regions", "us-east-1")
    assert without.code == 2
    assert "AWS_PROFILE" in without.err
    profile = publish(tmp_path, path, "--regions", "us-east-1", "--profile", "nope")
    assert "profile `nope` not found" in profile.err


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--regions", "us-esat-1"), "`us-esat-1` is not a region with Lambda; did you mean `us-west-1`?"),
        (("--regions", "us-east-1,cn-north-1"), "several partitions"),
        ((), "no region is specified"),
        (("--regions", "us-east-1", "--share", "public"), "every AWS account"),
        (("--regions", "us-east-1", "--yes", "--dry-run"), "mutually exclusive"),
        (("--regions", "us-east-1", "--resume"), "names, --regions, --share and --dry-run are not allowed"),
        (("--regions", "us-east-1", "--bucket", "UPPER"), "not a valid bucket name"),
        (("--regions", "us-east-1", "--storage", "reference"), "requires --bucket"),
    ],
)
def test_invalid_input_is_reported_before_any_request(
    cloud: Front, tmp_path: Path, arguments: tuple[str, ...], text: str
) -> None:
    result = publish(tmp_path, zipped(tmp_path), *arguments)
    assert result.code == 2
    assert text in result.err
    assert not [one for one in cloud.seen if one.service == "lambda"]


# ---- S3 ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def s3(cloud: Front, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return an S3 client of the loopback cloud."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    assert cloud.address
    return aws.client(cloud.address)


def large(folder: Path) -> Path:
    """Write a zip above 50 MiB."""
    return published.layer(folder / "dist", content=os.urandom(DIRECT_LIMIT + 1))


def test_large_zips_are_uploaded_to_a_bucket_of_the_region_and_removed(s3: Any, cloud: Front, tmp_path: Path) -> None:
    for region in ("us-east-1", "eu-west-1"):
        where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        boto3.client("s3", region_name=region).create_bucket(Bucket=f"acme-{region}-{ACCOUNT}", **where)
    path = large(tmp_path)
    assert "--bucket" in publish(tmp_path, path, "--regions", "us-east-1").err
    bucket = ("--bucket", "acme-{region}-{account}")
    result = publish(tmp_path, path, "--regions", "us-east-1,eu-west-1", "--yes", *bucket)
    assert result.code == 0, result.err
    for region in ("us-east-1", "eu-west-1"):
        assert list(versions(cloud, region, NAME).values()) == [published.code_sha256(path)]
        assert s3.list_objects_v2(Bucket=f"acme-{region}-{ACCOUNT}")["KeyCount"] == 0
        assert not s3.list_multipart_uploads(Bucket=f"acme-{region}-{ACCOUNT}").get("Uploads")
    parts = [one for one in cloud.seen if one.service == "s3" and "partNumber=" in one.target]
    assert len(parts) > 2 * 6, "multipart uploads"


def test_resume_removes_the_upload_of_an_interrupted_publish(s3: Any, cloud: Front, tmp_path: Path) -> None:
    s3.create_bucket(Bucket="acme")
    path = large(tmp_path)
    how = (path, "--regions", "us-east-1", "--bucket", "acme", "--yes")
    cloud.fault = lambda request: "denied" if request.method == "DELETE" or request.path.endswith("/policy") else None
    assert publish(tmp_path, *how, "--share", OTHER).code == 8
    assert s3.list_objects_v2(Bucket="acme")["KeyCount"] == 1
    cloud.fault = lambda _: None
    resumed = layerwright("publish", "--resume", cwd=tmp_path)
    assert resumed.code == 0, resumed.err
    assert s3.list_objects_v2(Bucket="acme")["KeyCount"] == 0
    assert list(versions(cloud, "us-east-1", NAME)) == [1]


def test_a_bucket_in_another_region_or_a_missing_one_blocks(s3: Any, cloud: Front, tmp_path: Path) -> None:
    s3.create_bucket(Bucket="acme", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    path = large(tmp_path)
    result = publish(tmp_path, path, "--regions", "us-east-1,eu-west-1", "--bucket", "acme")
    assert "bucket acme is in eu-west-1" in result.out
    assert result.code == 8
    result = publish(tmp_path, path, "--regions", "us-east-1", "--bucket", "acme-none")
    assert "blocked" in result.out
    assert not versions(cloud, "us-east-1", NAME)


def test_reference_keeps_the_object_and_passes_its_version(s3: Any, cloud: Front, tmp_path: Path) -> None:
    s3.create_bucket(Bucket="acme")
    path = zipped(tmp_path)
    how = ("--regions", "us-east-1", "--bucket", "acme", "--storage", "reference", "--yes")
    assert "no versioning" in publish(tmp_path, path, *how).out
    s3.put_bucket_versioning(Bucket="acme", VersioningConfiguration={"Status": "Enabled"})
    bodies: list[dict[str, Any]] = []

    def note(request: Request) -> None:
        if request.publishes:
            bodies.append(json.loads(request.body))

    cloud.fault = note
    result = publish(tmp_path, path, *how)
    assert result.code == 0, result.err
    (content,) = (body["Content"] for body in bodies)
    assert content["S3ObjectStorageMode"] == "REFERENCE"
    assert content["S3ObjectVersion"]
    assert s3.list_objects_v2(Bucket="acme")["KeyCount"] == 1
