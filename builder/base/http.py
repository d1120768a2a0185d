"""The HTTP client: documents and files by GET, within limits, with retries, resumption and redirects.

Credentials come from the URL, the indexes of the environment and netrc, and go to the origin of the URL only. All that
is told of a request is without credentials and query.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from time import time
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from builder import __version__
from builder.base import credentials, retries
from builder.base.frozen import dataclass
from builder.base.retries import Result
from builder.base.transfer import DOCUMENT, DOWNLOAD, HttpError, Meter, StatusError, TransferLimits

if TYPE_CHECKING:
    from urllib3.response import BaseHTTPResponse

_REDIRECTS = (301, 302, 303, 307, 308)
_PARTIAL, _UNSATISFIABLE = 206, 416
_SUCCESS = range(200, 300)
_BLOCK = 1 << 16
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


def read(url: str, *, limits: TransferLimits = DOCUMENT) -> bytes:
    """Return the body of a document. Raises HttpError."""
    meter = Meter(url, limits)

    def attempt() -> bytes:
        with _success(url, {}, meter) as response:
            return b"".join(_body(response, 0, meter))

    return _repeated(attempt, meter)


def download(url: str, part: Path, *, limits: TransferLimits = DOWNLOAD, authenticate: bool = True) -> bool:
    """Download a file, after the bytes that `part` already has of it. Raises HttpError, and leaves the bytes for later.

    Returns whether the file consists of several responses: their sum may be wrong if the file changed in between.
    """
    return _Download(url, part, Meter(url, limits), authenticate=authenticate).run()


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """The response to one request, whatever its status."""

    status: int
    reason: str
    headers: Mapping[str, str]
    """Without regard to case."""
    body: bytes

    @property
    def wait(self) -> float:
        """Seconds that the server asks to wait."""
        return retry_after(self.headers.get("Retry-After", ""), time())


def ask(
    url: str, *, method: str = "GET", headers: Mapping[str, str], secret: str = "", limits: TransferLimits = DOCUMENT
) -> Reply:
    """Return the response to one request. Raises HttpError if there is none; errors of the server are responses.

    For protocols in which a refusal says what to do next. `secret` is the `Authorization` header, which goes to the
    origin of the URL only.
    """
    meter = Meter(url, limits)
    own = {"Authorization": secret} if secret else {}
    with _answer(url, headers, meter, own, method=method) as response:
        body = b"" if method == "HEAD" else b"".join(_body(response, 0, meter))
        return Reply(status=response.status, reason=response.reason or "", headers=response.headers, body=body)


def _repeated(attempt: Callable[[], Result], meter: Meter) -> Result:
    """Return the result of an attempt, repeated after errors in passing for as long as the limits allow."""

    def again(error: BaseException) -> bool:
        return isinstance(error, HttpError) and error.again and meter.allows(min(error.wait, backoff.longest))

    def requested(error: BaseException) -> float:
        return error.wait if isinstance(error, HttpError) else 0.0

    backoff = meter.limits.backoff
    return retries.call(attempt, backoff, again=again, requested=requested)


# ---- one request ---------------------------------------------------------------------------------------------------


@contextmanager
def _success(
    url: str, headers: Mapping[str, str], meter: Meter, *, authenticate: bool = True
) -> Iterator["BaseHTTPResponse"]:
    """Yield a successful response to a GET request. Raises HttpError for any other."""
    _plain(url, "", meter)  # an address that is none has no credentials
    with _answer(url, headers, meter, credentials.header(url) if authenticate else {}) as response:
        if response.status == _PARTIAL and "Range" not in headers:
            raise HttpError(meter.url, "the server sent a part of the file, and was asked for all of it", again=True)
        if response.status not in _SUCCESS:
            wait = retry_after(response.headers.get("Retry-After", ""), time())
            raise StatusError(meter.url, response.status, response.reason or "", wait)
        yield response


@contextmanager
def _answer(
    url: str, headers: Mapping[str, str], meter: Meter, secret: Mapping[str, str], *, method: str = "GET"
) -> Iterator["BaseHTTPResponse"]:
    """Yield the response at the end of all redirects.

    From the first redirect to another scheme, host or port on, no credentials are sent, also not to the first origin.
    """
    from builder.base import http_transport

    own = {"User-Agent": f"layerwright/{__version__}", "Accept-Encoding": "identity", **headers}
    here = _plain(url, "", meter)
    for _ in range(meter.limits.redirects + 1):
        with http_transport.response(here, {**own, **secret}, meter, method) as response:
            location = response.headers.get("Location") if response.status in _REDIRECTS else None
            if location is None:
                yield response
                return
        target = _plain(here, location, meter)
        secret = secret if credentials.same_origin(here, target) else {}
        here = target
    raise HttpError(meter.url, f"more than {meter.limits.redirects} redirects")


def _plain(base: str, reference: str, meter: Meter) -> str:
    """Return an absolute URL without credentials and fragment. Raises HttpError for one that is not of HTTP."""
    try:
        url = credentials.without(urljoin(base, reference))
        parts = urlsplit(url)
        valid = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        redirected = f"redirected to {reference}: " if reference else ""
        raise HttpError(meter.url, f"{redirected}only http and https addresses are fetched")
    return parts._replace(fragment="").geturl()


def _body(response: "BaseHTTPResponse", before: int, meter: Meter) -> Iterator[bytes]:
    """Yield the blocks of a body as they were sent. `before` are the bytes of the file that came earlier."""
    length = None if response.length_remaining is None else before + response.length_remaining
    meter.delivered(0, before, length)
    for block in response.stream(_BLOCK, decode_content=False):
        meter.delivered(len(block), before, length)
        yield block


def retry_after(value: str, now: float) -> float:
    """Return the seconds of a Retry-After header, which has a number of seconds or a date; 0 for anything else."""
    if value.strip().isdecimal():
        return float(value[:9])
    from email.utils import parsedate_to_datetime

    try:
        return max(parsedate_to_datetime(value).timestamp() - now, 0.0)
    except (ValueError, TypeError, OverflowError):
        return 0.0


# ---- resumption ----------------------------------------------------------------------------------------------------


class _Download:
    """A file that is downloaded in one or several responses."""

    def __init__(self, url: str, part: Path, meter: Meter, *, authenticate: bool) -> None:
        self._url, self._part, self._meter, self._authenticate = url, part, meter, authenticate
        self._version = ""
        """The strong ETag or the date of the bytes that are there; empty if it is not known."""
        self._total: int | None = None
        self._resumed = False

    def run(self) -> bool:
        _repeated(self._attempt, self._meter)
        return self._resumed

    def _attempt(self) -> None:
        have = self._part.stat().st_size if self._part.is_file() else 0
        if not have or not self._rest(have):
            with self._request({}) as response:
                self._write(response, 0)

    def _rest(self, have: int) -> bool:
        """Fetch what is missing. Returns False if the server has no rest of the same file."""
        condition = {"If-Range": self._version} if self._version else {}
        try:
            with self._request({"Range": f"bytes={have}-", **condition}) as response:
                if response.status == _PARTIAL and not self._continues(response, have):
                    return False
                self._write(response, have if response.status == _PARTIAL else 0)
        except HttpError as error:
            if error.status == _UNSATISFIABLE:
                return False
            raise
        return True

    def _request(self, headers: Mapping[str, str]) -> "AbstractContextManager[BaseHTTPResponse]":
        return _success(self._url, headers, self._meter, authenticate=self._authenticate)

    def _continues(self, response: "BaseHTTPResponse", have: int) -> bool:
        """Tell whether a response begins where the file ends, and belongs to the same version of it."""
        match = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
        if match is None or int(match[1]) != have:
            return False
        total = self._total if match[3] == "*" else int(match[3])
        if self._total is None:  # the bytes are those of an earlier process
            self._total, self._version = total, version(response.headers)
        return total == self._total and version(response.headers) in {"", self._version}

    def _write(self, response: "BaseHTTPResponse", have: int) -> None:
        """Append a response to the first bytes of the file. Raises HttpError if the file is incomplete afterwards."""
        self._resumed = have > 0
        if not have:
            self._version = version(response.headers)
            self._total = response.length_remaining
        try:
            with self._part.open("ab" if have else "wb") as target:
                for block in _body(response, have, self._meter):
                    target.write(block)
        except HttpError as error:
            if not error.passing:
                self._part.unlink()  # too large, so never of use
            raise
        received = self._part.stat().st_size
        if self._total is not None and received < self._total:
            raise HttpError(self._meter.url, f"the server sent {received} of {self._total} bytes", again=True)


def version(headers: Mapping[str, str]) -> str:
    """Return what identifies the version of a file for If-Range: a strong ETag, else the date of the last change."""
    tag = headers.get("ETag", "")
    value = tag if tag.startswith('"') else headers.get("Last-Modified", "")
    return value if value.isascii() and value.isprintable() else ""
