"""Bill of materials in CycloneDX, licenses with a policy, provenance."""

import io
import json
import zipfile
from pathlib import Path

import pytest
from kit import fleet, zips
from kit.commands import layerwright, pip_recipe, write_recipe
from kit.wheels import Index, make_wheel

from builder.layer import licences, provenance, sbom
from builder.layer.licences import Policy
from builder.model.manifest import Manifest
from builder.packages import table

HASH = "a" * 64


def jar(*files: tuple[str, str]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, text in files:
            archive.writestr(name, text)
    return stream.getvalue()


LAYER = {
    "python/new-1.0.dist-info/METADATA": b"Metadata-Version: 2.4\nName: new\nLicense-Expression: MIT OR Apache-2.0\n\n",
    "python/new-1.0.dist-info/licenses/LICENSE": b"MIT text\n",
    "python/old_one-2.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: old-one\nLicense: BSD\n\n",
    "python/classified-3.0.dist-info/METADATA": (
        b"Metadata-Version: 2.1\nName: classified\nLicense: UNKNOWN\n"
        b"Classifier: License :: OSI Approved :: MIT License\nClassifier: Programming Language :: Python\n\n"
    ),
    "python/silent-4.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: silent\n\n",
    "python/wordy-5.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: wordy\nLicense: " + b"x" * 200 + b"\n\n",
    "nodejs/node_modules/left/package.json": b'{"name": "left", "version": "1.0.0", "license": "ISC"}',
    "nodejs/node_modules/left/LICENSE.md": b"ISC text\n",
    "nodejs/node_modules/@s/older/package.json": (
        b'{"version": "2.0.0", "licenses": [{"type": "MIT"}, {"type": "X11"}]}'
    ),
    "ruby/gems/3.3.0/specifications/stone-1.2.gemspec": (
        b's.version = "1.2"\n  s.licenses = ["MIT".freeze, "Ruby".freeze]\n'
    ),
    "ruby/gems/3.3.0/gems/stone-1.2/LICENSE.txt": b"MIT text\n",
    "java/lib/first-1.0.jar": jar(
        ("META-INF/maven/g/first/pom.xml", "<licenses><license>\n<name>Apache-2.0</name></license></licenses>")
    ),
    "java/lib/second-1.0.jar": jar(("META-INF/MANIFEST.MF", "Bundle-License: EPL-\r\n 2.0\r\n")),
    "java/lib/broken-1.0.jar": b"no zip",
}


def test_every_kind_of_package_tells_its_licence() -> None:
    layer = zips.tree(LAYER)
    found = {one.package: one for one in licences.declared(layer, table.installed(layer))}
    assert {name: one.license for name, one in found.items()} == {
        "new": "MIT OR Apache-2.0",
        "old-one": "BSD",
        "classified": "MIT License",
        "silent": licences.NONE,
        "wordy": licences.NONE,
        "left": "ISC",
        "@s/older": "MIT OR X11",
        "stone": "MIT OR Ruby",
        "first": "Apache-2.0",
        "second": "EPL-2.0",
        "broken": licences.NONE,
    }
    assert found["new"].texts == ("python/new-1.0.dist-info/licenses/LICENSE",)
    assert found["left"].texts == ("nodejs/node_modules/left/LICENSE.md",)
    assert found["stone"].texts == ("ruby/gems/3.3.0/gems/stone-1.2/LICENSE.txt",)


@pytest.mark.parametrize(
    ("expression", "allow", "deny", "objection"),
    [
        ("MIT", (), (), None),
        ("MIT", ("MIT",), (), None),
        ("mit", ("MIT",), (), None),
        ("GPL-3.0-only", (), ("GPL-*",), "`GPL-3.0-only` is denied"),
        ("GPL-3.0-only", ("MIT",), (), "`GPL-3.0-only` is not allowed"),
        ("MIT OR GPL-3.0-only", (), ("GPL-*",), None),  # one may choose
        ("MIT AND GPL-3.0-only", (), ("GPL-*",), "`GPL-3.0-only` is denied"),
        ("(MIT OR GPL-2.0-only) AND BSD-3-Clause", ("MIT", "BSD-*"), ("GPL-*",), None),
        ("(MIT OR GPL-2.0-only) AND SSPL-1.0", (), ("SSPL-*",), "`SSPL-1.0` is denied"),
        ("GPL-2.0-only WITH Classpath-exception-2.0", (), ("GPL-2.0-only",), None),
        ("Some License of 1999", (), ("*1999",), "`Some License of 1999` is denied"),
        (licences.NONE, ("MIT",), (), "`NOASSERTION` is not allowed"),
    ],
)
def test_a_policy_reads_expressions(
    expression: str, allow: tuple[str, ...], deny: tuple[str, ...], objection: str | None
) -> None:
    assert Policy(allow=allow, deny=deny).objection(expression) == objection


def described() -> Manifest:
    return fleet.manifest(
        "thing",
        "python3.13",
        "arm64",
        1000,
        packages=[
            {"name": "new", "version": "1.0", "ecosystem": "pypi", "route": "wheel", "file": "n.whl", "sha256": HASH},
            {"name": "@s/older", "version": "2.0.0", "ecosystem": "npm", "route": "npm", "file": "x", "sha256": None}
            | {"integrity": "sha512-" + "A" * 86 + "=="},
            {
                "name": "g:first",
                "version": "1.0",
                "ecosystem": "maven",
                "route": "jar",
                "file": "first-1.0.jar",
                "sha256": HASH,
            },
        ],
        sources=[
            {"name": "jq", "url": "https://example.com/jq.tar.gz", "sha256": HASH},
            {"name": "lib", "git": "https://example.com/lib.git", "commit": "c" * 40},
        ],
        licences=[{"package": "first", "version": "1.0", "license": "Apache-2.0", "texts": []}],
        image={"name": "lambda/python:3.13-arm64", "digest": f"sha256:{HASH}"},
        build_image={"name": "sam/build", "digest": None},
        homepage="https://example.com/thing",
    )


def complaint(bill: str) -> object:
    """Return what is wrong with a bill of materials by the schema of its format; None if nothing is."""
    from cyclonedx.schema import SchemaVersion  # what these need takes seconds, in each worker
    from cyclonedx.validation.json import JsonStrictValidator

    return JsonStrictValidator(SchemaVersion.V1_6).validate_str(bill)


def test_the_bill_of_materials_is_valid_complete_and_the_same_each_time() -> None:
    text = sbom.render(described())
    assert complaint(text) is None
    assert text == sbom.render(described())
    found = json.loads(text)
    assert "timestamp" not in found["metadata"]
    assert found["metadata"]["component"]["hashes"][0]["content"] == described().zip.sha256
    assert found["metadata"]["component"]["externalReferences"] == [
        {"type": "website", "url": "https://example.com/thing"}
    ]
    parts = {one["bom-ref"]: one for one in found["components"]}
    assert set(parts) == {
        *("pkg:pypi/new@1.0", "pkg:npm/%40s/older@2.0.0", "pkg:maven/g/first@1.0", "library:libz.so.1"),
        *("source:jq", "source:lib", "image:lambda/python:3.13-arm64", "build_image:sam/build"),
    }
    assert parts["pkg:maven/g/first@1.0"]["licenses"] == [{"license": {"id": "Apache-2.0"}}]
    assert parts["pkg:npm/%40s/older@2.0.0"]["hashes"][0] == {"alg": "SHA-512", "content": "00" * 64}
    assert parts["library:libz.so.1"]["purl"] == "pkg:rpm/amzn/zlib@1.2.11?distro=al2023"
    assert parts["source:jq"]["externalReferences"][0]["type"] == "source-distribution"
    assert parts["source:lib"]["version"] == "c" * 40
    assert parts["image:lambda/python:3.13-arm64"]["scope"] == "excluded"


def unordered(value: object) -> object:
    """Return JSON without the order of lists, and without what a library adds of its own."""
    if isinstance(value, dict):
        return {key: unordered(each) for key, each in value.items() if key != "timestamp"}
    if isinstance(value, list):
        return sorted(map(unordered, value), key=lambda each: json.dumps(each, sort_keys=True))
    return value


def test_the_library_of_the_format_writes_the_bill_as_it_reads_it() -> None:
    from cyclonedx.model.bom import Bom
    from cyclonedx.output.json import JsonV1Dot6

    ours = json.loads(sbom.render(described()))
    read = Bom.from_json(ours)  # type: ignore[attr-defined]
    assert unordered(json.loads(JsonV1Dot6(read).output_as_string())) == unordered(ours)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mit", {"license": {"id": "MIT"}}),
        ("GPL-2.0-or-later", {"license": {"id": "GPL-2.0-or-later"}}),
        ("mit or apache-2.0", {"expression": "mit or apache-2.0"}),
        ("(MIT OR GPL-2.0-only) AND BSD-3-Clause", {"expression": "(MIT OR GPL-2.0-only) AND BSD-3-Clause"}),
        ("Apache-2.0 WITH LLVM-exception", {"expression": "Apache-2.0 WITH LLVM-exception"}),
        ("Apache-2.0+", {"expression": "Apache-2.0+"}),
        ("LicenseRef-Own", {"expression": "LicenseRef-Own"}),
        ("BSD License", {"license": {"name": "BSD License"}}),
        ("MIT OR", {"license": {"name": "MIT OR"}}),
        ("MIT/X11", {"license": {"name": "MIT/X11"}}),
    ],
)
def test_a_licence_is_an_identifier_an_expression_or_a_name(text: str, said: dict[str, object]) -> None:
    packages = [{"name": "a", "version": "1", "ecosystem": "pypi", "route": "wheel", "file": "a.whl", "sha256": HASH}]
    row = {"package": "a", "version": "1", "license": text, "texts": []}
    bill = sbom.render(fleet.manifest("thing", "python3.13", "arm64", 1000, packages=packages, licences=[row]))
    assert complaint(bill) is None
    found = {each["bom-ref"]: each for each in json.loads(bill)["components"]}
    assert found["pkg:pypi/a@1"]["licenses"] == [said]


def test_each_identifier_is_one_of_the_format() -> None:
    from cyclonedx.spdx import is_supported_id
    from packaging.licenses import _spdx

    assert not [row["id"] for row in _spdx.LICENSES.values() if not is_supported_id(row["id"])]


def test_provenance_is_a_statement_with_every_input() -> None:
    found = provenance.statement(described(), "https://example.com/builder")
    assert found["_type"] == "https://in-toto.io/Statement/v1"
    assert found["predicateType"] == "https://slsa.dev/provenance/v1"
    assert found["subject"][0]["digest"] == {"sha256": described().zip.sha256}
    predicate = found["predicate"]
    assert predicate["runDetails"]["builder"]["id"] == "https://example.com/builder"
    digests = [one["digest"] for one in predicate["buildDefinition"]["resolvedDependencies"]]
    assert digests == [
        {"sha256": HASH},  # the image; the build image is not pinned
        {"sha256": HASH},
        {"gitCommit": "c" * 40},
        {"sha256": HASH},
        {"sha256": HASH},
    ]


# ---- as a user ------------------------------------------------------------------------------------------------------


@pytest.fixture
def work(tmp_path: Path, index: Index) -> Path:
    text = b"Permission is hereby granted\n"
    make_wheel(index.folder, "a", "1.0", files={"a-1.0.dist-info/licenses/LICENSE": text}, requires=("b",))
    make_wheel(index.folder, "b", "2.0")
    folder = tmp_path / "work"
    write_recipe(folder, "a", pip_recipe("a", "a=={version}"))
    result = layerwright("build", "a", "--provenance", "https://example.com/us", cwd=folder)
    assert result.code == 0, result.err
    return folder


def test_beside_a_zip_lie_manifest_bill_and_statement(work: Path) -> None:
    name = "a-1.0-python3.13-arm64"
    manifest = json.loads((work / "dist" / f"{name}.json").read_text(encoding="utf-8"))
    text = b"python/a-1.0.dist-info/licenses/LICENSE".decode()
    assert manifest["licences"] == [
        {"package": "a", "version": "1.0", "license": "MIT", "texts": [text]},
        {"package": "b", "version": "2.0", "license": "MIT", "texts": []},
    ]
    bill = (work / "dist" / f"{name}.cdx.json").read_text(encoding="utf-8")
    assert complaint(bill) is None
    packages = {one["name"]: one for one in json.loads(bill)["components"] if one["type"] == "library"}
    assert packages["a"]["licenses"] == [{"license": {"id": "MIT"}}]
    assert packages["a"]["hashes"][0]["content"] == manifest["packages"][0]["sha256"]
    statement = json.loads((work / "dist" / f"{name}.intoto.json").read_text(encoding="utf-8"))
    assert statement["subject"] == [{"name": f"{name}.zip", "digest": {"sha256": manifest["zip"]["sha256"]}}]


def test_what_was_there_already_is_vouched_for_as_well(work: Path) -> None:
    path = work / "dist" / "a-1.0-python3.13-arm64.intoto.json"
    path.unlink()
    again = layerwright("build", "a", "--provenance", "https://example.com/others", cwd=work)
    assert "unchanged" in again.out
    builder = json.loads(path.read_text(encoding="utf-8"))["predicate"]["runDetails"]["builder"]
    assert builder["id"] == "https://example.com/others"


def test_licences_are_listed_and_a_broken_policy_is_an_error(work: Path) -> None:
    listed = layerwright("licenses", cwd=work)
    assert listed.code == 0, listed.err
    assert "a        1.0      MIT" in listed.out
    as_json = layerwright("licenses", "--json", cwd=work)
    assert as_json.json["objections"] == []
    broken = layerwright("licenses", "--deny", "MIT", cwd=work)
    assert broken.code == 5
    assert "b 2.0: `MIT` is denied (a-1.0-python3.13-arm64.zip)" in broken.err
    texts = layerwright("licenses", "--texts", cwd=work)
    assert "Permission is hereby granted" in texts.out
    nothing = layerwright("licenses", "--output", "elsewhere", cwd=work)
    assert nothing.code == 3


def test_a_scanner_reads_the_bills_of_all_layers(work: Path, tmp_path: Path) -> None:
    scanner = tmp_path / "scanner"
    scanner.write_text(
        '#!/bin/sh\ngrep -q \'"name": "b"\' "$2" && { echo "CVE-2026-1 in b 2.0"; exit 1; }\necho fine\n'
    )
    scanner.chmod(0o755)
    found = layerwright("nightly", "--json", "--scan", f"{scanner} -f {{sbom}}", cwd=work)
    assert found.code == 5, found.err
    assert found.json["scans"] == {"a-python3.13-arm64": ["CVE-2026-1 in b 2.0"]}
    assert "a-python3.13-arm64 does not pass the scanner: CVE-2026-1 in b 2.0" in found.err
    assert "CVE-2026-1 in b 2.0" in (work / "dist" / "report" / "summary.md").read_text(encoding="utf-8")
    # Without a change of the layer the advisories may have changed: it is scanned again.
    again = layerwright("nightly", "--json", "--scan", "true", cwd=work)
    assert (again.code, again.json["scans"]) == (0, {})
    missing = layerwright("nightly", "--rebuild", "--scan", "no-such-scanner --fast", cwd=work)
    assert (missing.code, "to build" in missing.err) == (2, False)  # before anything is done
    assert "there is no program `no-such-scanner`" in missing.err
