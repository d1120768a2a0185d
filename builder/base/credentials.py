"""Credentials for files of private indexes, from the same sources as uv, except keyrings.

An index lists its files by URLs without credentials, so those of the index are applied to its files.
"""

import contextlib
import netrc
import os
import re
from base64 import b64encode
from collections.abc import Iterator
from urllib.parse import quote, unquote, urlsplit

_SETTINGS = (
    "UV_DEFAULT_INDEX",
    "UV_INDEX",
    "UV_INDEX_URL",
    "UV_EXTRA_INDEX_URL",
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
)

_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")


def header(url: str) -> dict[str, str]:
    """Return the `Authorization` header for a URL; empty if this host has no credentials for it.

    The sources are the URL, the indexes in the environment, and the netrc file, in this order.
    """
    parts = urlsplit(url)
    pair = _in_url(url) or next(
        (found for index in _indexes() if same_origin(index, url) and (found := _in_url(index))), None
    )
    if pair is None and parts.hostname:
        with contextlib.suppress(OSError, netrc.NetrcParseError):
            entry = netrc.netrc(os.environ.get("NETRC") or None).authenticators(parts.hostname)
            pair = (entry[0], entry[2]) if entry else None
    if pair is None:
        return {}
    return {"Authorization": f"Basic {b64encode(':'.join(pair).encode()).decode()}"}


def redact(text: str) -> str:
    """Return a text without the user names and passwords in its URLs."""
    return _CREDENTIALS.sub("", text)


def without(url: str) -> str:
    """Return a URL without user name and password, which urllib would treat as a part of the host."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _in_url(url: str) -> tuple[str, str] | None:
    parts = urlsplit(url)
    return (unquote(parts.username), unquote(parts.password or "")) if parts.username else None


def same_origin(one: str, other: str) -> bool:
    """Tell whether two urls have the same scheme, host and port: nothing else may see a password."""
    first, second = urlsplit(one), urlsplit(other)
    return (first.scheme, first.hostname, first.port) == (second.scheme, second.hostname, second.port)


def _indexes() -> Iterator[str]:
    """Yield the URLs of all indexes in the environment, with credentials from the variables of named indexes."""
    for setting in _SETTINGS:
        for word in os.environ.get(setting, "").split():
            name, separator, url = word.partition("=")
            if not separator or "://" in name:
                yield word
                continue
            key = re.sub(r"[^A-Z0-9]", "_", name.upper())
            user = os.environ.get(f"UV_INDEX_{key}_USERNAME")
            if user and "@" not in urlsplit(url).netloc:
                password = os.environ.get(f"UV_INDEX_{key}_PASSWORD", "")
                url = url.replace("://", f"://{quote(user, safe='')}:{quote(password, safe='')}@", 1)
            yield url
