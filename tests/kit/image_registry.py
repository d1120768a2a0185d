"""A registry of container images on loopback that is as strict as ECR Public: tokens, manifest lists, and a rate."""

import base64
import hashlib
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from typing_extensions import Unpack

from kit.handlers import AnsweringHandler

LISTS = "application/vnd.oci.image.index.v1+json"
_REFUSED = b'{"errors":[{"code":"TOOMANYREQUESTS","message":"Rate exceeded"}]}'
_DENIED = (
    b'{"errors":[{"code":"DENIED","message":"Your authorization token has expired. Reauthenticate and try again."}]}'
)


Answer = tuple[int, bytes, Unpack[tuple[tuple[str, str], ...]]]
"""Status, body and headers."""


@dataclass
class ImageRegistry:
    """What a test changes while the registry runs."""

    rate: float = 1000.0
    """Requests for manifests a second that it answers; the others get 429."""
    burst: float = 1.0
    retry_after: str = ""
    """Value of the header that comes with 429; none as ECR Public."""
    tokens: bool = True
    login: str = ""
    """`user:password` that it takes; any other is refused by 403, as an old one is."""
    private: bool = False
    """Whether nobody gets a token."""
    missing: set[str] = field(default_factory=set)
    """Paths of manifests that it does not have: `lambda/python:3.13-arm64`."""
    host: str = ""
    logged_in: int = 0
    """Number of tokens that it gave for the login."""
    answers: Counter[int] = field(default_factory=Counter)
    """Numbers of answers by status."""
    scopes: list[str] = field(default_factory=list)
    _tokens: float = 1.0
    _at: float = field(default_factory=time.monotonic)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def allows(self) -> bool:
        with self._lock:
            now = time.monotonic()
            self._tokens = min(self.burst, self._tokens + (now - self._at) * self.rate)
            self._at = now
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True

    def manifest(self, path: str) -> bytes:
        """Return a manifest list with two architectures, which differs for each path."""
        rows = [
            {"digest": self.digest(f"{path} {arch}".encode()), "platform": {"architecture": arch}}
            for arch in ("amd64", "arm64")
        ]
        return json.dumps({"schemaVersion": 2, "mediaType": LISTS, "manifests": rows}).encode()

    def token(self, query: dict[str, list[str]], given: str) -> Answer:
        """Return what to answer to a request for a token."""
        own = f"Basic {base64.b64encode(self.login.encode()).decode()}"
        if self.private or (given and given != own):
            return 403, _DENIED
        self.logged_in += given == own
        self.scopes.extend(query["scope"])
        return 200, json.dumps({"token": query["scope"][0]}).encode()

    def answer(self, path: str, accepted: str) -> Answer:
        """Return what to answer to a manifest."""
        if not self.allows():
            return 429, _REFUSED, *([("Retry-After", self.retry_after)] if self.retry_after else [])
        if path in self.missing or LISTS not in accepted:
            return 404, b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}'
        body = self.manifest(path)
        return 200, body, ("Content-Type", LISTS), ("Docker-Content-Digest", self.digest(body))

    @staticmethod
    def digest(data: bytes) -> str:
        return f"sha256:{hashlib.sha256(data).hexdigest()}"

    def expected(self, path: str) -> str:
        """Return the digest of `lambda/python:3.13-arm64`."""
        return self.digest(self.manifest(path))


def _handler(world: ImageRegistry) -> type[AnsweringHandler]:
    class Handler(AnsweringHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:  # noqa: N802  the server looks for that name
            parts = urlsplit(self.path)
            if parts.path == "/token":
                return self.answer(*world.token(parse_qs(parts.query), self.headers.get("Authorization", "")))
            path = parts.path.removeprefix("/v2/").replace("/manifests/", ":")
            scope = f"repository:{path.partition(':')[0]}:pull"
            if world.tokens and self.headers.get("Authorization") != f"Bearer {scope}":
                realm = f'Bearer realm="http://{world.host}/token",service="standin",scope="{scope}"'
                return self.answer(401, b"{}", ("WWW-Authenticate", realm))
            return self.answer(*world.answer(path, self.headers.get("Accept", "")))

        do_HEAD = do_GET  # noqa: N815  the server looks for that name

        def answer(self, status: int, body: bytes, *headers: tuple[str, str]) -> None:
            world.answers[status] += 1
            super().answer(status, body, *headers)

    return Handler


@contextmanager
def serve(**changes: object) -> Iterator[ImageRegistry]:
    world = ImageRegistry(**changes)  # type: ignore[arg-type]  # a test names its fields
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(world)) as server:
        world.host = f"127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield world
        server.shutdown()
