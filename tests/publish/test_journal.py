"""Formats on disk: documents written by earlier releases stay readable, and new ones have the same keys."""

import json
from pathlib import Path

import pytest
from kit import published
from kit.published import ACCOUNT, ORGANIZATION

from builder.base.errors import NothingSelectedError
from builder.publish import arn_book, journal
from builder.publish.arn_book import ArnEntry
from builder.publish.journal import Journal, PendingVersion, SavedRequest
from builder.publish.known_hashes import KnownHashes
from builder.publish.layer_version import InputZip, PublishOptions, gather

LAYER_KEYS = [
    *("name", "zip", "bytes", "sha256", "description", "license", "runtimes", "architectures", "regions", "share"),
    *("keep", "ssm", "recipe", "target"),
]


def test_the_request_on_disk(tmp_path: Path) -> None:
    path = published.layer(tmp_path)
    options = PublishOptions(regions=("us-east-1",), share=(ORGANIZATION,))
    request = SavedRequest(account=ACCOUNT, layers=gather([InputZip(zip=path)], options), bucket="acme-{region}")
    journal.save_request(tmp_path, request)
    document = json.loads((tmp_path / "publish" / "request.json").read_text(encoding="utf-8"))
    assert list(document) == ["account", "layers", "bucket", "reference", "finished", "version"]
    assert list(document["layers"][0]) == LAYER_KEYS
    assert document["layers"][0]["share"] == [{"text": ORGANIZATION}]
    assert journal.unfinished_request(tmp_path) == request


@pytest.mark.parametrize("text", ["", "{}", '{"account": "1", "layers": [], "version": 99}'])
def test_a_request_of_an_unknown_format_is_ignored(tmp_path: Path, text: str) -> None:
    path = tmp_path / "publish" / "request.json"
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")
    with pytest.raises(NothingSelectedError, match="no unfinished publish"):
        journal.unfinished_request(tmp_path)


def test_the_journal_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "publish" / "state" / ACCOUNT / "us-east-1.json"
    Journal(tmp_path, ACCOUNT, "us-east-1").begin("sample", PendingVersion(code_sha256="abc", known=3))
    document = {"begun": {"sample": {"code_sha256": "abc", "known": 3}}, "version": 1}
    assert json.loads(path.read_text(encoding="utf-8")) == document
    again = Journal(tmp_path, ACCOUNT, "us-east-1")
    assert again.pending("sample", "abc") == PendingVersion(code_sha256="abc", known=3)
    assert again.pending("sample", "another") is None
    again.end("sample")
    again.close()
    assert json.loads(path.read_text(encoding="utf-8"))["begun"] == {}


def test_the_book_on_disk(tmp_path: Path) -> None:
    entry = ArnEntry(
        account=ACCOUNT,
        region="us-east-1",
        layer="sample",
        arn=f"arn:aws:lambda:us-east-1:{ACCOUNT}:layer:sample:1",
        number=1,
        code_sha256="abc",
        recipe="sample",
        target="sample-1.0",
        runtimes=("python3.13",),
        architectures=("arm64",),
    )
    arn_book.add(tmp_path, [entry])
    document = json.loads((tmp_path / "publish" / "layers.json").read_text(encoding="utf-8"))
    assert list(document) == ["layers", "version"]
    assert list(document["layers"][0]) == [
        *("account", "region", "layer", "arn", "number", "code_sha256", "recipe", "target", "runtimes"),
        "architectures",
    ]
    assert arn_book.read(tmp_path) == (entry,)


def test_known_hashes_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAYERWRIGHT_CACHE", str(tmp_path))
    path = tmp_path / "published" / f"{ACCOUNT}-us-east-1.json"
    path.parent.mkdir()
    path.write_text('{"version": 1, "versions": {"arn:1": "abc"}}', encoding="utf-8")
    hashes = KnownHashes(ACCOUNT, "us-east-1")
    assert hashes.get("arn:1") == "abc"
    hashes.put("arn:2", "def")
    hashes.save()
    document = {"version": 1, "versions": {"arn:1": "abc", "arn:2": "def"}}
    assert json.loads(path.read_text(encoding="utf-8")) == document
