"""Upstream's files: fetched once, resumed, verified; commits of repositories; credentials for those who want them."""

import functools
import hashlib
import http.server
import io
import re
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from builder.base import archives, credentials, fetch
from builder.base.errors import BuildError, UsageError
from builder.packages import sources
from builder.packages.pypi import sdist

DATA = bytes(range(256)) * 4000
SHA = hashlib.sha256(DATA).hexdigest()


@dataclass
class Server:
    """Serves DATA, breaking off as often as a test wants."""

    port: int = 0
    breaks: int = 0
    ranges: bool = True
    status: int = 200
    asked: list[tuple[str | None, str | None]] = field(default_factory=list)
    """`Range` and `Authorization` of each request."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/thing-1.0.tar.gz"


@contextmanager
def serving() -> Iterator[Server]:
    state = Server()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            state.asked.append((wanted, self.headers.get("Authorization")))
            if state.status != 200:
                self.send_error(state.status)
                return
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and state.ranges else 0
            if start >= len(DATA):
                self.send_error(416)
                return
            body = DATA[start:]
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(DATA) - 1}/{len(DATA)}")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if state.breaks:
                state.breaks -= 1
                body = body[: len(body) // 2]
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield state
        server.shutdown()


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("LAYERWRIGHT_CACHE", str(tmp_path / "cache"))
    with serving() as running:
        yield running


def test_a_source_is_fetched_once_and_verified(server: Server) -> None:
    path = sources.archive(server.url, SHA)
    assert path.read_bytes() == DATA
    assert sources.archive(server.url, SHA) == path
    assert len(server.asked) == 1


def test_a_break_is_resumed_where_it_broke_off(server: Server) -> None:
    server.breaks = 2
    assert sources.archive(server.url, SHA).read_bytes() == DATA
    half = len(DATA) // 2
    assert [asked for asked, _ in server.asked] == [None, f"bytes={half}-", f"bytes={half + half // 2}-"]


def test_a_server_without_ranges_sends_all_of_it_again(server: Server) -> None:
    server.breaks, server.ranges = 1, False
    assert sources.archive(server.url, SHA).read_bytes() == DATA
    assert len(server.asked) == 2


def test_a_left_over_that_is_too_long_is_thrown_away(server: Server) -> None:
    fetch.store().mkdir(parents=True)
    (fetch.store() / f"{SHA}.partial").write_bytes(DATA + b"more")
    assert sources.archive(server.url, SHA).read_bytes() == DATA


def test_a_break_that_does_not_end_is_an_error_and_what_came_is_kept(server: Server) -> None:
    server.breaks = 9
    with pytest.raises(UsageError, match=r"thing-1\.0\.tar\.gz could not be fetched"):
        sources.archive(server.url, SHA)
    assert not (fetch.store() / SHA).exists()
    server.breaks = 0
    before = len(server.asked)
    assert sources.archive(server.url, SHA).read_bytes() == DATA
    assert server.asked[before][0] is not None


def test_another_file_than_the_recipe_says_is_refused_and_not_kept(server: Server) -> None:
    with pytest.raises(BuildError, match="hash mismatch") as caught:
        sources.archive(server.url, "0" * 64)
    assert f"received  sha256:{SHA}" in str(caught.value)
    assert caught.value.exit_code == 4
    assert not list(fetch.store().glob("0*"))


@pytest.mark.parametrize("status", [404, 410])
def test_a_source_that_is_gone_says_where_a_copy_would_be_taken_from(server: Server, status: int) -> None:
    server.status = status
    with pytest.raises(BuildError, match="no longer exists at its address") as caught:
        sources.archive(server.url, SHA)
    assert caught.value.hint is not None
    place = Path(caught.value.hint.rpartition(" at ")[2])
    place.write_bytes(DATA)
    assert sources.archive(server.url, SHA).read_bytes() == DATA
    place.write_bytes(b"damaged")
    server.status = 200
    assert sources.archive(server.url, SHA).read_bytes() == DATA


def test_a_server_that_is_not_there_is_told(server: Server) -> None:
    with pytest.raises(UsageError, match=r"^a\.tar\.gz could not be fetched") as caught:
        sources.archive("http://someone:pa55@127.0.0.1:9/a.tar.gz?token=tok3n", SHA)
    assert "pa55" not in str(caught.value)
    assert "tok3n" not in str(caught.value)
    assert server.asked == []


# ---- repositories --------------------------------------------------------------------------------------------------


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, str]]:
    """Serve a repository over plain HTTP; give its url and its first commit."""
    monkeypatch.setenv("LAYERWRIGHT_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "served"
    root.mkdir()

    def git(*arguments: str) -> str:
        who = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")
        done = subprocess.run(
            ["git", *who, "-C", str(root), *arguments], capture_output=True, encoding="utf-8", check=True
        )
        return done.stdout.strip()

    git("init", "--quiet")
    for text in ("first", "second"):
        (root / "file.txt").write_text(text)
        git("add", ".")
        git("commit", "--quiet", "-m", text)
    first = git("rev-parse", "HEAD~1")
    git("update-server-info")

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Handler, directory=str(root / ".git"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/", first
        server.shutdown()


def test_a_commit_comes_as_a_tar_and_the_same_each_time(repository: tuple[str, str]) -> None:
    url, first = repository
    path = sources.commit(url, first)
    before = path.read_bytes()
    with tarfile.open(path) as archive:
        stream = archive.extractfile("source/file.txt")
        assert stream is not None
        assert stream.read() == b"first"
    path.unlink()
    assert sources.commit(url, first).read_bytes() == before


def test_a_commit_that_is_not_there_is_told(repository: tuple[str, str]) -> None:
    with pytest.raises(BuildError, match="git could not fetch"):
        sources.commit(repository[0], "0" * 40)
    assert not list(fetch.store().glob("*.tar"))


# ---- sdists and credentials ----------------------------------------------------------------------------------------


def test_a_zip_becomes_a_tar_with_its_modes(tmp_path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a-1/PKG-INFO", "Metadata-Version: 2.1\nName: a\nRequires-Dist: b>=1 ; extra == 'x'\n")
        info = zipfile.ZipInfo("a-1/configure")
        info.external_attr = 0o755 << 16
        archive.writestr(info, "#!/bin/sh\n")
    sdist.as_tar(tmp_path / "a.zip", tmp_path / "a.tar")
    with tarfile.open(tmp_path / "a.tar") as made:
        assert {member.name: member.mode for member in made} == {"a-1/PKG-INFO": 0o644, "a-1/configure": 0o755}
    assert sdist.requirements(tmp_path / "a.zip") == ["b>=1 ; extra == 'x'"]


PKG = "a-1/PKG-INFO"
INFO = b"Metadata-Version: 2.1\nName: a\nVersion: 1\n"


def sdist_of(*members: tuple[str, bytes, bytes]) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as made:
        for name, data, kind in members:
            info = tarfile.TarInfo(name)
            info.type, info.size = kind, len(data) if kind == tarfile.REGTYPE else 0
            info.linkname = "" if kind == tarfile.REGTYPE else "/etc/passwd"
            made.addfile(info, io.BytesIO(data))
    return raw.getvalue()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"hello", "invalid header|truncated|empty|bad"),
        (sdist_of((PKG, INFO, tarfile.REGTYPE))[:60], "ended before|end of|unexpected"),
        (sdist_of((PKG, bytes(9 << 20), tarfile.REGTYPE)), "PKG-INFO has more than 8 MB"),
        (sdist_of((PKG, INFO + b"Requires-Dist: a\x1b[31m\n", tarfile.REGTYPE)), "characters that are not shown"),
    ],
    ids=["no archive", "cut", "large", "controls"],
)
def test_an_sdist_that_cannot_be_read_is_told(tmp_path: Path, data: bytes, why: str) -> None:
    (tmp_path / "a.tar.gz").write_bytes(data)
    with pytest.raises(archives.FAULTS) as raised:
        sdist.requirements(tmp_path / "a.tar.gz")
    error = sdist.unreadable("a-1.tar.gz", raised.value)
    assert (error.what, error.exit_code) == ("a-1.tar.gz cannot be read", 4)
    assert re.search(why, error.why[0])


def test_an_encrypted_zip_is_told(tmp_path: Path) -> None:
    import zipfile

    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as made:
        made.writestr(PKG, INFO)
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.rindex(b"PK\1\2") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(archives.FAULTS, match="encrypted"):
        sdist.requirements(path)
    with pytest.raises(BuildError, match=r"a\.zip cannot be read"):
        sdist.as_tar(path, tmp_path / "a.tar")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_metadata_that_is_no_file_is_left_out(tmp_path: Path, kind: bytes) -> None:
    (tmp_path / "a.tar.gz").write_bytes(sdist_of((PKG, b"", kind)))
    assert sdist.requirements(tmp_path / "a.tar.gz") == []


def test_sections_of_requires_txt(tmp_path: Path) -> None:
    text = b" x\n  y>=1\n# no\n\n[extra]\nz\n[:python_version<'3']\nw\n[e:m]\nv\n[\n=\n"
    (tmp_path / "a.tar.gz").write_bytes(sdist_of(("a-1/a.egg-info/requires.txt", text, tarfile.REGTYPE)))
    assert sdist.requirements(tmp_path / "a.tar.gz") == [
        "x", "y>=1", 'z ; extra == "extra"', "w ; (python_version<'3')", 'v ; (m) and extra == "e"', "=",
    ]  # fmt: skip


def test_passwords_go_to_their_own_host_only(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"http://me:p%40ss@127.0.0.1:{server.port}/simple")
    monkeypatch.setenv("UV_INDEX", "inner=https://inner.example/simple")
    monkeypatch.setenv("UV_INDEX_INNER_USERNAME", "you")
    monkeypatch.setenv("UV_INDEX_INNER_PASSWORD", "s:e/c")
    (tmp_path / "netrc").write_text("machine files.example login us password them\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    sources.archive(server.url, SHA)
    assert server.asked[0][1] == "Basic bWU6cEBzcw=="
    assert credentials.header("https://inner.example/files/a.tar.gz") == {"Authorization": "Basic eW91OnM6ZS9j"}
    assert credentials.header("https://files.example/a") == {"Authorization": "Basic dXM6dGhlbQ=="}
    for other in ("https://other.example/a", "http://inner.example/a", f"http://127.0.0.1:{server.port + 1}/a"):
        assert credentials.header(other) == {}
    assert credentials.without("https://u:p@h:1/x?y#z") == "https://h:1/x?y#z"
