"""Pooled connections of urllib3: proxies and CA certificates of the environment, and responses under a meter.

Imported with the first request only, because urllib3 takes longer to import than `layerwright --help` to run.
"""

import http.client
import io
import ipaddress
import os
import socket
import ssl
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import urllib3
from urllib3 import exceptions
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.response import BaseHTTPResponse

from builder.base import credentials
from builder.base.errors import UsageError
from builder.base.frozen import dataclass
from builder.base.transfer import HttpError, Meter

_POOLS, _CONNECTIONS = 16, 8
"""Hosts whose connections are kept, and connections kept for each; more are opened when more threads ask."""
_METER: ContextVar[Meter] = ContextVar("meter")
"""The meter of the request that is being sent: http.client makes its responses without telling for whom."""


@contextmanager
def response(url: str, headers: Mapping[str, str], meter: Meter, method: str = "GET") -> Iterator[BaseHTTPResponse]:
    """Yield the response to a request, whose redirects are left to the caller. Raises HttpError, also in the block.

    A connection is used again only if the body was read to its end.
    """
    meter.restart()
    token = _METER.set(meter)
    try:
        timeout = urllib3.Timeout(connect=min(meter.limits.connect, meter.left()), read=meter.idle())
        answer = _manager(_settings(url)).urlopen(
            method, url, headers=dict(headers), timeout=timeout, retries=False, redirect=False, preload_content=False
        )
        with answer:
            yield answer
    except exceptions.HTTPError as error:
        meter.left()
        raise _failed(url, error, meter) from error
    finally:
        _METER.reset(token)


# ---- responses under a meter ---------------------------------------------------------------------------------------


class _MeteredStream(io.RawIOBase):
    """The bytes of a socket, each read bounded by what the meter leaves of the time."""

    def __init__(self, connection: Any, raw: io.RawIOBase, meter: Meter) -> None:  # noqa: ANN401  a socket, TLS or not
        self._connection, self._raw, self._meter = connection, raw, meter
        self.ended = False

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._raw.fileno()

    def readinto(self, buffer: Any) -> int | None:  # noqa: ANN401  RawIOBase's own
        self._connection.settimeout(self._meter.idle())
        count = self._raw.readinto(buffer)
        self._meter.received(count or 0)
        self.ended = count == 0
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _MeteredResponse(http.client.HTTPResponse):
    """A response that reads its status line, its headers and its body through a metered stream."""

    def __init__(self, sock: Any, *arguments: Any, **options: Any) -> None:  # noqa: ANN401  http.client's own
        super().__init__(sock, *arguments, **options)
        plain = self.fp.detach()
        self._stream = _MeteredStream(sock, plain, _METER.get())
        self.fp = io.BufferedReader(self._stream, 1 << 16)

    def begin(self) -> None:
        super().begin()
        if self._stream.ended:
            msg = "the headers are incomplete"  # http.client takes them for whole
            raise http.client.RemoteDisconnected(msg)


class _MeteredConnection(HTTPConnection):
    response_class = _MeteredResponse


class _MeteredTlsConnection(HTTPSConnection):
    response_class = _MeteredResponse


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _MeteredConnection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _MeteredTlsConnection


# ---- proxies and certificates --------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class _ConnectionSettings:
    """The settings that a connection depends on, besides its host."""

    proxy: str | None
    secure: bool
    """Whether the server or the proxy speaks TLS."""
    authorities: tuple[str | None, str | None]
    """SSL_CERT_FILE and SSL_CERT_DIR."""


def _settings(url: str) -> _ConnectionSettings:
    proxy = proxy_of(url)
    secure = url.startswith("https:") or (proxy or "").startswith("https:")
    authorities = (os.environ.get("SSL_CERT_FILE") or None, os.environ.get("SSL_CERT_DIR") or None)
    return _ConnectionSettings(proxy=proxy, secure=secure, authorities=authorities)


@cache
def _manager(settings: _ConnectionSettings) -> urllib3.PoolManager:
    options: dict[str, Any] = {"num_pools": _POOLS, "maxsize": _CONNECTIONS}
    if settings.secure:
        options["ssl_context"] = trust(*settings.authorities)
    if settings.proxy is None:
        manager = urllib3.PoolManager(**options)
    else:
        parts = urlsplit(settings.proxy)
        words = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else None
        headers = urllib3.make_headers(proxy_basic_auth=words) if words else None
        manager = urllib3.ProxyManager(
            credentials.without(settings.proxy),
            proxy_headers=headers,
            proxy_ssl_context=options.get("ssl_context"),
            **options,
        )
    manager.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}
    return manager


def proxy_of(url: str) -> str | None:
    """Return the proxy for a URL from HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY, in either case.

    Without these variables, the settings of macOS and Windows are used. Raises UsageError for a proxy that is not HTTP.
    """
    parts = urlsplit(url)
    proxies = urllib.request.getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or urllib.request.proxy_bypass(parts.netloc) or _bypassed(parts.hostname or "", proxies.get("no", "")):
        return None
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    if not proxy.lower().startswith(("http://", "https://")):
        msg = f"the proxy {credentials.redact(proxy)} does not speak HTTP"
        raise UsageError(msg, hint="set HTTPS_PROXY and HTTP_PROXY to an HTTP proxy, or NO_PROXY to go without")
    return proxy


def _bypassed(host: str, exceptions_: str) -> bool:
    """Tell whether an IP address is in one of the networks of NO_PROXY, which the standard library does not read."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    for word in exceptions_.split(","):
        try:
            if "/" in word and address in ipaddress.ip_network(word.strip(), strict=False):
                return True
        except ValueError:
            continue
    return False


@cache
def trust(file: str | None, folder: str | None) -> ssl.SSLContext:
    """Return the TLS settings of a client that trusts SSL_CERT_FILE and SSL_CERT_DIR, else the store of the system.

    certifi's certificates are used where the system has none. Raises UsageError for a file that cannot be read.
    """
    context = ssl.create_default_context()
    if file:
        try:
            context.load_verify_locations(cafile=file)
        except OSError as error:  # ssl.SSLError is one
            msg = f"SSL_CERT_FILE={file} is not a readable bundle of CA certificates"
            raise UsageError(msg, why=[error.strerror or str(error)], hint="see `layerwright doctor`") from None
    elif not folder and not _has_authorities(context):
        import certifi

        context.load_verify_locations(cafile=certifi.where())
    return context


def _has_authorities(context: ssl.SSLContext) -> bool:
    """Tell whether the system has CA certificates; those of a folder are read only when they are needed."""
    folder = ssl.get_default_verify_paths().capath or ""  # None if there is none
    return context.cert_store_stats()["x509_ca"] > 0 or (folder != "" and any(Path(folder).iterdir()))


# ---- errors --------------------------------------------------------------------------------------------------------


def _failed(url: str, error: exceptions.HTTPError, meter: Meter) -> HttpError:
    reason = _reason(error, meter)
    if isinstance(error, exceptions.LocationValueError):
        return HttpError(url, f"the address is not valid: {error}")
    if isinstance(error, exceptions.ProxyError):
        return HttpError(url, f"the proxy {proxy_of(url)}: {reason}", again=" 407 " not in reason)
    certificate = isinstance(_inner(error), ssl.SSLCertVerificationError)
    return HttpError(url, reason, again=not certificate, passing=True)


_REASONS: tuple[tuple[type[BaseException], str], ...] = (
    (exceptions.NameResolutionError, "the name of the host cannot be resolved"),
    (exceptions.NewConnectionError, "no connection: {0.__cause__.strerror}"),
    (exceptions.ConnectTimeoutError, "no connection within {1.connect:g} s"),
    (exceptions.ReadTimeoutError, "nothing was received for {1.idle:g} s"),
    (exceptions.InvalidChunkLength, "the body is not chunked as announced"),
    (exceptions.IncompleteRead, "the connection was lost after {0.partial} bytes of the body"),
    (http.client.IncompleteRead, "the connection was lost in the middle of the body"),
    (http.client.RemoteDisconnected, "the connection was closed without a response"),
    (http.client.BadStatusLine, "the server does not speak HTTP: it sends {0.args[0]!r:.60}"),
    (http.client.HTTPException, "the server does not speak HTTP: {0}"),
    (ssl.SSLCertVerificationError, "the certificate is not trusted: {0.verify_message}"),
    (socket.gaierror, "the name of the host cannot be resolved"),
)
"""What an error means; urllib3's own texts name objects in memory."""


def _reason(error: BaseException, meter: Meter) -> str:
    inner = _inner(error)
    for kind, text in _REASONS:
        if isinstance(inner, kind):
            return text.format(inner, meter.limits)
    return getattr(inner, "strerror", None) or str(inner)


def _inner(error: BaseException) -> BaseException:
    """Return the error that urllib3 wrapped, mostly one of the standard library."""
    wrapped = next((each for each in reversed(error.args) if isinstance(each, BaseException)), None)
    return _inner(wrapped) if wrapped else error
