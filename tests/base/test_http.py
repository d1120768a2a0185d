"""The HTTP client against servers that misbehave at the level of sockets: it ends in time, and says why."""

import base64
import email.utils
import resource
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from kit import tls
from kit.raw_server import Answer, RawServer, answering, chunked, endless, response

from builder.base import http, http_transport
from builder.base.errors import UnreachableError, UsageError
from builder.base.retries import Backoff
from builder.base.transfer import DOCUMENT, DOWNLOAD, HttpError

QUICK = replace(DOCUMENT, backoff=Backoff(attempts=3, first=0.01, longest=2.0), total=20.0, connect=5.0, idle=5.0)
ONCE = replace(QUICK, backoff=Backoff(attempts=1))
OK = b"HTTP/1.1 200 OK\r\n"
LENGTHS = b"HTTP/1.1 200 OK\r\nContent-Length: "
DATA = bytes(range(256)) * 1000
SECRETS = ("s3cret", "tok3n", "alice")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / "file.partial"


def failed(url: str, limits: object = QUICK) -> HttpError:
    with pytest.raises(HttpError) as caught:
        http.read(url, limits=limits)  # type: ignore[arg-type]
    return caught.value


def flaky(*first: Answer) -> list[Answer]:
    return [*first, response(b"good")]


# ---- answers in passing --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "bad",
    {
        "503": response(status="503 Service Unavailable"),
        "429": response(status="429 Too Many Requests"),
        "408": response(status="408 Request Timeout"),
        "cut chunked body": chunked(b"go", end=b"5\r\nod"),
        "chunked body without an end": chunked(b"go", end=b""),
        "chunks that are none": OK + b"Transfer-Encoding: chunked\r\n\r\nZZZ\r\nxx",
        "length too long": LENGTHS + b"9\r\n\r\ngood",
        "garbage status line": b"what is this\r\n\r\n",
        "another protocol": b"HTTP/9.9 xyz\r\n\r\n",
        "no answer": b"",
        "half a header": b"HTTP/1.1 200 OK\r\nContent-Le",
        "a part that was not asked for": response(b"oo", "Content-Range: bytes 1-2/4", status="206 Partial Content"),
    }.items(),
    ids=lambda pair: pair[0],
)
def test_what_is_broken_is_asked_for_again(bad: tuple[str, bytes]) -> None:
    with answering(*flaky(bad[1], bad[1])) as server:
        assert http.read(server.url, limits=QUICK) == b"good"
        assert len(server.asked) == 3


def test_a_reset_connection_is_asked_for_again() -> None:
    def reset(connection: socket.socket) -> None:
        connection.sendall(LENGTHS + b"4\r\n\r\ngo")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()

    with answering(*flaky(reset)) as server:
        assert http.read(server.url, limits=QUICK) == b"good"


@pytest.mark.parametrize(
    "value", ["1", lambda: email.utils.formatdate(time.time() + 4, usegmt=True)], ids=["seconds", "date"]
)
def test_retry_after_is_waited_for(value: object) -> None:
    header = f"Retry-After: {value() if callable(value) else value}"
    busy = response(b"", header, status="503 Service Unavailable")
    with answering(*flaky(busy)) as server:
        began = time.monotonic()
        assert http.read(server.url, limits=QUICK) == b"good"
        assert 0.9 <= time.monotonic() - began < 15


def test_retry_after_has_a_cap_and_odd_values_of_it_mean_nothing() -> None:
    busy = response(b"", "Retry-After: 86400", status="429 Too Many Requests")
    limits = replace(QUICK, backoff=Backoff(attempts=3, first=0.01, longest=0.3))
    with answering(*flaky(busy)) as server:
        began = time.monotonic()
        assert http.read(server.url, limits=limits) == b"good"
        assert 0.25 < time.monotonic() - began < 10
    for odd in ("", "soon", "-1", "1.5", "Wed, 99 Foo", "²"):
        assert http.retry_after(odd, 0.0) == 0.0
    assert http.retry_after("Thu, 01 Jan 1970 00:00:10 GMT", 4.0) == 6.0
    assert http.retry_after("Thu, 01 Jan 1970 00:00:10 GMT", 40.0) == 0.0


def test_a_pause_that_the_time_does_not_allow_is_not_begun() -> None:
    busy = response(b"", "Retry-After: 30", status="503 Service Unavailable")
    with answering(busy) as server:
        began = time.monotonic()
        error = failed(server.url, replace(QUICK, backoff=Backoff(attempts=3), total=15.0))
        assert time.monotonic() - began < 15
    assert "503 Service Unavailable" in str(error)
    assert error.passing


def test_after_the_last_attempt_the_server_counts_as_unreachable() -> None:
    with answering(response(status="502 Bad Gateway")) as server:
        error = failed(server.url)
        assert len(server.asked) == 3
    assert isinstance(error.translated("the index did not respond", "wait"), UnreachableError)
    assert str(error) == f"{server.url}: 502 Bad Gateway"


@pytest.mark.parametrize(
    "status", ["400 Bad Request", "401 Unauthorized", "403 Forbidden", "404 Not Found", "410 Gone"]
)
def test_a_refusal_is_final(status: str) -> None:
    with answering(response(status=status)) as server:
        error = failed(server.url)
        assert len(server.asked) == 1
    assert error.gone == status.startswith(("404", "410"))
    told = error.translated("no", "hint")
    assert isinstance(told, UsageError)
    assert not isinstance(told, UnreachableError)


def test_reasons_are_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}/"
    assert str(failed(nobody, ONCE)) == f"{nobody}: no connection: Connection refused"
    assert "the name of the host cannot be resolved" in str(failed("http://nobody.invalid/", ONCE))
    for answer, reason in {
        b"": "the connection was closed without a response",
        b"SSH-2.0-x\x1b[31m\r\n": r"the server does not speak HTTP: it sends 'SSH-2.0-x\x1b[31m",
        chunked(b"x", end=b"!\r\n"): "the body is not chunked as announced",
        chunked(b"x", end=b"9\r\nx"): "the connection was lost in the middle of the body",
        LENGTHS + b"9\r\n\r\nxyz": "the connection was lost after 3 bytes of the body",
    }.items():
        with answering(answer) as server:
            assert reason in str(failed(server.url, ONCE))


# ---- bounds --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("head", [OK + b"\r\n", OK + b"Transfer-Encoding: chunked\r\n\r\n"], ids=["plain", "chunked"])
def test_a_body_for_ever_ends_at_the_limit_of_size(head: bytes, part: Path) -> None:
    block = b"10000\r\n" + bytes(1 << 16) + b"\r\n" if b"chunked" in head else bytes(1 << 16)
    limits = replace(QUICK, unannounced=8 << 20)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with answering(endless(head, block)) as server:
        error = failed(server.url, limits)
        with pytest.raises(HttpError, match=r"the body is larger than 8 MiB"):
            http.download(server.url, part, limits=limits)
        assert len(server.asked) == 2
    assert "the body is larger than 8 MiB" in str(error)
    assert not error.passing
    assert not part.exists()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10


def test_a_body_that_is_announced_too_large_is_not_begun(part: Path) -> None:
    with answering(LENGTHS + b"99999999999999\r\n\r\n" + bytes(1000)) as server:
        for get in (lambda: http.read(server.url), lambda: http.download(server.url, part)):
            with pytest.raises(HttpError, match="the body is larger than"):
                get()


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nX: ",
        LENGTHS + b"1000\r\n\r\n",
        OK + b"\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\nffff\r\n",
    ],
    ids=["status", "header", "body", "body without length", "size of a chunk", "chunk"],
)
def test_one_byte_at_a_time_ends_with_the_time_of_the_request(head: bytes) -> None:
    """Each byte is in time for the socket, so only a limit for all of them helps."""
    with answering(endless(head, b"1", pause=0.05)) as server:
        began = time.monotonic()
        error = failed(server.url, replace(QUICK, total=0.5))
        assert time.monotonic() - began < 10
    assert "it took longer than 0.5 s" in str(error)
    assert isinstance(error.translated("", ""), UnreachableError)


def test_one_byte_at_a_time_is_a_broken_transfer_before_that() -> None:
    slow = endless(LENGTHS + b"1000\r\n\r\n", b"1", pause=0.05)
    with answering(*flaky(slow, slow)) as server:
        assert http.read(server.url, limits=replace(QUICK, window=0.3)) == b"good"
        assert len(server.asked) == 3
    with answering(slow) as server:
        assert "the server sent only" in str(failed(server.url, replace(ONCE, window=0.3)))


def test_a_server_may_think_before_it_answers_with_little() -> None:
    def late(connection: socket.socket) -> None:
        time.sleep(0.3)
        connection.sendall(response(b"good"))

    with answering(late) as server:
        assert http.read(server.url, limits=replace(ONCE, window=0.1)) == b"good"


def test_silence_is_a_broken_transfer() -> None:
    with answering(*flaky(lambda _: time.sleep(3))) as server:
        assert http.read(server.url, limits=replace(QUICK, idle=0.7)) == b"good"
    with answering(lambda _: time.sleep(3)) as server:
        assert "nothing was received for 0.2 s" in str(failed(server.url, replace(ONCE, idle=0.2)))


@pytest.mark.parametrize(
    ("head", "block"),
    [
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
        (chunked(b"x"), b"X: y\r\n" * 10000),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1;" + b"x" * 5000 + b"\r\ny\r\n"),
    ],
    ids=["100 Continue", "trailers", "extensions of chunks"],
)
def test_what_never_becomes_a_body_ends_too(head: bytes, block: bytes) -> None:
    head = head.removesuffix(b"\r\n") if head.endswith(b"0\r\n\r\n") else head
    with answering(endless(head, block)) as server:
        error = failed(server.url, ONCE)
    assert "the server sends something other than the body" in str(error)


def test_chunks_of_one_byte_are_slow_and_whole(part: Path) -> None:
    with answering(chunked(*(bytes([byte]) for byte in DATA))) as server:
        http.download(server.url, part, limits=QUICK)
    assert part.read_bytes() == DATA


def test_a_length_that_is_too_short_cuts_the_body_and_spoils_no_later_answer() -> None:
    with answering(LENGTHS + b"2\r\n\r\ngood", response(b"second")) as server:
        server.keep = True
        assert http.read(server.url, limits=QUICK) == b"go"
        assert http.read(server.url, limits=QUICK) == b"second"


# ---- connections ---------------------------------------------------------------------------------------------------


def test_connections_are_used_again() -> None:
    with answering(response(b"good")) as server:
        server.keep = True
        for _ in range(5):
            assert http.read(f"{server.url}/a#fragment", limits=QUICK) == b"good"
        assert server.connections == 1
        assert {asked.line for asked in server.asked} == {"GET /a HTTP/1.1"}


def test_a_kept_connection_that_was_closed_is_opened_again() -> None:
    with answering(response(b"good")) as server:
        for _ in range(3):
            assert http.read(server.url, limits=QUICK) == b"good"
        assert server.connections == 3


def test_the_client_costs_nothing_before_the_first_request() -> None:
    for arguments in ("--help", "lint --help", "runtimes"):
        program = f"import sys; sys.argv[1:] = {arguments.split()!r}\nfrom builder.__main__ import main\n"
        program += "try: main()\nexcept SystemExit: pass\n"
        program += "print([name for name in ('urllib3', 'tenacity', 'certifi') if name in sys.modules])"
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[-1] == "[]", arguments


# ---- redirects and credentials -------------------------------------------------------------------------------------


def moved(location: str, status: str = "302 Found") -> bytes:
    return response(b"", f"Location: {location}", status=status)


@pytest.fixture
def elsewhere() -> Iterator[RawServer]:
    with answering(response(b"good"), host="127.0.0.2") as server:
        yield server


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_credentials_stay_at_their_origin(status: int, elsewhere: RawServer) -> None:
    with answering(moved("/b", f"{status} Moved"), moved(f"{elsewhere.url}/c?X-Signature=tok3n")) as server:
        url = server.url.replace("://", "://alice:s3cret@")
        assert http.read(f"{url}/a", limits=QUICK) == b"good"
    basic = f"Basic {base64.b64encode(b'alice:s3cret').decode()}"
    assert [asked.headers.get("authorization") for asked in server.asked] == [basic, basic]
    assert [asked.target for asked in server.asked] == ["/a", "/b"]
    (last,) = elsewhere.asked
    assert last.target == "/c?X-Signature=tok3n"
    assert not {"authorization", "cookie"} & set(last.headers)
    assert not any(secret in str(last.headers) for secret in SECRETS)


def test_credentials_do_not_return_and_those_of_a_location_are_not_used() -> None:
    with answering(b"", host="127.0.0.2") as other, answering(moved(f"{other.url}/x"), response(b"good")) as server:
        other.answers[:] = [moved(server.url.replace("://", "://mallory:x@"))]
        assert http.read(server.url.replace("://", "://alice:s3cret@"), limits=QUICK) == b"good"
    assert ["authorization" in asked.headers for asked in (*server.asked, *other.asked)] == [True, False, False]


def test_credentials_do_not_go_from_https_to_http(monkeypatch: pytest.MonkeyPatch, elsewhere: RawServer) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tls.certificate("127.0.0.1")))
    with answering(moved(elsewhere.url), tls=tls.server("127.0.0.1")) as server:
        assert http.read(server.url.replace("://", "://alice:s3cret@"), limits=QUICK) == b"good"
    assert "authorization" in server.asked[0].headers
    assert "authorization" not in elsewhere.asked[0].headers


@pytest.mark.parametrize(
    "location",
    ["file:///etc/hostname", "ftp://127.0.0.1/a", "data:,x", "http://[", "http://127.0.0.1:99999/"],
)
def test_redirects_leave_http_nowhere(location: str) -> None:
    with answering(moved(location)) as server:
        error = failed(server.url)
        assert len(server.asked) == 1
    assert "only http and https addresses are fetched" in str(error)
    assert not error.passing


def test_redirects_end() -> None:
    with answering(moved("/again")) as server:
        assert "more than 10 redirects" in str(failed(server.url))
        assert len(server.asked) == 11


@pytest.mark.parametrize("url", ["file:///etc/hostname", "gopher://h/", "http://", "http://[::1", "https://h:x/", "a"])
def test_addresses_that_are_not_of_http_are_refused(url: str) -> None:
    assert "only http and https addresses are fetched" in str(failed(url))


def test_netrc(tmp_path: Path) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login alice password s3cret\n")
    with answering(response(b"good")) as server:
        assert http.read(server.url, limits=QUICK) == b"good"
        assert not http.download(server.url, tmp_path / "part", limits=QUICK, authenticate=False)
    basic = f"Basic {base64.b64encode(b'alice:s3cret').decode()}"
    assert [asked.headers.get("authorization") for asked in server.asked] == [basic, None]


@pytest.mark.parametrize("status", ["403 Forbidden", "503 Busy http://alice:s3cret@h/?a=tok3n", "302 Found"])
def test_no_text_has_a_password_or_a_query(status: str) -> None:
    with answering(response(b"", "Location: file:///x?tok3n", status=status)) as server:
        url = server.url.replace("://", "://alice:s3cret@p@")
        error = failed(f"{url}/a?token=tok3n")
    told = f"{error} {error.translated('what', 'hint')}"
    assert not any(secret in told for secret in SECRETS)
    assert f"{server.url}/a?…" in told


# ---- resumption ----------------------------------------------------------------------------------------------------

HALF = len(DATA) // 2


def cut(*headers: str, data: bytes = DATA) -> bytes:
    whole = response(data, *headers)
    return whole[: len(whole) - len(data) + HALF]


def rest(*headers: str, start: int = HALF, total: int = len(DATA), data: bytes = DATA[HALF:]) -> bytes:
    content_range = f"Content-Range: bytes {start}-{start + len(data) - 1}/{total}"
    return response(data, content_range, *headers, status="206 Partial Content")


@pytest.mark.parametrize(
    ("headers", "condition"),
    [
        ((), None),
        (('ETag: "one"',), '"one"'),
        (("Last-Modified: Thu, 01 Jan 2026 00:00:00 GMT",), "Thu, 01 Jan 2026 00:00:00 GMT"),
        (('ETag: W/"weak"',), None),
        (('ETag: "o\x01ne"',), None),
    ],
)
def test_a_cut_file_is_resumed_under_the_condition_that_it_is_the_same(
    headers: tuple[str, ...], condition: str | None, part: Path
) -> None:
    with answering(cut(*headers), rest(*headers)) as server:
        assert http.download(server.url, part, limits=QUICK)
    assert part.read_bytes() == DATA
    assert server.asked[1].headers["range"] == f"bytes={HALF}-"
    assert server.asked[1].headers.get("if-range") == condition


OTHER = bytes(reversed(range(256))) * 1000


@pytest.mark.parametrize(
    "second",
    {
        "a whole answer": response(OTHER, 'ETag: "two"'),
        "another start": rest(start=7),
        "another size": rest(total=len(DATA) + 1),
        "another version": rest('ETag: "two"'),
        "no Content-Range": response(DATA[HALF:], status="206 Partial Content"),
        "another unit": response(DATA[HALF:], "Content-Range: lines 1-2/3", status="206 Partial Content"),
        "no such range": response(b"", status="416 Range Not Satisfiable"),
    }.items(),
    ids=lambda pair: pair[0],
)
def test_a_file_that_changed_meanwhile_is_begun_anew(second: tuple[str, bytes], part: Path) -> None:
    with answering(cut('ETag: "one"'), second[1], response(OTHER, 'ETag: "two"')) as server:
        assert not http.download(server.url, part, limits=QUICK)
        assert len(server.asked) == (2 if second[0] == "a whole answer" else 3)
    assert part.read_bytes() == OTHER


def test_what_an_earlier_process_left_is_resumed(part: Path) -> None:
    part.write_bytes(DATA[:HALF])
    with answering(rest('ETag: "one"')) as server:
        assert http.download(server.url, part, limits=QUICK)
    assert part.read_bytes() == DATA
    part.write_bytes(DATA + b"more")
    with answering(response(status="416 Range Not Satisfiable"), response(DATA)) as server:
        assert not http.download(server.url, part, limits=QUICK)
    assert part.read_bytes() == DATA


def test_a_rest_that_is_too_short_is_continued(part: Path) -> None:
    quarter = HALF + HALF // 2
    short = rest(data=DATA[HALF:quarter])
    with answering(cut(), short, rest(start=quarter, data=DATA[quarter:])) as server:
        assert http.download(server.url, part, limits=QUICK)
        assert server.asked[2].headers["range"] == f"bytes={quarter}-"
    assert part.read_bytes() == DATA


def test_what_came_is_kept_for_later_when_all_attempts_fail(part: Path) -> None:
    with answering(cut(), response(status="503 Busy")) as server, pytest.raises(HttpError, match="503 Busy"):
        http.download(server.url, part, limits=QUICK)
    assert part.read_bytes() == DATA[:HALF]


# ---- proxies -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_a_proxy_of_the_environment_is_used(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if variable == "HTTP_PROXY":
        monkeypatch.delenv("REQUEST_METHOD", raising=False)  # a CGI program must not believe this one
    with answering(response(b"good")) as proxy:
        monkeypatch.setenv(variable, proxy.url.replace("://", "://alice:s3cret%40@"))
        assert http.read("http://index.invalid/a?b=c", limits=QUICK) == b"good"
    assert proxy.asked[0].line == "GET http://index.invalid/a?b=c HTTP/1.1"
    basic = f"Basic {base64.b64encode(b'alice:s3cret@').decode()}"
    assert proxy.asked[0].headers["proxy-authorization"] == basic
    assert "authorization" not in proxy.asked[0].headers


def tunnel(target: RawServer) -> Answer:
    """Return the answer of a proxy to CONNECT, which copies bytes in both directions."""

    def copy(client: socket.socket) -> None:
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        host, port = target.url.rpartition("/")[2].split(":")
        with socket.create_connection((host, int(port))) as server:
            ends = {client: server, server: client}
            import select

            while ready := select.select(list(ends), [], [], 5)[0]:
                for end in ready:
                    data = end.recv(1 << 16)
                    if not data:
                        return
                    ends[end].sendall(data)

    return copy


def test_a_proxy_tunnels_tls_and_sees_no_credentials_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tls.certificate("127.0.0.1")))
    with answering(response(b"good"), tls=tls.server("127.0.0.1")) as server, answering(tunnel(server)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("://", "://alice:s3cret@"))
        assert http.read(server.url.replace("://", "://bob:tok3n@"), limits=QUICK) == b"good"
    assert proxy.asked[0].line.startswith("CONNECT 127.0.0.1:")
    assert "authorization" not in proxy.asked[0].headers
    assert server.asked[0].headers["authorization"] == f"Basic {base64.b64encode(b'bob:tok3n').decode()}"
    assert "proxy-authorization" not in server.asked[0].headers


def test_no_proxy_names_hosts_and_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "proxy.invalid:3128")
    assert http_transport.proxy_of("http://index.example/a") == "http://proxy.invalid:3128"
    monkeypatch.setenv("NO_PROXY", "example, 10.0.0.0/8, fd00::/8, odd/word")
    for host in ("index.example", "example:8080", "10.1.2.3", "[fd00::1]:80"):
        assert http_transport.proxy_of(f"http://{host}/a") is None
    for host in ("example.org", "11.1.2.3", "[fe00::1]"):
        assert http_transport.proxy_of(f"http://{host}/a") is not None
    monkeypatch.setenv("NO_PROXY", "*")
    assert http_transport.proxy_of("http://example.org/") is None


def test_errors_of_a_proxy_name_it_without_password(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = f"127.0.0.1:{closed.getsockname()[1]}"
    monkeypatch.setenv("HTTPS_PROXY", f"http://alice:s3cret@p@{address}")
    error = failed("https://index.invalid/?token=tok3n", ONCE)
    assert f"the proxy http://{address}: no connection: Connection refused" in str(error)
    with answering(response(status="407 Proxy Authentication Required")) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("://", "://alice:s3cret@"))
        refused = failed("https://index.invalid/?token=tok3n")
        assert len(proxy.asked) == 1
    assert "407 Proxy Authentication Required" in str(refused)
    assert not any(secret in f"{error}{refused}" for secret in SECRETS)
    monkeypatch.setenv("HTTPS_PROXY", "socks5://alice:s3cret@127.0.0.1:9")
    with pytest.raises(UsageError, match="does not speak HTTP") as caught:
        http.read("https://index.invalid/")
    assert "s3cret" not in str(caught.value)


# ---- certificates --------------------------------------------------------------------------------------------------


def test_certificates_of_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    certificate = tls.certificate("127.0.0.1")
    with answering(response(b"good"), tls=tls.server("127.0.0.1")) as server:
        monkeypatch.delenv("SSL_CERT_FILE", raising=False)
        error = failed(server.url)
        assert "the certificate is not trusted: self-signed certificate" in str(error).replace(
            "self signed", "self-signed"
        )
        assert server.connections == 1
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert http.read(server.url, limits=QUICK) == b"good"
        monkeypatch.delenv("SSL_CERT_FILE")
        folder = tmp_path / "authorities"
        folder.mkdir()
        name = subprocess.run(
            ["openssl", "x509", "-hash", "-noout", "-in", str(certificate)], capture_output=True, text=True, check=True
        )
        (folder / f"{name.stdout.strip()}.0").write_bytes(certificate.read_bytes())
        monkeypatch.setenv("SSL_CERT_DIR", str(folder))
        assert http.read(server.url, limits=QUICK) == b"good"
    for unreadable in (tmp_path / "missing.pem", Path(__file__)):
        monkeypatch.setenv("SSL_CERT_FILE", str(unreadable))
        with pytest.raises(UsageError, match="is not a readable bundle of CA certificates"):
            http.read(server.url)


def test_certifi_is_used_where_the_system_has_no_certificates(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(ssl.SSLContext, "load_default_certs", lambda *_: None)
    empty = ssl.get_default_verify_paths()._replace(cafile="", capath=str(tmp_path))
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: empty)
    http_transport.trust.cache_clear()
    try:
        context = http_transport.trust(None, None)
    finally:
        http_transport.trust.cache_clear()
    assert len(context.get_ca_certs()) > 50
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname


def test_a_host_that_a_certificate_does_not_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tls.certificate("127.0.0.1")))
    with answering(response(b"good"), tls=tls.server("127.0.0.1"), host="127.0.0.2") as server:
        assert "the certificate is not trusted" in str(failed(server.url))
    assert server.asked == []


def test_the_limits_of_downloads_are_larger_than_those_of_documents() -> None:
    assert DOWNLOAD.size > DOWNLOAD.unannounced > DOCUMENT.size
    assert DOWNLOAD.unannounced < 300_000_000
