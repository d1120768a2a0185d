"""Rules for the paths of a layer, which hold for every zip that is read and everything that is written."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator

LONGEST_NAME = 255
"""Bytes of a file's or a directory's name; no common file system of Linux takes more (NAME_MAX)."""
LONGEST_PATH = 4096 - len("/opt/") - 1
"""Bytes of a path below /opt (PATH_MAX, with its NUL)."""
SITE_PACKAGES = re.compile(r"^(?:python(?:/lib/python[\d.]+/site-packages)?)/")
"""Where a layer has modules of Python."""
TEST_DATA = re.compile(r"(?:^|/)(?:tests?|testdata|test-?data|fixtures?|testing|examples?|samples?)/", re.IGNORECASE)
"""Folders of packages whose files functions do not use."""
_UNCLEAN = {"", "/", "."}
_UNFIT = re.compile(r"[\x00-\x1f\x7f\\]")


def clean(name: str) -> str:
    """Return a name of a zip as a path: without empty parts and dots."""
    if "//" not in name and "/." not in name and name[:1] not in _UNCLEAN and name[-1:] not in _UNCLEAN:
        return name  # nearly all are clean
    return "/".join(part for part in name.split("/") if part not in {"", "."})


def problems(name: str) -> Iterator[str]:
    """Yield what is wrong with a path in a layer, as the end of a sentence."""
    if name.startswith("/") or name[1:3] in {":/", ":\\"}:
        yield "is an absolute path"
    if ".." in name and ".." in name.split("/"):
        yield "leaves the layer through `..`"
    if _UNFIT.search(name):
        yield "has a backslash or control character in its name; zips use / on every system"
    encoded = name.encode("utf-8", errors="surrogateescape")
    if len(encoded) > LONGEST_NAME:  # most names end the question here
        if any(len(part) > LONGEST_NAME for part in encoded.split(b"/")):
            yield f"has a name of more than {LONGEST_NAME} bytes, which no file system takes"
        if len(encoded) > LONGEST_PATH:
            yield f"has a path of {len(encoded):,} bytes, and Linux takes {LONGEST_PATH:,} below /opt"


def clashes(files: Iterable[str], directories: Iterable[str] = ()) -> Iterator[str]:
    """Yield what is wrong with the paths of a layer together: one twice, or a file where a directory is."""
    counts = Counter(files)
    yield from (f"`{printable(path)}` is in it {count} times" for path, count in counts.items() if count > 1)
    folders = {parent for path in counts for parent in parents(path)}.union(directories)
    yield from (f"`{printable(path)}` is a file and a directory" for path in counts if path in folders)


def parents(path: str) -> Iterator[str]:
    """Yield the directories above a layer's path, the nearest first."""
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def printable(name: str) -> str:
    """Return a name of unknown origin for a message: on one line, in ASCII, and not too long."""
    return name.encode("unicode_escape").decode("ascii")[:120]
