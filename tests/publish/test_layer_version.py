"""Layer versions to publish: their properties, and all problems at once before any request."""

import base64
import dataclasses
import hashlib
import json
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest
from kit import published, zips

from builder.base.errors import UsageError
from builder.model import limits
from builder.model.architectures import ARM64
from builder.model.fields import layer_name
from builder.model.recipe import Publish
from builder.model.runtimes import runtime
from builder.model.target import Target
from builder.publish import layer_version
from builder.publish.layer_version import InputZip, PublishOptions, gather
from builder.smoke import record

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
        regions=("us-east-1",),
        share=(),
        name="mine",
        description="",
        license="BSD",
        runtimes=("python3.12",),
        untested=True,
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


# ---- a manifest and its zip ----------------------------------------------------------------------------------------

REFERENCES = (
    "{{resolve:secretsmanager:prod/db}}",
    "a {{Resolve:ssm:/x:1}}",
    "{{ resolve : ssm-secure:/x }}",
    "{\u200b{resolve:ssm:/x}}",
    "{{\nresolve:ssm:/x}}",
    "\uff5b\uff5bresolve\uff1assm:/x}}",
)


def rewritten(path: Path, files: dict[str, bytes], **changed: Any) -> Path:
    """Replace the files of a zip, with a manifest that has its right sizes and hashes but for what is changed."""
    about = json.loads(path.with_suffix(".json").read_bytes())
    zips.write(path, files)
    digest = hashlib.sha256(path.read_bytes())
    about["zip"].update(
        bytes=path.stat().st_size,
        sha256=digest.hexdigest(),
        code_sha256=base64.b64encode(digest.digest()).decode(),
    )
    about.update(unzipped_bytes=sum(map(len, files.values())), files=len(files), **changed)
    path.with_suffix(".json").write_text(json.dumps(about), encoding="utf-8")
    published.passed(path, about["runtimes"][0], about["architectures"][0])
    return path


def elf(machine: int) -> bytes:
    return b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HH", 3, machine) + bytes(60)


@pytest.mark.parametrize(
    "changed",
    [
        {"zip": {"bytes": 1}},
        {"zip": {"sha256": "0" * 64}},
        {"zip": {"code_sha256": "A" * 43 + "="}},
        {"unzipped_bytes": 2},
        {"files": 2},
    ],
)
def test_every_size_and_hash_of_a_manifest_is_compared(tmp_path: Path, changed: dict[str, Any]) -> None:
    path = published.layer(tmp_path)
    about = json.loads(path.with_suffix(".json").read_bytes())
    for name, value in changed.items():
        about[name] = {**about[name], **value} if isinstance(value, dict) else value
    path.with_suffix(".json").write_text(json.dumps(about), encoding="utf-8")
    error = refused(path)
    assert "describes another zip" in error.why[0]
    (name,) = changed.get("zip", changed)
    assert f"{name} is " in error.why[1]


def test_runtimes_and_architectures_are_those_of_the_files(tmp_path: Path) -> None:
    module, library = "python/a/_x.cpython-313-aarch64-linux-gnu.so", "lib/libx.so.1"
    good = {module: elf(183), library: elf(183), "python/a/data-x86.so": elf(62), "python/a/text.so": b"text"}
    path = rewritten(published.layer(tmp_path), good)
    assert gather([InputZip(zip=path)], PublishOptions())
    for files, changed, words in (
        (good, {"architectures": ["x86_64"]}, f"{library} is code for AARCH64, the layer is for x86_64"),
        (good, {"runtimes": ["python3.12"]}, f"{module} is for cpython-313-aarch64-linux-gnu; python3.12 on arm64"),
        (good, {"runtimes": ["python3.12", "python3.13"]}, "python3.12 on arm64 cannot import it"),
        ({library: elf(62)}, {}, f"{library} is code for X86_64, the layer is for arm64"),
        ({"bootstrap": elf(62)}, {}, "bootstrap is code for X86_64"),
    ):
        error = refused(rewritten(published.layer(tmp_path), files, **changed))
        assert "describes another zip" in error.why[0]
        assert any(words in line for line in error.why), error.why


def test_findings_that_the_recipe_allows_are_no_difference(tmp_path: Path) -> None:
    row = {"check": "architecture", "severity": "error", "path": "lib/libx.so.1", "message": "", "hint": ""}
    allowed = {**row, "details": [], "allowed": "a file for tests of emulators"}
    files = {"lib/libx.so.1": elf(62), "lib/liby.so": elf(183)}
    assert gather([InputZip(zip=rewritten(published.layer(tmp_path), files, findings=[allowed]))], PublishOptions())
    error = refused(rewritten(published.layer(tmp_path), files, findings=[{**allowed, "allowed": None}]))
    assert "describes another zip" in error.why[0]


@pytest.mark.parametrize(
    ("field", "value"), [("name", "other"), ("runtimes", ["python3.12"]), ("architectures", ["x86_64"])]
)
def test_the_manifest_is_that_of_the_target(tmp_path: Path, field: str, value: object) -> None:
    target = Target(
        layer="sample",
        version="1.0",
        runtimes=(runtime("python3.13"),),
        architectures=(ARM64,),
        split_by=("runtime", "arch"),
    )
    path = published.layer(tmp_path)
    assert gather([InputZip(zip=path, target=target)], PublishOptions())
    about = json.loads(path.with_suffix(".json").read_bytes())
    path.with_suffix(".json").write_text(json.dumps({**about, field: value}), encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        gather([InputZip(zip=path, target=target)], PublishOptions())
    assert f"{field} is " in caught.value.why[1]


@pytest.mark.parametrize("text", REFERENCES)
def test_dynamic_references_are_refused(tmp_path: Path, text: str) -> None:
    for field in ("description", "license"):
        more: dict[str, Any] = {field: text}
        error = refused(published.layer(tmp_path, **more))
        assert any(f"{field}: `{{{{resolve:` is a dynamic reference" in line for line in error.why), error.why
    assert "dynamic reference" in refused(published.layer(tmp_path), PublishOptions(description=text)).why[0]


def test_names_of_runtimes_and_parameters(tmp_path: Path) -> None:
    assert "unknown runtime `python9.9`" in refused(published.layer(tmp_path, runtimes=["python9.9"])).why[0]
    path = published.layer(tmp_path)
    later = PublishOptions(runtimes=("python9.9",), untested=True)
    assert gather([InputZip(zip=path)], later), "Lambda may know it already"
    assert "is not the name of a runtime" in refused(path, PublishOptions(runtimes=("{{x}}",))).why[0]
    assert "is not a valid name of an SSM parameter" in refused(path, PublishOptions(ssm="/a b")).why[0]


def test_a_zip_is_published_if_its_tests_passed_where_it_is_meant_for(tmp_path: Path) -> None:
    path = published.layer(tmp_path, tested=False)
    error = refused(path)
    assert (error.exit_code, error.why[0]) == (2, f"{path.name}: is not tested: no record beside it is of this zip")
    assert error.hint == f"`layerwright test {path}` tests it, in a container engine; --untested publishes it as it is"
    assert gather([InputZip(zip=path)], PublishOptions(untested=True))
    published.passed(path)
    assert gather([InputZip(zip=path)], PublishOptions())
    for elsewhere in (("python3.12", "arm64"), ("python3.13", "x86_64")):
        published.passed(path, *elsewhere)
        assert "nothing of it was tried where it is meant for" in refused(path).why[0]
    tested = record.of(path, published.code_digest(path))
    assert tested
    failing = [dataclasses.replace(run, results=(), failure="importing each module fails") for run in tested.runs]
    record.at(path).replace(dataclasses.replace(tested, runs=tuple(failing)))
    assert "its tests failed: importing each module fails" in refused(path).why[0]
    published.passed(path)
    rewritten_later = published.layer(tmp_path, content=b"2", tested=False)
    assert rewritten_later == path
    assert "no record beside it is of this zip" in refused(path).why[0]
    path.with_suffix(".tests.json").write_text("{}")
    assert "no record beside it is of this zip" in refused(path).why[0]
    assert path.with_suffix(".tests.json").read_text() == "{}"
    path.with_suffix(".json").unlink()
    hint = refused(path, PublishOptions(runtimes=("python3.13",), architectures=("arm64",))).hint
    assert hint
    assert hint.startswith(f"`layerwright test {path} --runtime python3.13 --arch arm64`")


def test_a_zip_that_two_programs_read_differently_is_refused(tmp_path: Path) -> None:
    path = published.layer(tmp_path)
    data = path.read_bytes().replace(b"python/sample.py", b"python/other1.py", 1)  # in the local header only
    path.write_bytes(data)
    path.with_suffix(".json").unlink()
    error = refused(path, PublishOptions(runtimes=("python3.13",)))
    assert "cannot be unpacked safely" in error.why[0]
