"""Formats on disk: documents written by earlier releases stay readable, and new ones have the same keys."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from kit import published
from kit.published import ACCOUNT, ORGANIZATION

from builder.base import notices
from builder.base.documents import NewerFormatError
from builder.base.errors import NothingSelectedError
from builder.publish import arn_book, journal
from builder.publish.arn_book import ArnEntry
from builder.publish.journal import Journal, PendingVersion, SavedRequest
from builder.publish.known_hashes import KnownHashes
from builder.publish.layer_version import InputZip, PublishOptions, gather

LAYER_KEYS = [
    *("name", "zip", "bytes", "sha256", "description", "license", "runtimes", "architectures", "regions", "share"),
    *("keep", "ssm", "recipe", "target", "environment"),
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


@pytest.mark.parametrize("text", ["", "{}", '{"account": "1", "layers": []}'])
def test_a_request_of_an_unknown_format_is_ignored(tmp_path: Path, text: str) -> None:
    path = tmp_path / "publish" / "request.json"
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")
    with pytest.raises(NothingSelectedError, match="no unfinished publish"):
        journal.unfinished_request(tmp_path)
    assert path.with_name("request.json.damaged").read_text(encoding="utf-8") == text
    assert "request.json is not a valid publish request, and was renamed" in notices.take()[0]


def test_what_a_newer_layerwright_wrote_is_refused_before_the_first_change(tmp_path: Path) -> None:
    for name in ("request.json", "layers.json"):
        path = tmp_path / "publish" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text('{"account": "1", "layers": [], "version": 99}', encoding="utf-8")
        with pytest.raises(NewerFormatError, match="written by a newer layerwright"):
            journal.unfinished_request(tmp_path) if name == "request.json" else arn_book.read(tmp_path)
        assert "99" in path.read_text(encoding="utf-8")


def test_known_hashes_of_a_newer_layerwright_are_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAYERWRIGHT_CACHE", str(tmp_path))
    path = tmp_path / "published" / f"{ACCOUNT}-us-east-1.json"
    path.parent.mkdir()
    path.write_text('{"version": 2, "hashes": []}', encoding="utf-8")
    hashes = KnownHashes(ACCOUNT, "us-east-1")
    hashes.put("arn:1", "abc")
    hashes.save()
    assert hashes.get("arn:1") == "abc"
    assert path.read_text(encoding="utf-8") == '{"version": 2, "hashes": []}'
    assert "neither used nor changed" in notices.take()[0]


def test_two_publishes_at_once_keep_what_the_other_began(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAYERWRIGHT_CACHE", str(tmp_path / "cache"))
    one, other = (Journal(tmp_path, ACCOUNT, "us-east-1") for _ in range(2))
    first, second = (PendingVersion(code_sha256=text, known=0) for text in ("abc", "def"))
    one.begin("first", first)
    other.begin("second", second)
    assert Journal(tmp_path, ACCOUNT, "us-east-1").pending("first", "abc") == first
    one.end("first")
    one.close()
    left = Journal(tmp_path, ACCOUNT, "us-east-1")
    assert (left.pending("first", "abc"), left.pending("second", "def")) == (None, second)
    hashes = [KnownHashes(ACCOUNT, "us-east-1") for _ in range(2)]
    for number, known in enumerate(hashes):
        known.put(f"arn:{number}", "abc")
    for known in hashes:
        known.save()
    merged = KnownHashes(ACCOUNT, "us-east-1")
    assert [merged.get(f"arn:{number}") for number in range(2)] == ["abc", "abc"]


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


def test_a_book_with_the_marks_of_a_merge_is_kept_beside_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "publish" / "layers.json"
    path.parent.mkdir()
    path.write_text("<<<<<<< HEAD\n{", encoding="utf-8")
    arn_book.add(tmp_path, [entry(1)])
    assert arn_book.read(tmp_path) == (entry(1),)
    assert path.with_name("layers.json.damaged").read_text(encoding="utf-8") == "<<<<<<< HEAD\n{"
    assert "not a valid ARN book" in notices.take()[0]


def test_publishes_at_once_are_all_in_the_book_and_its_table(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: arn_book.add(tmp_path, [entry(number)]), range(12)))
    assert arn_book.read(tmp_path) == tuple(entry(number) for number in sorted(range(12), key=str))
    assert (tmp_path / "publish" / "layers.md").read_text(encoding="utf-8") == arn_book.markdown(
        arn_book.read(tmp_path)
    )


def entry(number: int) -> ArnEntry:
    return ArnEntry(
        account=ACCOUNT,
        region="us-east-1",
        layer=f"sample{number}",
        arn=f"arn:aws:lambda:us-east-1:{ACCOUNT}:layer:sample{number}:1",
        number=1,
        code_sha256="abc",
        recipe="sample",
        target="sample-1.0",
        runtimes=("python3.13",),
        architectures=("arm64",),
    )


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
