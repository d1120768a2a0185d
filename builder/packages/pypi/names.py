"""Names and versions of Python packages, as PyPA specifies them."""

import re
from pathlib import PurePosixPath
from typing import Annotated
from urllib.parse import unquote, urlsplit

from packaging.utils import canonicalize_name

from builder.base.values import stored

NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
"""PyPA's specification of names (core metadata, "Name")."""
_AFTER = re.compile(r"[^A-Za-z0-9._-]")
VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+!_-]*")
StoredName = Annotated[str, stored(NAME, "a valid name of a Python package")]
StoredVersion = Annotated[str, stored(VERSION, "a valid version of a Python package")]


def of_line(line: str) -> str:
    """Return the name of the package of a plain line: that which it begins with, or that of the file at its address."""
    word = line.partition(" ")[0]
    if "://" in word:
        word = unquote(PurePosixPath(urlsplit(word).path).name).partition("-")[0]
    return canonicalize_name(_AFTER.split(word, maxsplit=1)[0])
