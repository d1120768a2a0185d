"""Requirements of Python packages (PEP 508), whatever text others send for one."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packaging.requirements import Requirement

_LONG_NUMBER = re.compile("[0-9]{1000}")
"""Python refuses to read one of 4,300 digits, wherever a version is compared."""


def parsed(text: str) -> "Requirement":
    """Return a requirement. Raises InvalidRequirement, also for what is too deep or too long for `packaging`."""
    from packaging.requirements import InvalidRequirement, Requirement

    if _LONG_NUMBER.search(text):
        msg = "it has a number of more than 1,000 digits"
        raise InvalidRequirement(msg)
    try:
        return Requirement(text)
    except RecursionError:
        msg = "it is nested too deeply"
        raise InvalidRequirement(msg) from None
