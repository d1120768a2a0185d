"""Files that two packages install at one place: the one that is installed last would be in the layer, unseen."""

import csv
from collections.abc import Collection, Iterator
from pathlib import Path

from packaging.utils import canonicalize_name

from builder.base import texts
from builder.base.errors import UsageError

_SHOWN = 5


def refuse(folder: Path, own: Collection[str]) -> None:
    """Raise UsageError if a local package, one of `own`, has a file that another package has with another content.

    Packages of indexes among themselves are as their authors published them, and share licenses and tests.
    """
    seen: dict[str, tuple[str, str]] = {}
    twice: list[str] = []
    for name, path, digest in sorted(_installed(folder)):
        other, before = seen.setdefault(path, (name, digest))
        if digest != before and {name, other} & set(own):
            twice.append(f"{path}: {other} and {name}")
    if twice:
        msg = "local packages and others install different files at the same place"
        hint = "give the module of one another name, or leave one out"
        raise UsageError(msg, why=[*twice[:_SHOWN], *(["..."] if twice[_SHOWN:] else [])], hint=hint)


def _installed(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Yield package, path and hash of the files that records of packages list."""
    for record in folder.glob("*.dist-info/RECORD"):
        name = canonicalize_name(record.parent.name.partition("-")[0])
        for row in csv.reader(texts.read(record).splitlines()):
            if len(row) > 1 and row[1] and ".dist-info/" not in row[0]:
                yield name, row[0], row[1]
