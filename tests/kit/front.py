"""A server between boto3 and moto's: it does what Lambda does and moto does not, and goes wrong when it is told to.

What Lambda does: lists in pages, the policy's form for organizations, no second statement of one id, an address to
download a version from, and fifteen requests a second. What goes wrong is up to a function of the test.
"""

import asyncio
import base64
import contextlib
import hashlib
import json
import re
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal[
    "throttle",
    "500 before",
    "500 after",
    "reset before",
    "reset after",
    "hang before",
    "hang after",
    "late",
    "slow",
    "expired",
    "denied",
    "not enabled",
]
_SCOPE = re.compile(rb"Credential=[^/]+/\d+/([a-z0-9-]+)/([a-z0-9-]+)/")
_REFUSALS: dict[str, tuple[int, str, str]] = {
    "throttle": (429, "TooManyRequestsException", "Rate exceeded"),
    "expired": (403, "ExpiredTokenException", "The security token included in the request is expired"),
    "denied": (403, "AccessDeniedException", "User is not authorized to perform this action"),
    "not enabled": (403, "UnrecognizedClientException", "The security token included in the request is invalid."),
    "500 before": (500, "ServiceException", "An internal error occurred"),
    "500 after": (500, "ServiceException", "An internal error occurred"),
}
_HANG = 0.4
"""Seconds, more than the clients of these tests wait."""
_PUBLISH = re.compile(r"^/2018-10-31/layers/([^/]+)/versions/?$")
_VERSION = re.compile(r"^/2018-10-31/layers/(.+)/versions/\d+$")
_POLICY = re.compile(r"^/2018-10-31/layers/(.+)/versions/(\d+)/policy$")


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One request as it came."""

    method: str
    target: str
    region: str
    service: str
    headers: bytes
    body: bytes
    at: float
    """Seconds of the monotonic clock."""

    @property
    def path(self) -> str:
        return urllib.parse.unquote(self.target.partition("?")[0])

    @property
    def publishes(self) -> bool:
        return self.method == "POST" and bool(_PUBLISH.match(self.path)) and self.service == "lambda"


@dataclass(kw_only=True)
class Front:
    """How it behaves; a test changes it while it runs."""

    backends: tuple[str, ...]
    """Addresses of moto's servers; a region always asks the same one."""
    latency: float = 0.0
    page: int = 50
    fault: Callable[[Request], Kind | None] = lambda _: None
    limit: int | None = None
    """Requests that a region takes in any second."""
    seen: list[Request] = field(default_factory=list)
    """Bodies are left out."""
    contents: dict[str, bytes] = field(default_factory=dict)
    """What was published, by its CodeSha256."""
    address: str = ""
    active: int = 0
    """Requests that are being answered."""

    def until_idle(self) -> None:
        """Wait until nothing is being answered, half a minute at most."""
        deadline = time.monotonic() + 30
        while self.active:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def most_in_a_second(self) -> dict[str, int]:
        """Return for each region the most requests to Lambda that arrived within any one second."""
        times: dict[str, list[float]] = {}
        for one in self.seen:
            if one.service == "lambda":
                times.setdefault(one.region, []).append(one.at)
        return {region: _densest(sorted(moments)) for region, moments in times.items()}


def _densest(moments: list[float]) -> int:
    most = first = 0
    for last, moment in enumerate(moments):
        while moment - moments[first] >= 1.0:
            first += 1
        most = max(most, last - first + 1)
    return most


@contextlib.contextmanager
def front(*backends: str, **how: object) -> Iterator[Front]:
    """Give a running server in front of moto's."""
    state = Front(backends=backends, **how)  # type: ignore[arg-type]
    ready, loop = threading.Event(), asyncio.new_event_loop()

    def run() -> None:
        asyncio.set_event_loop(loop)
        server = loop.run_until_complete(asyncio.start_server(_Connection(state).serve, "127.0.0.1", 0))
        state.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        ready.set()
        loop.run_forever()
        server.close()
        loop.run_until_complete(asyncio.sleep(0.01))  # whoever has just come in gets a task now
        while left := asyncio.all_tasks(loop):  # a task that is only forgotten complains in the middle of another test
            for task in left:
                task.cancel()
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.run_until_complete(asyncio.sleep(0.01))  # transports close in the round after
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(30)
    try:
        yield state
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)


class _Connection:
    """The connections of clients."""

    def __init__(self, state: Front) -> None:
        self._state = state
        self._held: set[asyncio.Task[None] | None] = set()
        """Tasks: once its client has gone, asyncio keeps no hand on one, and the garbage collector ends it."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._held.add(asyncio.current_task())
        try:
            await self._serve(reader, writer)
        finally:
            self._held.discard(asyncio.current_task())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while request := await _read(reader, writer):
                self._state.seen.append(
                    Request(**{**{name: getattr(request, name) for name in Request.__slots__}, "body": b""})
                )
                self._state.active += 1
                try:
                    answer = await self._answer(request)
                finally:
                    self._state.active -= 1
                if answer is None:
                    break
                writer.write(answer)
                await writer.drain()
        writer.transport.abort()  # what was to be sent is sent, or shall not be

    async def _answer(self, request: Request) -> bytes | None:
        """Return what the client gets; None breaks the connection off."""
        state = self._state
        if request.path.startswith("/content/"):
            return _response(200, state.contents[request.path.removeprefix("/content/")])
        await asyncio.sleep(state.latency)
        kind = state.fault(request) or ("throttle" if self._too_fast(request) else None)
        if kind in {"throttle", "expired", "denied", "not enabled", "500 before"}:
            return _refusal(kind)
        if kind in {"reset before", "hang before"}:
            await asyncio.sleep(_HANG if kind == "hang before" else 0)
            return None
        if kind in {"late", "slow"}:
            await asyncio.sleep(_HANG if kind == "late" else 0.05)
        answer = await self._forward(request)
        if kind == "500 after":
            return _refusal(kind)
        if kind in {"reset after", "hang after", "late"}:
            await asyncio.sleep(_HANG if kind == "hang after" else 0)
            return None
        return answer

    def _too_fast(self, request: Request) -> bool:
        limit = self._state.limit
        if limit is None or request.service != "lambda":
            return False
        recent = [one for one in self._state.seen[-500:] if one.region == request.region and one.service == "lambda"]
        return sum(1 for one in recent if request.at - one.at < 1.0) > limit

    async def _forward(self, request: Request) -> bytes:
        if request.service != "lambda":
            return await self._ask(request)
        if (found := _POLICY.match(request.path)) and request.method == "POST":
            policy = await self._policy(request)
            wanted = json.loads(request.body)["StatementId"]
            if any(one["Sid"] == wanted for one in policy.get("Statement", ())):
                return _error(409, "ResourceConflictException", f"The statement id ({wanted}) provided already exists")
            del found
        return self._as_lambda(request, await self._ask(request))

    async def _policy(self, request: Request) -> dict[str, list[dict[str, str]]]:
        asked = Request(
            **{**{name: getattr(request, name) for name in Request.__slots__}, "method": "GET", "body": b""}
        )
        status, body = _taken_apart(await self._ask(asked))
        return json.loads(json.loads(body)["Policy"]) if status == 200 else {}

    def _as_lambda(self, request: Request, answer: bytes) -> bytes:
        """Return moto's answer in the form that Lambda gives it."""
        status, body = _taken_apart(answer)
        if status >= 300:
            return answer
        if request.publishes:
            self._keep(request, json.loads(body))
        if _POLICY.match(request.path) and request.method == "GET":
            return _response(status, json.dumps(_organizations(json.loads(body))).encode())
        if _VERSION.match(request.path) and request.method == "GET":
            found = json.loads(body)
            found["Content"]["Location"] = f"{self._state.address}/content/{found['Content']['CodeSha256']}"
            return _response(status, json.dumps(found).encode())
        for key in ("Layers", "LayerVersions", "Functions"):
            if request.method == "GET" and body.startswith(f'{{"{key}": ['.encode()):
                return _response(status, json.dumps(self._paged(request, key, json.loads(body)[key])).encode())
        return answer

    def _keep(self, request: Request, answer: dict[str, dict[str, str]]) -> None:
        sent = json.loads(request.body)["Content"].get("ZipFile")
        if sent:
            data = base64.b64decode(sent)
            code = base64.b64encode(hashlib.sha256(data).digest()).decode()
            assert code == answer["Content"]["CodeSha256"]
            self._state.contents[code] = data

    def _paged(self, request: Request, key: str, rows: list[object]) -> dict[str, object]:
        query = urllib.parse.parse_qs(request.target.partition("?")[2])
        first = int(query.get("Marker", ["0"])[0])
        last = first + min(self._state.page, int(query.get("MaxItems", [self._state.page])[0]))
        return {key: rows[first:last], **({"NextMarker": str(last)} if last < len(rows) else {})}

    async def _ask(self, request: Request) -> bytes:
        """Send a request to moto's server of its region, and return the whole answer."""
        backends = self._state.backends
        chosen = backends[sum(request.region.encode()) % len(backends)]
        parsed = urllib.parse.urlsplit(chosen)
        reader, writer = await asyncio.open_connection(parsed.hostname, parsed.port, limit=1 << 20)
        try:
            writer.write(f"{request.method} {request.target} HTTP/1.1\r\n".encode() + request.headers)
            writer.write(f"Connection: close\r\nContent-Length: {len(request.body)}\r\n\r\n".encode() + request.body)
            await writer.drain()
            answer = await reader.read(-1)
        finally:
            writer.transport.abort()
        head, _, body = answer.partition(b"\r\n\r\n")
        lines = [
            line for line in head.split(b"\r\n") if not line.lower().startswith((b"connection:", b"content-length:"))
        ]
        if request.method == "HEAD":
            return head.replace(b"onnection: close", b"onnection: keep-alive") + b"\r\n\r\n"
        return b"\r\n".join(lines) + f"\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


async def _read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    first, *lines = head[:-4].split(b"\r\n")
    method, target, _ = first.decode().split(" ", 2)
    length, expects = 0, False
    kept = []
    for line in lines:
        name = line.partition(b":")[0].lower()
        if name == b"content-length":
            length = int(line.partition(b":")[2])
        elif name == b"expect":
            expects = True
        elif name != b"connection":
            kept.append(line)
    if expects:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = await reader.readexactly(length)
    scope = _SCOPE.search(head)
    region, service = (scope[1].decode(), scope[2].decode()) if scope else ("", "")
    headers = b"".join(line + b"\r\n" for line in kept)
    return Request(
        method=method,
        target=target,
        region=region,
        service=service,
        headers=headers,
        body=body,
        at=time.monotonic(),
    )


def _taken_apart(answer: bytes) -> tuple[int, bytes]:
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1]), body


def _response(status: int, body: bytes, extra: str = "") -> bytes:
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{extra}\r\n"
    return head.encode() + body


def _error(status: int, code: str, message: str) -> bytes:
    body = json.dumps({"Type": "User", "Message": message, "Code": code}).encode()
    return _response(status, body, f"x-amzn-errortype: {code}\r\n")


def _refusal(kind: str) -> bytes:
    return _error(*_REFUSALS[kind])


def _organizations(answer: dict[str, str]) -> dict[str, str]:
    """Write who is let in as Lambda does: moto leaves the request's own words in its policy."""
    policy = json.loads(answer["Policy"])
    for statement in policy["Statement"]:
        if organization := statement.pop("OrganizationId", None):
            statement["Condition"] = {"StringEquals": {"aws:PrincipalOrgID": organization}}
        if re.fullmatch(r"\d{12}", str(statement["Principal"])):
            statement["Principal"] = {"AWS": f"arn:aws:iam::{statement['Principal']}:root"}
    return {**answer, "Policy": json.dumps(policy)}
