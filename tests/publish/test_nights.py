"""A nightly run that publishes its layers, and a report page with their ARNs."""

from pathlib import Path
from typing import Any

import pytest
from kit import aws, fleet
from kit.commands import Result, layerwright, pip_recipe, write_recipe
from kit.front import Front
from kit.published import ACCOUNT, ORGANIZATION, passed, shared, versions
from kit.wheels import Index, make_wheel

from builder.base import signing

REGIONS = ("us-east-1", "eu-west-1")
MORE = f'\n[publish]\nregions = ["us-east-1", "eu-west-1"]\nshare = ["{ORGANIZATION}"]\n'


@pytest.fixture
def folder(tmp_path: Path, index: Index) -> Path:
    """Return a folder with two recipes that are published and one that is not."""
    for name, more in (("a", MORE), ("b", MORE), ("c", "")):
        make_wheel(index.folder, name, "1.0", files={f"{name}/data.bin": name.encode() * 300})
        write_recipe(tmp_path, name, pip_recipe(name, f"{name}=={{version}}", more=more))
    return tmp_path


def night(folder: Path, *arguments: str, account: str = ACCOUNT) -> Result:
    options = ("--publish", "--untested", "--account", account, "--patience", "0", "--json")
    return layerwright("nightly", *options, *arguments, cwd=folder)


def on_the_page(folder: Path) -> dict[str, Any]:
    return fleet.on_page((folder / "dist" / "report" / "index.html").read_text(encoding="utf-8"))


def test_a_nightly_run_publishes_new_content_and_the_page_shows_the_arns(
    cloud: Front, folder: Path, index: Index
) -> None:
    assert night(folder).code == 0
    for name in ("a", "b"):
        for region in REGIONS:
            assert list(versions(cloud, region, f"{name}-python313-arm64")) == [1]
            assert shared(cloud, region, f"{name}-python313-arm64", 1) == [ORGANIZATION]
    assert not versions(cloud, "us-east-1", "c-python313-arm64")
    page = on_the_page(folder)
    expected = [[r, f"arn:aws:lambda:{r}:{ACCOUNT}:layer:a-python313-arm64:1"] for r in sorted(REGIONS)]
    assert page["a-python3.13-arm64"]["made"]["arns"] == expected
    assert page["c-python3.13-arm64"]["made"]["arns"] == []

    make_wheel(index.folder, "b", "1.1", files={"b/data.bin": b"new" * 300})
    write_recipe(folder, "b", pip_recipe("b", "b=={version}", version="1.1", more=MORE))
    cloud.seen.clear()
    assert night(folder).code == 0
    assert [list(versions(cloud, "us-east-1", f"{name}-python313-arm64")) for name in ("a", "b")] == [[1], [1, 2]]
    assert sum(one.publishes for one in cloud.seen) == 2
    assert [arn[-2:] for _, arn in on_the_page(folder)["b-python3.13-arm64"]["made"]["arns"]] == [":2", ":2"]


def test_a_night_without_an_engine_publishes_nothing_and_names_what_is_not_tested(cloud: Front, folder: Path) -> None:
    options = ("--publish", "--account", ACCOUNT, "--patience", "0", "--json")
    result = layerwright("nightly", *options, cwd=folder)
    assert result.code == 8
    slots = [f"{name}-python3.13-arm64" for name in ("a", "b", "c")]
    assert result.json["untested"] == slots
    assert result.err.splitlines()[-1] == f"not tested: {', '.join(slots)}"
    assert "a-1.0-python3.13-arm64.zip: is not tested" in result.err
    assert not versions(cloud, "us-east-1", "a-python313-arm64")
    assert on_the_page(folder)["a-python3.13-arm64"]["tested"] == ["not tested"]
    for name in ("a", "b", "c"):
        passed(folder / "dist" / f"{name}-1.0-python3.13-arm64.zip")
    # These are records of other tests than those of the recipes; a night without the image believes them as they are.
    again = layerwright("nightly", *options, cwd=folder)
    assert again.code == 0, again.err
    assert again.json["untested"] == []
    assert "not tested" not in again.err
    assert list(versions(cloud, "us-east-1", "a-python313-arm64")) == [1]
    assert "1 passed in python3.13 on arm64" in on_the_page(folder)["a-python3.13-arm64"]["tested"][0]
    tests = {row["recipe"]: row["tests"] for row in result.json["targets"]}
    assert tests["a"] == {"state": "not tested", "runs": []}


def test_credentials_of_another_account_are_refused_before_the_build(cloud: Front, folder: Path) -> None:
    refused = night(folder, account="111111111111")
    assert refused.code == 2
    assert "not to 111111111111" in refused.err
    assert not list((folder / "dist").glob("*.zip"))
    assert not [one for one in cloud.seen if one.service == "lambda"]


def test_recipes_without_regions_are_refused(cloud: Front, folder: Path) -> None:
    refused = night(folder, "c")
    assert refused.code == 2
    assert "none of these recipes has regions to publish to" in refused.err
    assert not cloud.seen


def test_a_public_share_must_be_confirmed_before_the_build(cloud: Front, folder: Path) -> None:
    write_recipe(folder, "a", pip_recipe("a", "a=={version}", more=MORE.replace(ORGANIZATION, "public")))
    refused = night(folder)
    assert refused.code == 2
    assert "every AWS account" in refused.err
    assert not list((folder / "dist").glob("*.zip"))
    assert night(folder, "--public").code == 0
    assert shared(cloud, "us-east-1", "a-python313-arm64", 1) == ["public"]


def test_layers_that_cannot_be_published_stop_neither_the_others_nor_the_report(cloud: Front, folder: Path) -> None:
    for name in ("a", "b"):  # two with one layer name, and another one
        more = MORE.replace("[publish]", '[publish]\nname = "same"')
        write_recipe(folder, name, pip_recipe(name, f"{name}=={{version}}", more=more))
    write_recipe(folder, "c", pip_recipe("c", "c=={version}", more=MORE))
    result = night(folder)
    assert result.code == 8
    assert list(versions(cloud, "us-east-1", "c-python313-arm64")) == [1]
    assert "2 zips have the layer name `same`" in result.err
    assert (folder / "dist" / "report" / "index.html").is_file()
    assert not versions(cloud, "us-east-1", "same")


def test_expired_credentials_after_the_build_do_not_stop_the_report(cloud: Front, folder: Path) -> None:
    cloud.fault = lambda request: "expired" if request.service == "lambda" else None
    result = night(folder)
    assert result.code == 8
    assert "expired" in result.err
    assert (folder / "dist" / "report" / "index.html").is_file()


def test_failed_targets_are_not_published_and_the_others_are(cloud: Front, folder: Path) -> None:
    assert night(folder).code == 0
    write_recipe(folder, "a", pip_recipe("a", "a==9.9", more=MORE))
    result = night(folder)
    assert result.code == 4
    assert list(versions(cloud, "us-east-1", "a-python313-arm64")) == [1]
    assert list(versions(cloud, "us-east-1", "b-python313-arm64")) == [1]


def test_an_error_in_a_region_sets_the_exit_code(cloud: Front, folder: Path) -> None:
    cloud.fault = lambda request: "denied" if request.publishes and request.region == "eu-west-1" else None
    result = night(folder)
    assert result.code == 8
    assert "2 of 4 layer versions are not published" in result.err
    assert list(versions(cloud, "us-east-1", "a-python313-arm64")) == [1]
    cloud.fault = lambda _: None
    assert night(folder).code == 0
    assert list(versions(cloud, "eu-west-1", "a-python313-arm64")) == [1]


def test_finished_layers_of_an_unsigned_shared_cache_are_built_and_not_published_unseen(
    cloud: Front, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.client(cloud.address).create_bucket(Bucket="team")
    monkeypatch.setenv("LAYERWRIGHT_REMOTE_CACHE", "s3://team/cache")
    for number, (key, told) in enumerate(((False, True), (True, False), (True, False))):
        if key and not (folder / "team.key").exists():
            monkeypatch.setenv("LAYERWRIGHT_REMOTE_KEY", str(signing.generate(folder / "team")[0]))
        monkeypatch.setenv("LAYERWRIGHT_CACHE", str(folder / f"cache-{number}"))
        before = layerwright("nightly", "--output", f"before-{number}", "--patience", "0", cwd=folder)
        assert before.code == 0, before.err
        monkeypatch.setenv("LAYERWRIGHT_CACHE", str(folder / f"other-{number}"))
        result = night(folder, "--output", f"after-{number}")
        assert result.code == 0, result.err
        assert ("what is published takes nothing but sources" in result.err) == told
        assert set(result.json["states"].values()) == {"built" if told else "same"}
