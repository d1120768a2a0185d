"""User names and passwords for files of private indexes: where uv would look for them, but keyrings.

An index that wants a password names its files without one: whoever fetches them must have kept it.
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
    """Return the header that opens a url on a host that this machine has credentials for."""
    parts = urlsplit(url)
    found = _of(url) or next((pair for index in _indexes() if same_origin(index, url) and (pair := _of(index))), None)
    if found is None and parts.hostname:
        with contextlib.suppress(OSError, netrc.NetrcParseError):
            entry = netrc.netrc(os.environ.get("NETRC") or None).authenticators(parts.hostname)
            found = (entry[0], entry[2]) if entry else None
    if found is None:
        return {}
    return {"Authorization": f"Basic {b64encode(':'.join(found).encode()).decode()}"}


def redact(text: str) -> str:
    """Return a text with user names and passwords removed from its urls."""
    return _CREDENTIALS.sub("", text)


def without(url: str) -> str:
    """Return the url without user name and password, which urllib would take for a part of the host."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _of(url: str) -> tuple[str, str] | None:
    parts = urlsplit(url)
    return (unquote(parts.username), unquote(parts.password or "")) if parts.username else None


def same_origin(one: str, other: str) -> bool:
    """Tell whether two urls have the same scheme, host and port: nothing else may see a password."""
    first, second = urlsplit(one), urlsplit(other)
    return (first.scheme, first.hostname, first.port) == (second.scheme, second.hostname, second.port)


def _indexes() -> Iterator[str]:
    """Yield the urls of all indexes that the environment names; `name=url` may have its credentials beside it."""
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
