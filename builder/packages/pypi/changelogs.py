"""Changelogs of Python packages: the addresses in their metadata (PEP 658, core metadata 1.2)."""

import email.parser
import re
from collections.abc import Sequence
from dataclasses import replace

from builder.base import http
from builder.base.errors import LayerwrightError
from builder.base.retries import Backoff
from builder.base.transfer import DOCUMENT, HttpError
from builder.model.recipes import Loaded
from builder.model.target import targets
from builder.packages.pypi.resolve import Wanted, resolve

_CHANGELOG = re.compile(r"change|release|history|what.?s.?new|news", re.IGNORECASE)
_LIMITS = replace(DOCUMENT, backoff=Backoff(attempts=1), total=20)
"""A changelog is not worth waiting for."""


def changelogs(loaded: Loaded, names: Sequence[str]) -> dict[str, str]:
    """Return the address of each package's changelog, if its newest wheel names one. Ignores errors of the index."""
    target = next((target for target in targets(loaded.recipe) if target.base.python), None)
    if target is None or not names:
        return {}
    try:
        offered = resolve(Wanted(requirements=tuple(names)), target.base, target.arch)
    except LayerwrightError:
        return {}
    links: dict[str, str] = {}
    for candidate in offered:
        wheel = next((wheel for wheel in candidate.wheels if wheel.url), None)
        if candidate.name in names and wheel and (link := _changelog(str(wheel.url))):
            links[candidate.name] = link
    return links


def _changelog(url: str) -> str | None:
    try:
        headers = email.parser.BytesHeaderParser().parsebytes(http.read(f"{url}.metadata", limits=_LIMITS))
    except (HttpError, ValueError):
        return None  # optional for an index
    for text in headers.get_all("Project-URL", []):
        label, _, link = str(text).partition(",")
        if _CHANGELOG.search(label):
            return link.strip()
    return None
