"""Old spellings in recipes. They are still read, each with a warning that names the new one."""

from collections.abc import Iterator
from typing import Any


def modernize(data: dict[str, Any], where: str) -> tuple[str, ...]:
    """Replace the old spellings in the tables of a recipe and return a warning for each.

    The tables are not validated yet: whatever does not have the expected shape stays for the decoder to report. So
    does an old key beside the new one.
    """
    return tuple(f"{where}: {text}; the old spelling is still read" for text in _replaced(data))


def _replaced(data: dict[str, Any]) -> Iterator[str]:
    libraries = data.get("libraries")
    if isinstance(libraries, dict) and "licences" in libraries and "license" not in libraries:
        libraries["license"] = libraries.pop("licences")
        yield "libraries.licences is now `license`"
    allows = data.get("allow")
    for index, allow in enumerate(allows if isinstance(allows, list) else ()):
        if isinstance(allow, dict) and allow.get("check") == "licence":
            allow["check"] = "license"
            yield f"allow[{index}].check: `licence` is now `license`"
