"""Versions of installed packages of Python, from the names of their folders.

`importlib.metadata` reads a file of each with the parser of e-mail, which takes longer to import than to use.
"""

import os
import re
import sys
from functools import cache

_FOLDER = re.compile(r"([A-Za-z0-9._]+)-([A-Za-z0-9.+!]+)\.dist-info")


@cache
def version(name: str) -> str:
    """Return the version of an installed package. Raises importlib.metadata.PackageNotFoundError."""
    found = {match[2] for entry in _first(name) if (match := _FOLDER.fullmatch(entry))}
    if len(found) == 1:
        return found.pop()
    from importlib import metadata

    return metadata.version(name)


def _first(name: str) -> list[str]:
    """Return the names of a package's folders in the first place of imports that has any.

    There are several where an update was interrupted, and none that is understood where another tool installed it.
    """
    for place in sys.path:
        try:
            names = os.listdir(place or ".")  # noqa: PTH208  tens of thousands in some places
        except OSError:
            continue  # a zip, or a folder that is gone
        infos = [entry for entry in names if entry.endswith((".dist-info", ".egg-info"))]
        if found := [entry for entry in infos if _normalized(entry.partition("-")[0]) == _normalized(name)]:
            return found
    return []


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
