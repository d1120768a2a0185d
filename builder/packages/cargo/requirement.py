"""Cargo's requirements of versions, as far as the reader of a lock needs them.

Pre-releases are compared by their numbers alone: in doubt a version satisfies, because cargo checks the lock again in
the build image.
"""

import re

_COMPARATOR = re.compile(r"(?P<operator>\^|~|=|>=|<=|>|<)?\s*(?P<numbers>[\d*xX]+(?:\.[\d*xX]+){0,2})(?:[-+].*)?")

Numbers = tuple[int, ...]


def satisfied(requirement: str, version: str) -> bool:
    """Tell whether a version satisfies a requirement, for example `1.2`, `~0.3.1` or `>=1, <3`."""
    return all(_holds(text.strip(), _numbers(version)) for text in requirement.split(","))


def _holds(text: str, version: Numbers) -> bool:
    match = _COMPARATOR.fullmatch(text)
    if match is None:
        return True  # `*`, or a form that only cargo knows
    asked = _numbers(match["numbers"])
    low, high = _bounds(match["operator"] or ("=" if re.search(r"[*xX]", match["numbers"]) else "^"), asked)
    return (low is None or version >= low) and (high is None or version < high)


def _bounds(operator: str, asked: Numbers) -> tuple[Numbers | None, Numbers | None]:
    """Return the lowest version and the first that is too high, of those with the numbers `asked`."""
    if not asked:
        return None, None
    after = (*asked[:-1], asked[-1] + 1)
    if operator == "^":
        return asked, _next_incompatible(asked)
    if operator == "~":
        return asked, after if len(asked) == 1 else (asked[0], asked[1] + 1)
    return {"=": (asked, after), ">=": (asked, None), "<": (None, asked), ">": (after, None), "<=": (None, after)}[
        operator
    ]


def _next_incompatible(asked: Numbers) -> Numbers:
    """Return the first version that is incompatible: the leftmost number that is not 0 is another one."""
    place = next((place for place, number in enumerate(asked) if number), len(asked) - 1)
    return (*asked[:place], asked[place] + 1)


def _numbers(text: str) -> Numbers:
    """Return the numbers of a version, without those that are wildcards."""
    parts = re.split(r"[-+]", text)[0].split(".")
    return tuple(int(part) for part in parts if part.isdigit())
