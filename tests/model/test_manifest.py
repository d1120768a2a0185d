"""Manifests of the catalogue, as version 1 of the format has them, and damaged ones."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from builder.layer import manifest
from builder.model.manifest import Manifest, PulledManifest, document, parse, parse_any

FOLDER = Path(__file__).parent / "manifests"
KEPT = sorted(FOLDER.glob("*.json"))
"""Wheels, npm, jars and copied files of the catalogue; `thing` has every optional key and row."""
THING = FOLDER / "thing-1.2.3-python3.13-arm64.json"
PULLED: dict[str, Any] = {
    "version": 1,
    "arn": "arn:aws:lambda:eu-west-1:123456789012:layer:numpy:7",
    "name": "numpy",
    "layer_version": "7",
    "target": "numpy-7",
    "description": "",
    "license": "",
    "runtimes": [],
    "architectures": [],
    "zip": {"path": "numpy-7.zip", "bytes": 1, "sha256": "0" * 64, "code_sha256": "A" * 43 + "="},
}
MISSING = object()


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_reading_and_writing_gives_the_same_bytes(path: Path) -> None:
    found = manifest.read(path)
    assert found
    assert manifest.render(found).encode() == path.read_bytes()
    assert found == manifest.beside(path.with_suffix(".zip")) == manifest.of_any(path.with_suffix(".zip"))


def test_the_homepage_is_the_last_key_and_the_only_one_that_was_added() -> None:
    """Version 1 as it was, and one line more where the recipe has a homepage."""
    found = manifest.read(THING)
    assert found
    text = manifest.render(dataclasses.replace(found, homepage="https://example.com"))
    before = THING.read_text(encoding="utf-8")
    assert text == before.removesuffix("\n}\n") + ',\n  "homepage": "https://example.com"\n}\n'


def test_a_pulled_manifest_has_less_and_is_not_one_of_a_build(tmp_path: Path) -> None:
    text = manifest.text(PULLED)
    found = parse_any(text.encode())
    assert isinstance(found, PulledManifest)
    assert manifest.render(found) == text
    (tmp_path / "numpy-7.json").write_text(text, encoding="utf-8")
    assert manifest.beside(tmp_path / "numpy-7.zip") is None
    assert manifest.of_any(tmp_path / "numpy-7.zip") == found


def test_a_manifest_that_is_not_there_is_none(tmp_path: Path) -> None:
    assert manifest.read(tmp_path) is None
    assert manifest.beside(tmp_path / "a.zip") is None
    assert manifest.of_any(tmp_path / "a.zip") is None


@pytest.mark.parametrize("text", ["", "[]", "null", "{", '{"version": 1}', "\xff", '{"version": 1, "zip": {}}'])
def test_another_document_is_none(text: str) -> None:
    assert parse_any(text.encode("latin-1")) is None


def changed(path: tuple[Any, ...], value: Any) -> bytes:
    """Return the manifest `thing` with one value replaced or left out."""
    found = json.loads(THING.read_text(encoding="utf-8"))
    inner = found
    for key in path[:-1]:
        inner = inner[key]
    if value is MISSING:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return json.dumps(found).encode()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("version",), 2),
        (("version",), "1"),
        (("name",), "../other"),
        (("name",), "a/b"),
        (("name",), "a\\b"),
        (("name",), "a\nb"),
        (("name",), ""),
        (("name",), None),
        (("target",), "/tmp/a"),  # noqa: S108
        (("target",), ".."),
        (("layer_version",), "1\x1b[31m"),
        (("runtimes",), "python3.13"),
        (("runtimes", 0), 3.13),
        (("runtimes", 0), "python\u20283"),
        (("locked",), "yes"),
        (("zip",), None),
        (("zip", "path"), "../a.zip"),
        (("zip", "bytes"), "12"),
        (("zip", "bytes"), -1),
        (("zip", "bytes"), 1.5),
        (("zip", "sha256"), "0" * 63),
        (("zip", "sha256"), "G" * 64),
        (("zip", "sha256"), "0" * 64 + "\n"),
        (("zip", "sha256"), MISSING),
        (("zip", "code_sha256"), "0" * 64),
        (("unzipped_bytes",), None),
        (("abi",), {}),
        (("abi", "glibc"), 2.34),
        (("packages",), MISSING),
        (("packages",), {}),
        (("packages", 0, "name"), "../../etc"),
        (("packages", 0, "name"), "/etc"),
        (("packages", 0, "name"), "a\r\nb"),
        (("packages", 0, "file"), "../x.whl"),
        (("packages", 0, "version"), None),
        (("packages", 0, "sha256"), "abc"),
        (("packages", 0, "sha256"), MISSING),
        (("libraries", 0, "soname"), "../lib.so"),
        (("libraries", 0, "bytes"), "9"),
        (("sources", 0, "sha256"), "0"),
        (("sources", 1, "commit"), "main"),
        (("licences", 0), "MIT"),
        (("findings", 0, "severity"), "fatal"),
        (("findings",), MISSING),
        (("plan_digest",), "0"),
        (("plan_digest",), MISSING),
        (("image", "digest"), "md5:0"),
        (("image",), None),
        (("homepage",), "javascript:alert(1)"),
        (("homepage",), "https://example.com/\n"),
    ],
)
def test_a_damaged_manifest_is_none(path: tuple[Any, ...], value: Any) -> None:
    assert parse(THING.read_bytes())
    assert parse_any(changed(path, value)) is None


@pytest.mark.parametrize(("path", "value"), [(("zip", "sha256"), "0"), (("arn",), MISSING), (("name",), "a/b")])
def test_a_damaged_pulled_manifest_is_none(path: tuple[Any, ...], value: Any) -> None:
    found = json.loads(json.dumps(PULLED))
    inner = found[path[0]] if path[1:] else found
    if value is MISSING:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    assert parse_any(json.dumps(found).encode()) is None


@pytest.mark.parametrize("key", ["sources", "licences", "notes", "savings", "homepage"])
def test_a_manifest_from_before_a_key_was_added_is_read(key: str) -> None:
    found = json.loads(THING.read_text(encoding="utf-8"))
    found.pop(key, None)
    assert parse(json.dumps(found).encode())


def test_a_key_that_is_not_known_is_ignored() -> None:
    assert parse(changed(("later",), {"a": 1})) == parse(THING.read_bytes())


def test_a_manifest_cannot_be_changed() -> None:
    found = parse(THING.read_bytes())
    assert found
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.name = "other"  # type: ignore[misc]


def test_rows_leave_out_what_they_do_not_have() -> None:
    found = parse(THING.read_bytes())
    assert isinstance(found, Manifest)
    assert "integrity" not in document(found.packages[0])
    assert document(found.libraries[1]).keys() == {"soname", "path", "by", "bytes"}
    assert document(found)["packages"][3]["sha256"] is None
