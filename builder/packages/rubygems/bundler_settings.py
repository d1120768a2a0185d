"""Mirrors and credentials of Bundler: its variables, and ~/.bundle/config. What a project sets is not read."""

import os
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from urllib.parse import quote, urlsplit

from builder.base import texts

_LINE = re.compile(r"""^(?P<key>BUNDLE_[A-Z0-9_:/.-]+):\s*(?P<quote>["']?)(?P<value>.*?)(?P=quote)\s*$""")
_PREFIX = "BUNDLE_"


def address(url: str) -> str:
    """Return the address at which an index is asked: its mirror, with the credentials that Bundler has for it."""
    found = _mirror(url) or url
    try:
        parts = urlsplit(found)
    except ValueError:
        return found
    login = settings().get(_key(parts.hostname or ""))
    if not login or parts.username:
        return found
    user, _, password = login.partition(":")
    pair = quote(user, safe="%") + (f":{quote(password, safe='%')}" if password else "")
    return parts._replace(netloc=f"{pair}@{parts.netloc}").geturl()


def _mirror(url: str) -> str | None:
    """Return the mirror of all indexes, or that of one."""
    given = settings()
    key = _key(f"mirror.{url.rstrip('/')}/")
    return given.get(f"{_PREFIX}MIRROR__ALL") or given.get(key) or given.get(key.rstrip("/"))


def _key(name: str) -> str:
    """Return the variable of a setting: dots are two underscores, dashes three (Bundler::Settings.key_for)."""
    return f"{_PREFIX}{name.replace('.', '__').replace('-', '___').upper()}"


def settings() -> Mapping[str, str]:
    """Return what is set for this host; variables win."""
    own = Path(os.environ.get("BUNDLE_USER_CONFIG") or Path.home() / ".bundle" / "config")
    variables = {key: value for key, value in os.environ.items() if key.startswith(_PREFIX) and value}
    return {**_file(own), **variables}


def _file(path: Path) -> dict[str, str]:
    return _parsed(path, path.stat().st_mtime_ns) if path.is_file() else {}


@cache
def _parsed(path: Path, _: int) -> dict[str, str]:
    found = (_LINE.match(line) for line in texts.read(path).splitlines())
    return {match["key"]: match["value"] for match in found if match}
