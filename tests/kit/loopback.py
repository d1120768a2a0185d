"""A server on loopback in front of another one: it lies, asks for credentials, sends elsewhere, and notes who asks."""

import base64
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer

from kit.handlers import AnsweringHandler

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""The usual one keeps the proxies of the test that used it first."""
USER, PASSWORD = "reader", "p4ssw0rd"


@dataclass
class Loopback:
    """What a test changes while the server runs."""

    behind: str
    """Address of the server that answers, without a slash at its end."""
    url: str = ""
    lie: Callable[[str, bytes], bytes] = lambda _, body: body
    """Changes what is told of packages: gets the path and the body."""
    private: bool = False
    """Whether it asks for USER and PASSWORD."""
    moved: Callable[[str], str | None] = lambda _: None
    """Returns where a path lies now, if it lies elsewhere."""
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    """Path and `Authorization` of each request."""

    def handler(self) -> type[AnsweringHandler]:
        world = self
        expected = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()

        class Handler(AnsweringHandler):
            def do_GET(self) -> None:  # noqa: N802  the server looks for that name
                given = self.headers.get("Authorization")
                world.asked.append((self.path, given))
                if world.private and given != expected:
                    self.answer(401, b"", ("WWW-Authenticate", 'Basic realm="loopback"'))
                elif to := world.moved(self.path):
                    self.answer(302, b"", ("Location", to))
                else:
                    self.pass_on()

            do_HEAD = do_GET  # noqa: N815  the server looks for that name

            def pass_on(self) -> None:
                wanted = {"Host": self.headers["Host"], "Accept": self.headers.get("Accept", "*/*")}
                request = urllib.request.Request(world.behind + self.path, headers=wanted)
                try:
                    with _DIRECT.open(request, timeout=20) as source:
                        kind = source.headers.get("Content-Type", "application/octet-stream")
                        self.answer(200, world.lie(self.path, source.read()), ("Content-Type", kind))
                except urllib.error.HTTPError as error:
                    self.answer(error.code, b"")

        return Handler


@contextmanager
def before(behind: str, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> Iterator[Loopback]:
    """Run a server before another one; `host` is the address of this machine that it listens at."""
    found = Loopback(behind=behind.rstrip("/"))
    with ThreadingHTTPServer((host, 0), found.handler()) as server:
        found.url = f"http://{host}:{server.server_address[1]}"
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
            found.url = found.url.replace("http:", "https:")
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield found
        finally:
            server.shutdown()
