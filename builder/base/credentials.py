"""Credentials for files of private indexes, from the same sources as uv, except keyrings.

An index lists its files by URLs without credentials, so those of the index are applied to its files.
"""

import contextlib
import netrc
import os
import re
from base64 import b64encode
from collections.abc import Iterator
from typing import Annotated
from urllib.parse import quote, unquote, urlsplit

from builder.base.values import STORED, StoredAs, matching

_SETTINGS = (
    "UV_DEFAULT_INDEX",
    "UV_INDEX",
    "UV_INDEX_URL",
    "UV_EXTRA_INDEX_URL",
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
)

_CREDENTIALS = re.compile(r"(?<=://)[^/\s]*@")
"""Greedy: passwords with an `@`, `?` or `#` are written as they are by many, so all is taken up to the last `@`."""
_WORD = re.compile(r"[^\s\"<>`]+")
_PUNCTUATION = ")]',.:;"
"""After a URL, the end of a sentence or of a parenthesis, rather than a part of its query."""
_PORTS = {"http": 80, "https": 443}


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
    """Return a text without the user names, passwords and queries of its URLs. A query can hold a token."""
    return _WORD.sub(_without_query, _CREDENTIALS.sub("", text))


def _without_query(match: re.Match[str]) -> str:
    word = match[0]
    start = word.find("?", word.find("://")) + 1
    if not start or "://" not in word:
        return word
    return f"{word[:start]}…{word[len(word.rstrip(_PUNCTUATION)) :]}"


def without(url: str) -> str:
    """Return a URL without user name and password, which are sent in a header; one that is not valid as it is."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


_ADDRESS = re.compile(r"(?:https?|file)://\S+")
StoredAddress = Annotated[
    str,
    StoredAs(parse=lambda value: matching(_ADDRESS, value, STORED, "the address of a file or an index"), write=redact),
]
"""An address, which is stored without user name and password."""


def _in_url(url: str) -> tuple[str, str] | None:
    parts = urlsplit(url)
    return (unquote(parts.username), unquote(parts.password or "")) if parts.username else None


def same_origin(one: str, other: str) -> bool:
    """Tell whether two urls have the same scheme, host and port: nothing else may see a password."""
    origin = _origin(one)
    return origin is not None and origin == _origin(other)


def _origin(url: str) -> tuple[str, str | None, int | None] | None:
    """Return scheme, host and port of a URL; None if it is not valid."""
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None


def _indexes() -> Iterator[str]:
    """Yield the URLs of all indexes in the environment, with credentials from the variables of named indexes."""
    for setting in _SETTINGS:
        for word in os.environ.get(setting, "").split():
            name, separator, url = word.partition("=")
            if not separator or "://" in name:
                yield word
                continue
            yield named(name, url)


def variable(name: str) -> str:
    """Return what the variables for user name and password of a named index begin with."""
    return f"UV_INDEX_{re.sub(r'[^A-Z0-9]', '_', name.upper())}"


def named(name: str, url: str) -> str:
    """Return the URL of a named index with the user name and password in the environment, if it has none itself."""
    user = os.environ.get(f"{variable(name)}_USERNAME")
    password = os.environ.get(f"{variable(name)}_PASSWORD", "")
    return within(url, user, password) if user else url


def within(url: str, user: str, password: str) -> str:
    """Return a URL with a user name and a password, if it has none."""
    if "@" in urlsplit(url).netloc:
        return url
    return url.replace("://", f"://{quote(user, safe='')}:{quote(password, safe='')}@", 1)
