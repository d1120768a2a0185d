"""Names and versions of Go modules, by the grammar of `golang.org/x/mod/module` and `golang.org/x/mod/semver`."""

import re

_ELEMENT = r"[A-Za-z0-9_~+-](?:[A-Za-z0-9._~+-]*[A-Za-z0-9_~+-])?"
_HOST = r"[a-z0-9](?:[a-z0-9.-]*\.)+[a-z0-9-]*[a-z0-9]"
_NUMBER = r"(?:0|[1-9]\d*)"
VERSION = re.compile(
    rf"v{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+incompatible)?", re.ASCII
)
"""A canonical version: pseudo-versions are of that form, branches and `latest` are not."""
_MAJOR = r"v[2-9]|v[1-9][0-9]+"
_LONGEST = 500
"""Characters. The longest path of a known module has less than 200."""


def is_import_path(path: str) -> bool:
    """Tell whether a path can name a package or a main module: elements with harmless characters, none of them `..`."""
    return len(path) <= _LONGEST and all(re.fullmatch(_ELEMENT, element) for element in path.split("/"))


def is_module_path(path: str) -> bool:
    """Tell whether a path can name a module that is downloaded: its first element is the name of a host."""
    return is_import_path(path) and re.fullmatch(_HOST, path.partition("/")[0]) is not None


def program_name(path: str) -> str:
    """Return the file name of a program as `go install` chooses it: the last element that is not a major version."""
    *before, last = path.split("/")
    return before[-1] if before and re.fullmatch(_MAJOR, last) else last


def contains(module: str, package: str) -> bool:
    """Tell whether a package can be one of a module."""
    return package == module or package.startswith(f"{module}/")
