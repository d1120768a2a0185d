"""Layer versions to publish: their properties, and all problems at once before any request."""

import json
import zipfile
from pathlib import Path

import pytest
from kit import published

from builder.base.errors import UsageError
from builder.model import limits
from builder.model.fields import layer_name
from builder.model.recipe import Publish
from builder.publish import layer_version
from builder.publish.layer_version import InputZip, PublishOptions, gather

RUNTIMES = tuple(f"python3.{minor}" for minor in range(10, 15)) + tuple(f"custom{number}" for number in range(11))


def refused(path: Path, given: PublishOptions | None = None, publish: Publish | None = None) -> UsageError:
    with pytest.raises(UsageError) as caught:
        gather([InputZip(zip=path, publish=publish or Publish())], given or PublishOptions())
    return caught.value


def test_properties_come_from_manifest_and_recipe(tmp_path: Path) -> None:
    path = published.layer(tmp_path)
    publish = Publish(
        regions=("eu-west-1",), share=(published.ORGANIZATION,), ssm="/l/{name}/{runtime}/{arch}/{version}"
    )
    (one,) = gather([InputZip(zip=path, publish=publish)], PublishOptions())
    assert (one.name, one.description, one.license) == ("sample-python313-arm64", "for tests", "MIT")
    assert (one.runtimes, one.architectures, one.regions) == (("python3.13",), ("arm64",), ("eu-west-1",))
    assert one.code_sha256 == published.code_sha256(path)
    assert [str(grant) for grant in one.share or ()] == [published.ORGANIZATION]
    assert one.ssm == "/l/sample/python3.13/arm64/1.0"


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("{name}-{runtime}-{arch}", "numpy-python313-arm64"),
        ("{name}_{version}", "numpy_2-3-2"),
        ("acme-{name}", "acme-numpy"),
    ],
)
def test_names_have_no_dots(pattern: str, expected: str) -> None:
    values = {"name": "numpy", "version": "2.3.2", "runtime": "python3.13", "arch": "arm64"}
    assert layer_name(pattern, values) == expected
    assert layer_name("{name}-{runtime}-{arch}", {"name": "ca-bundle"}) == "ca-bundle"


def test_options_take_precedence(tmp_path: Path) -> None:
    path = published.layer(tmp_path)
    given = PublishOptions(
        regions=("us-east-1",), share=(), name="mine", description="", license="BSD", runtimes=("python3.12",)
    )
    (one,) = gather([InputZip(zip=path, publish=Publish(share=("account:111111111111",)))], given)
    assert (one.name, one.description, one.license, one.runtimes) == ("mine", "", "BSD", ("python3.12",))
    assert one.share == frozenset()


def test_all_problems_of_all_zips_are_reported(tmp_path: Path) -> None:
    long = published.layer(tmp_path, "long", description="x" * 257, license="y" * 513)
    many = published.layer(tmp_path, "many", runtimes=list(RUNTIMES), architectures=["arm65"])
    with pytest.raises(UsageError) as caught:
        gather([InputZip(zip=long), InputZip(zip=many), InputZip(zip=tmp_path / "none.zip")], PublishOptions())
    text = "\n".join(caught.value.why)
    for problem in ("257 characters", "513 characters", "16 runtimes", "arm65", "none.zip: no such file"):
        assert problem in text


@pytest.mark.parametrize("name", ["n" * 141, "äöü"])
def test_an_invalid_layer_name(tmp_path: Path, name: str) -> None:
    error = refused(published.layer(tmp_path), PublishOptions(name=name))
    assert "is not a valid layer name" in error.why[0]


def test_two_zips_with_one_layer_name_are_refused(tmp_path: Path) -> None:
    paths = [published.layer(tmp_path, version=version) for version in ("1.0", "1.1")]
    with pytest.raises(UsageError) as caught:
        gather([InputZip(zip=path) for path in paths], PublishOptions())
    assert "2 zips have the layer name `sample-python313-arm64`" in caught.value.why[0]


def test_a_manifest_of_another_zip_is_refused(tmp_path: Path) -> None:
    path = published.layer(tmp_path)
    path.write_bytes(path.read_bytes() + b"x")
    error = refused(path)
    assert "describes another zip" in error.why[0]


def test_without_a_manifest_runtimes_are_required(tmp_path: Path) -> None:
    path = published.layer(tmp_path)
    path.with_suffix(".json").unlink()
    assert "--runtime" in refused(path).why[0]
    (one,) = gather([InputZip(zip=path)], PublishOptions(runtimes=("python3.13",), name="{name}"))
    assert (one.name, one.architectures) == ("sample-1-0-python3-13-arm64", ())


def test_large_zips_require_a_bucket_and_have_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = published.layer(tmp_path, content=b"12345")
    monkeypatch.setattr(layer_version, "DIRECT_LIMIT", 10)
    assert "--bucket" in refused(path).why[0]
    assert gather([InputZip(zip=path)], PublishOptions(storage=True))
    monkeypatch.setattr(layer_version, "UNZIPPED_LIMIT", 4)
    assert "unzipped" in refused(path, PublishOptions(storage=True)).why[0]
    assert limits.DIRECT_LIMIT == 50 * 1024 * 1024


def test_a_file_that_is_not_a_zip(tmp_path: Path) -> None:
    path = tmp_path / "no.zip"
    path.write_text("no zip", encoding="utf-8")
    assert "not a valid zip" in refused(path, PublishOptions(runtimes=("python3.13",))).why[0]


def test_a_manifest_of_an_unknown_format_is_ignored(tmp_path: Path) -> None:
    path = published.layer(tmp_path)
    path.with_suffix(".json").write_text(json.dumps({"version": 99}), encoding="utf-8")
    assert "--runtime" in refused(path).why[0]
    with zipfile.ZipFile(path) as opened:
        assert opened.namelist() == ["python/sample.py"]
