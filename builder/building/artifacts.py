"""What containers made, kept under the key of everything that decided it: nothing is compiled twice."""

import contextlib
import io
import json
import os
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO

from builder.base import cache_paths, remote
from builder.base.errors import BuildError
from builder.layer import tree
from builder.layer.tree import EXECUTABLE, LINK, PLAIN, Entry, InMemory, Slice, Tree
from builder.plan import mode

LIMIT = 5_000_000_000
"""Bytes that are kept; the parts that were not used for longest go first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """One part: a tar on this host."""

    path: Path
    asked: str
    """The way it was to be made: one of `mode.MODES`."""

    @property
    def how(self) -> str:
        """The way it was really made: a build may ignore the compiler that it is given."""
        judged = self.asked == mode.ACCELERATED and self._said("compiles")
        return "emulated" if judged and self.libraries().get("compilers") == ["gcc"] else self.asked

    @property
    def notes(self) -> list[str]:
        """What somebody should know of how it was made."""
        ignored = ["its build ignores CC: the compiler was emulated"] if self.how != self.asked else []
        return [*(self._said("notes") or ()), *ignored]

    def _said(self, key: str) -> Any:  # noqa: ANN401
        found = self.text("expected.json")
        return json.loads(found)[key] if found else None

    def files(self, below: str) -> Tree:
        """Return what lies below a folder of the part, by paths relative to it; the bytes stay where they are."""
        prefix = f"{below}/"
        with tarfile.open(self.path) as archive:
            return tree.of(
                _entry(self.path, member, member.name[len(prefix) :])
                for member in archive
                if member.name.startswith(prefix) and (member.isreg() or member.issym() or member.islnk())
            )

    def text(self, name: str) -> str:
        """Return a small file of the part, or an empty string."""
        with tarfile.open(self.path) as archive, contextlib.suppress(KeyError):
            stream = archive.extractfile(name)
            return stream.read().decode(errors="replace") if stream else ""
        return ""

    def with_needed(self, sonames: set[str]) -> set[str]:
        """Return sonames with those that they need in turn, of what was brought along."""
        rows = self.libraries()["added"]
        files = {row["path"].rpartition("/")[2]: row["soname"] for row in rows}
        found = set(sonames)
        while more := {row["soname"] for row in rows if files.get(row["by"]) in found} - found:
            found |= more
        return found

    def libraries(self) -> dict[str, Any]:
        """Return what `libraries.py` reported: `added` and `missing`."""
        found = self.text("out/libraries.json")
        return {"added": [], "missing": [], **(json.loads(found) if found else {})}


def _entry(path: Path, member: tarfile.TarInfo, name: str) -> Entry:
    if member.issym():
        return Entry(path=name, mode=LINK, content=InMemory(data=member.linkname.encode()), link=member.linkname)
    mode = EXECUTABLE if member.mode & 0o111 else PLAIN
    return Entry(path=name, mode=mode, content=Slice(path=path, offset=member.offset_data, size=member.size))


def folder() -> Path:
    return cache_paths.cache() / "parts"


def get(key: str, ways: Sequence[str] = mode.MODES) -> Made | None:
    """Return the part of that key, if it was made before in one of these ways and is whole; the first way first."""
    for path in (folder() / f"{key}-{way}.tar" for way in ways):
        if not path.exists() and not remote.fetch(f"parts/{path.name}", path):
            continue
        try:
            with tarfile.open(path) as archive:
                archive.getmembers()
            os.utime(path)
        except (OSError, tarfile.TarError):
            path.unlink(missing_ok=True)
        else:
            return Made(path=path, asked=path.stem.rpartition("-")[2])
    return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Expected:
    """A part that a build is going to give."""

    key: str
    way: str
    compiles: bool = True
    """Whether all its programs must come from the compiler that it was given."""
    notes: tuple[str, ...] = ()


def receive(stream: BinaryIO, keys: Mapping[str, Expected]) -> None:
    """Cut the tar of a build into parts: `keys` maps the folders at its top to what they are."""
    place = folder()
    place.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".part-", dir=place) as name:
        writers: dict[str, _Writer] = {}
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                top, _, rest = member.name.removeprefix("./").partition("/")
                if not rest or top not in keys:
                    continue
                if top not in writers:
                    writers[top] = _Writer(Path(name) / top, f"{top}/")
                writers[top].add(archive, member, rest)
        if missing := sorted(set(keys) - set(writers)):
            msg = f"the build gave nothing for {', '.join(missing)}"
            raise BuildError(msg)
        for top, writer in writers.items():
            writer.write("expected.json", json.dumps({"compiles": keys[top].compiles, "notes": keys[top].notes}))
            writer.close()
            made = place / f"{keys[top].key}-{keys[top].way}.tar"
            writer.path.replace(made)
            remote.offer(f"parts/{made.name}", made)
    _prune(place)


class _Writer:
    """The tar of one part, while it grows."""

    def __init__(self, path: Path, prefix: str) -> None:
        self.path = path
        self._prefix = prefix
        self._written: dict[str, tuple[int, tarfile.TarInfo]] = {}
        self._file = path.open("w+b")
        self.tar = tarfile.open(fileobj=self._file, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115

    def add(self, archive: tarfile.TarFile, member: tarfile.TarInfo, name: str) -> None:
        plain = tarfile.TarInfo(name)
        plain.type, plain.mode, plain.linkname, plain.size = member.type, member.mode, member.linkname, member.size
        if member.isreg():
            self._put(plain, archive.extractfile(member))
        elif member.islnk():
            # A second name of one file: Lambda's zips know none, so it becomes a copy.
            offset, first = self._written[member.linkname.removeprefix("./").removeprefix(self._prefix)]
            plain.type, plain.linkname, plain.size, plain.mode = tarfile.REGTYPE, "", first.size, first.mode
            self._file.flush()
            with self.path.open("rb") as again:
                again.seek(offset)
                self._put(plain, again)
        elif member.issym():
            self.tar.addfile(plain)

    def write(self, name: str, text: str) -> None:
        info = tarfile.TarInfo(name)
        info.size = len(text.encode())
        self._put(info, io.BytesIO(text.encode()))

    def close(self) -> None:
        self.tar.close()
        self._file.close()

    def _put(self, plain: tarfile.TarInfo, content: IO[bytes] | None) -> None:
        header = plain.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
        self._written[plain.name] = (self.tar.offset + len(header), plain)
        self.tar.addfile(plain, content)


def _prune(place: Path) -> None:
    found = sorted(place.glob("*.tar"), key=lambda path: path.stat().st_mtime, reverse=True)
    kept = 0
    for path in found:
        kept += path.stat().st_size
        if kept > LIMIT:
            path.unlink(missing_ok=True)
