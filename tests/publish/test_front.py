"""The server before moto's: what it has begun it ends, whoever is still there to hear of it."""

import gc
import http.client
import threading
import time
import urllib.parse
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from kit.front import Front, front


@pytest.fixture
def held() -> Iterator[tuple[str, threading.Event]]:
    """Give the address of a server that answers once it is let."""
    let = threading.Event()

    class _Slow(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert let.wait(30)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), _Slow)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", let
    let.set()
    server.shutdown()
    thread.join(30)
    server.server_close()


def test_a_request_whose_client_has_gone_is_still_answered(held: tuple[str, threading.Event]) -> None:
    """Nothing of asyncio holds such a task: without a hand on it, the next garbage collection ends it."""
    address, let = held
    with front(address) as running:
        client = http.client.HTTPConnection(urllib.parse.urlsplit(running.address).netloc, timeout=0.2)
        client.request("GET", "/")
        with pytest.raises(TimeoutError):
            client.getresponse()
        client.close()
        time.sleep(0.2)  # for the front to hear that nobody listens
        gc.collect()
        assert running.active == 1
        let.set()
        _until_idle(running)


def _until_idle(running: Front) -> None:
    deadline = time.monotonic() + 30
    while running.active:
        assert time.monotonic() < deadline
        time.sleep(0.01)
