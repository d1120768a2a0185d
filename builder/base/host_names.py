"""Names of files that this host reads otherwise than Linux does: without regard to case, decomposed, or reserved."""

import re
import sys
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence

from builder.base.errors import BuildError

IGNORES_CASE = sys.platform in {"darwin", "win32"}
"""Whether two names that differ in case alone are usually one file."""
DECOMPOSES = sys.platform == "darwin"
_RESERVED = re.compile(r"(?:con|prn|aux|nul|(?:com|lpt)[1-9\u00b9\u00b2\u00b3])(?:\..*)?", re.IGNORECASE)
"""Names of devices ("Naming Files, Paths, and Namespaces", Microsoft): what is written to them goes nowhere."""
_SHOWN = 8


def spelled(name: str) -> str:
    """Return a name as repositories keep it: composed. HFS+ and the Finder write `ö` as `o` and a mark.

    Git does the same where `core.precomposeunicode` is set, as it is on a Mac. Elsewhere names are bytes, which stay.
    """
    return unicodedata.normalize("NFC", name) if DECOMPOSES else name


def folded(name: str) -> str:
    """Return what two names have in common that are one file on a Mac or on Windows."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def is_reserved(name: str) -> bool:
    """Return whether a part of a path is the name of a device on Windows, or ends so that Windows cuts it."""
    return any(_RESERVED.fullmatch(part.rstrip(" .")) or part != part.rstrip(" .") for part in name.split("/"))


def lost(listed: Iterable[str], present: Collection[str]) -> Iterator[str]:
    """Yield the paths of an archive that are not there because this host cannot have them, with the reason."""
    there = {folded(path): path for path in present}
    for path in sorted(set(listed).difference(present)):
        if is_reserved(path):
            yield f"{path}: a part of it is a name that Windows reserves"
        elif folded(path) in there:
            yield f"{path}: one file with {there[folded(path)]}, because case does not count here"


def refuse_losses(listed: Iterable[str], present: Collection[str]) -> None:
    """Raise BuildError for files of packages that this host has swallowed, or written over each other."""
    if gone := list(lost(listed, present)):
        raise cannot_hold(gone[:_SHOWN])


def cannot_hold(why: Sequence[str]) -> BuildError:
    msg = "this system cannot hold all files of the packages"
    hint = "build the layer on Linux; on Windows in WSL, on a Mac on a volume whose file system is case-sensitive"
    return BuildError(msg, why=why, hint=hint)
