"""The check `license` reads what the packages of every ecosystem declare."""

import io
import zipfile

import pytest
from kit import zips

from builder.layer import checks
from builder.layer.findings import Finding
from builder.model.architectures import X86_64
from builder.model.runtimes import runtime
from builder.packages import table


def wheel(text: str) -> dict[str, bytes]:
    return {"python/thing-1.0.dist-info/METADATA": f"Metadata-Version: 2.1\nName: thing\nLicense: {text}\n\n".encode()}


def classified(text: str) -> dict[str, bytes]:
    line = f"Classifier: License :: {text}"
    return {"python/thing-1.0.dist-info/METADATA": f"Metadata-Version: 2.1\nName: thing\n{line}\n\n".encode()}


def npm(text: str) -> dict[str, bytes]:
    described = f'{{"name": "thing", "version": "1.0", "license": "{text}"}}'
    return {"nodejs/node_modules/thing/package.json": described.encode()}


def gem(text: str) -> dict[str, bytes]:
    return {"ruby/gems/3.3.0/specifications/thing-1.0.gemspec": f's.licenses = ["{text}".freeze]\n'.encode()}


def jar(text: str) -> dict[str, bytes]:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        pom = f"<licenses><license><name>{text}</name></license></licenses>"
        archive.writestr("META-INF/maven/g/thing/pom.xml", pom)
    return {"java/lib/thing-1.0.jar": stream.getvalue()}


KINDS = {"python3.13": wheel, "nodejs22.x": npm, "ruby3.3": gem, "java21": jar}


def findings(name: str, files: dict[str, bytes]) -> list[Finding]:
    layer = zips.tree(files)
    subject = checks.examine(layer, (runtime(name),), (X86_64,), packages=table.installed(layer), own=False)
    return [one for one in checks.run(subject) if one.check == "license"]


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("text", ["GPL-3.0-only", "AGPL-3.0-or-later", "GNU General Public License v2"])
def test_strong_copyleft_is_told_with_package_and_file(name: str, text: str) -> None:
    files = KINDS[name](text)
    (found,) = findings(name, files)
    assert found.message == f"thing 1.0 is under `{text}`, whose terms apply to a layer that is shared"
    assert found.path == next(iter(files))
    assert found.severity == "warning"
    assert found.hint


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("text", ["Proprietary", "UNLICENSED", "All Rights Reserved", "non-commercial use"])
def test_what_may_not_be_handed_on_is_told(name: str, text: str) -> None:
    (found,) = findings(name, KINDS[name](text))
    assert f"{text}`, which does not allow sharing without the owner's consent" in found.message


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("text", ["MIT", "LGPL-2.1-or-later", "MPL-2.0", "MIT OR GPL-3.0-only"])
def test_others_are_not(name: str, text: str) -> None:
    assert findings(name, KINDS[name](text)) == []


@pytest.mark.parametrize("text", [b"[" * 20_000, b"[]", b"{", b"\xff"])
def test_a_damaged_package_json_has_no_license(text: bytes) -> None:
    (found,) = table.installed(zips.tree({"nodejs/node_modules/thing/package.json": text}))
    assert (found.name, found.license) == ("thing", "")


@pytest.mark.parametrize("name", [name for name in KINDS if name != "java21"])
def test_a_description_that_is_too_large_to_be_real_is_not_read(name: str) -> None:
    ((path, data),) = KINDS[name]("GPL-3.0-only").items()
    (found,) = table.installed(zips.tree({path: data + b" " * (16 << 20)}))
    assert (found.name, found.license) == ("thing", "")


def test_a_classifier_tells_it_to_the_check_and_to_the_policy_alike() -> None:
    files = classified("Other/Proprietary License")
    (found,) = findings("python3.13", files)
    assert "Other/Proprietary License" in found.message
    assert [one.license for one in table.installed(zips.tree(files))] == ["Other/Proprietary License"]
    (mild,) = table.installed(zips.tree(classified("OSI Approved :: MIT License")))
    assert mild.license == "MIT License"
    (bare,) = table.installed(zips.tree(classified("OSI Approved")))
    assert bare.license == ""
