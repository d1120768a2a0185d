"""Downloads by SHA-256: what of a server's faults is mended, and which error the rest becomes."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from kit.raw_server import Answer, RawServer, answering, chunked, endless, response

from builder.base import fetch
from builder.base.errors import BuildError, UnreachableError, UsageError
from builder.base.retries import Backoff
from builder.base.transfer import DOWNLOAD

DATA = bytes(range(256)) * 1000
SHA = hashlib.sha256(DATA).hexdigest()
OTHER = bytes(reversed(range(256))) * 1000
HALF = len(DATA) // 2
QUICK = replace(DOWNLOAD, backoff=Backoff(attempts=3, first=0.01), total=20.0, idle=5.0, unannounced=1 << 20)
CUT = response(OTHER)[: -len(OTHER) + HALF]
REST = response(DATA[HALF:], f"Content-Range: bytes {HALF}-{len(DATA) - 1}/{len(DATA)}", status="206 Partial Content")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LAYERWRIGHT_CACHE", str(tmp_path / "cache"))


def cached(server: RawServer) -> bytes:
    return fetch.cached(
        f"{server.url.replace('//', '//alice:s3cret@')}/a?key=tok3n", SHA, "a", limits=QUICK
    ).read_bytes()


def left() -> list[str]:
    return [path.name for path in fetch.store().iterdir() if not path.name.endswith(".lock")]


@pytest.mark.parametrize(
    "first",
    [response(b"", "Retry-After: 0", status="503 Busy"), b"garbage\r\n\r\n", chunked(DATA[:99], end=b"ff\r\nx")],
    ids=["503", "garbage", "cut chunk"],
)
def test_a_fault_in_passing_is_not_noticed(first: bytes) -> None:
    with answering(first, response(DATA)) as server:
        assert cached(server) == DATA
    assert left() == [SHA]


def test_a_file_of_two_versions_is_fetched_again_as_a_whole() -> None:
    """The server gives no version of the file, so only the hash tells that it changed between two responses."""
    with answering(CUT, REST, response(DATA)) as server:
        assert cached(server) == DATA
        assert ["range" in asked.headers for asked in server.asked] == [False, True, False]


def test_what_an_earlier_process_left_of_another_file_does_no_harm() -> None:
    fetch.store().mkdir(parents=True)
    (fetch.store() / f"{SHA}.partial").write_bytes(OTHER[:HALF])
    with answering(REST, response(DATA)) as server:
        assert cached(server) == DATA


@pytest.mark.parametrize(
    ("answer", "kind", "reason", "kept"),
    [
        (response(status="502 Bad Gateway"), UnreachableError, "502 Bad Gateway", []),
        (response(status="429 Too Many Requests"), UnreachableError, "429 Too Many Requests", []),
        (response(status="403 Forbidden"), UsageError, "403 Forbidden", []),
        (response(status="404 Not Found"), BuildError, "404 Not Found", []),
        (response(b"", "Location: file:///etc/hostname", status="302 Found"), UsageError, "only http and https", []),
        (response(OTHER), BuildError, "announced sha256:", []),
        (CUT, UnreachableError, f"the connection was lost after {HALF} bytes", [f"{SHA}.partial"]),
        (endless(b"HTTP/1.1 200 OK\r\n\r\n", bytes(9999)), UsageError, "the body is larger than 1 MiB", []),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n", UsageError, "is larger than 8192 MiB", []),
        (b"220 smtp ready\r\n", UnreachableError, "the server does not speak HTTP: it sends '220 smtp", []),
    ],
    ids=["502", "429", "403", "404", "file", "hash", "cut", "endless", "announced", "garbage"],
)
def test_each_fault_has_its_error(answer: Answer, kind: type[Exception], reason: str, kept: list[str]) -> None:
    with answering(answer) as server, pytest.raises(kind) as caught:
        cached(server)
    assert type(caught.value) is kind
    assert reason in str(caught.value)
    assert f"{server.url}/a?…" in str(caught.value)
    assert not any(secret in str(caught.value) for secret in ("alice", "s3cret", "tok3n"))
    assert left() == kept


@pytest.mark.parametrize("address", [Path.as_uri, lambda path: path.as_uri().replace("a%20b", "a b")])
def test_a_file_of_this_host_is_copied(address: Callable[[Path], str], tmp_path: Path) -> None:
    """An index may be a folder, whose files uv names so."""
    path = tmp_path / "a b.whl"
    path.write_bytes(DATA)
    assert fetch.cached(address(path), SHA, "a").read_bytes() == DATA


def test_a_file_of_this_host_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="no longer exists at its address"):
        fetch.cached((tmp_path / "gone").as_uri(), SHA, "a")
