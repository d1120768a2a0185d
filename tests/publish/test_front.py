"""The proxy in front of moto: a request is completed even if its client disconnects."""

import gc
import http.client
import threading
import time
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from kit.front import front


@dataclass
class Slow:
    """A server that answers when released."""

    address: str = ""
    asked: threading.Event = field(default_factory=threading.Event)
    let: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def slow() -> Iterator[Slow]:
    state = Slow()

    class _Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.set()
            assert state.let.wait(30)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        state.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield state
        state.let.set()
        server.shutdown()
        thread.join(30)


def test_a_request_is_completed_after_its_client_disconnects(slow: Slow) -> None:
    """asyncio keeps only weak references to tasks: without a strong one, garbage collection cancels the task."""
    with front(slow.address) as running:
        client = http.client.HTTPConnection(urllib.parse.urlsplit(running.address).netloc)
        client.request("GET", "/")
        assert slow.asked.wait(30)
        client.close()
        time.sleep(0.2)  # until the proxy notices the disconnect
        gc.collect()
        assert running.active == 1
        slow.let.set()
        running.until_idle()
