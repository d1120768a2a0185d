"""The memory that programs may take while they read what packages say of themselves.

uv and npm read such metadata whole, of packages that nobody chose yet, and a download of 1 MB may unpack to gigabytes.
What installs packages that are chosen has no limit.
"""

import re

from builder.base import environment
from builder.base.errors import BuildError, UsageError
from builder.base.processes import MemoryExceededError

VARIABLE = "LAYERWRIGHT_RESOLVER_MEMORY_MB"


def limit(default: int) -> int:
    """Return the bytes that a resolution may take; the default is in MB. Raises UsageError for an invalid variable."""
    given = environment.value(VARIABLE).strip() or str(default)
    if not re.fullmatch("[1-9][0-9]{0,6}", given):
        msg = f"{VARIABLE}={given} is not a valid number of megabytes"
        raise UsageError(msg, hint=f"for example {VARIABLE}=2048; unset, the limit is {default}")
    return int(given) << 20


def explained(error: MemoryExceededError, default: int) -> BuildError:
    """Return the error for the user."""
    why = "it was reading the metadata of packages, and some of it may be made to fill the memory"
    hint = f"which requirement is new? if all can be trusted and are many, {VARIABLE}={limit(default) >> 19} doubles it"
    return BuildError(error.what, why=[why], hint=hint)
