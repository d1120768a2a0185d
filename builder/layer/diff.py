"""Changes between two layers: packages, files, sizes, libraries, symbol ceilings."""

from typing import Any

from builder.base.frozen import dataclass
from builder.layer.checks import Subject
from builder.layer.inspect import Inspection
from builder.layer.reader import LayerZip
from builder.layer.tree import Entry


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One changed thing with its old and new value; None where it does not exist."""

    kind: str
    """`package`, `file`, `library`, `needs`, `abi` or `size`."""
    name: str
    old: str | None
    new: str | None
    bytes: int = 0
    """Difference of the unzipped size, in bytes."""

    def as_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "name": self.name, "old": self.old, "new": self.new, "bytes": self.bytes}


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """One of the two layers, with its analysis."""

    zipped: LayerZip
    subject: Subject
    inspection: Inspection


def diff(old: Side, new: Side) -> list[Change]:
    """Return the changes: packages, symbols, libraries and sizes, then the files by size of the change."""
    return [
        *_named("package", dict(old.inspection.packages), dict(new.inspection.packages)),
        *_named("abi", _ceilings(old), _ceilings(new)),
        *_named("library", _sonames(old.subject), _sonames(new.subject)),
        *_named("needs", dict.fromkeys(old.inspection.outside, "yes"), dict.fromkeys(new.inspection.outside, "yes")),
        *_sizes(old.inspection, new.inspection),
        *_files(old, new),
    ]


def _named(kind: str, old: dict[str, str], new: dict[str, str]) -> list[Change]:
    return [
        Change(kind=kind, name=name, old=old.get(name), new=new.get(name))
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    ]


def _ceilings(side: Side) -> dict[str, str]:
    return {family.upper(): version for family, version in side.inspection.abi.needed.items()}


def _sonames(subject: Subject) -> dict[str, str]:
    return {elf.soname: path for path, elf in subject.elves.items() if elf.soname and not elf.python_module}


def _sizes(old: Inspection, new: Inspection) -> list[Change]:
    rows = (("zip", old.zip_bytes, new.zip_bytes), ("unzipped", old.unzipped_bytes, new.unzipped_bytes))
    return [
        Change(kind="size", name=name, old=f"{before:,}", new=f"{after:,}", bytes=after - before)
        for name, before, after in rows
        if before != after
    ]


def _files(old: Side, new: Side) -> list[Change]:
    before, after = ({entry.path: entry for entry in side.zipped.tree} for side in (old, new))
    changes = []
    for path in {*before, *after}:
        was, now = before.get(path), after.get(path)
        if was is None or now is None or not _same(was, now):
            gained = (now.size if now else 0) - (was.size if was else 0)
            changes.append(Change(kind="file", name=path, old=_shown(was), new=_shown(now), bytes=gained))
    return sorted(changes, key=lambda change: (-abs(change.bytes), change.name))


def _same(was: Entry, now: Entry) -> bool:
    if (was.size, was.link, was.mode) != (now.size, now.link, now.mode):
        return False
    return was.content.read() == now.content.read()


def _shown(entry: Entry | None) -> str | None:
    if entry is None:
        return None
    return f"-> {entry.link}" if entry.link is not None else f"{entry.size:,}"
