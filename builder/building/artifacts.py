"""The artifacts of container builds, cached by a key of all their inputs, so that nothing is compiled twice."""

import contextlib
import io
import json
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, BinaryIO

from builder.base import archives, cache_paths, files, records, remote, texts
from builder.base.errors import BuildError
from builder.base.frozen import dataclass
from builder.building import container_reports
from builder.building.container_reports import CompileRecord, LibraryReport
from builder.engine import advice
from builder.layer import tree
from builder.layer.tree import EXECUTABLE, LINK, PLAIN, Entry, InMemory, Slice, Tree
from builder.plan.mode import ACCELERATED, EMULATED, MODES

_MOST_BYTES = 8 << 30
"""Bytes of the files that a container returns: compiled wheels, and layers before they are slimmed."""
_LONGEST_PATH = 4096
_AT_ONCE = 1 << 20
"""Bytes that are copied at once."""
_RECORD = "expected.json"
"""The file that `receive` adds to what a container returns."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Artifact:
    """The result of one part of a container build: a tar on this host."""

    path: Path
    requested_mode: str
    """The mode of the build: one of `MODES`."""

    @property
    def mode(self) -> str:
        """The mode in which the part was compiled. A build that ignores CC is emulated, whichever mode it was given."""
        verifiable = self.requested_mode == ACCELERATED and self._record.compiles
        return EMULATED if verifiable and self.libraries().compilers == ("gcc",) else self.requested_mode

    @property
    def sha256(self) -> str:
        """The SHA-256 of its files with their names and modes; `get` and `receive` return none that has another."""
        return records.seal(self.path)

    @property
    def notes(self) -> list[str]:
        """Remarks for the user on how the part was compiled."""
        ignored = ["its build ignores CC: the compiler was emulated"] if self.mode != self.requested_mode else []
        pure = (
            [f"{fell.what}: {'; '.join((*fell.why, *filter(None, [fell.hint])))}"] if (fell := self.fallback()) else []
        )
        return [*self._record.notes, *ignored, *pure]

    def fallback(self) -> BuildError | None:
        """Return what a wheel lacked that is pure Python although it is for one platform; None for any other part."""
        said = self.text("out/fallback.txt")
        return advice.of_fallback(said.splitlines()) if said else None

    @property
    def _record(self) -> CompileRecord:
        return container_reports.record(self.text(_RECORD))

    def files(self, below: str) -> Tree:
        """Return the files below a folder of the artifact, by paths relative to it. Their bytes stay in the tar."""
        prefix = f"{below}/"
        with _opened(self.path) as archive:
            return tree.of(
                _entry(self.path, member, member.name[len(prefix) :])
                for member in archive
                if member.name.startswith(prefix) and (member.isreg() or member.issym() or member.islnk())
            )

    def text(self, name: str) -> str:
        """Return a small file of the artifact as text; an empty string if there is none. Raises BuildError."""
        with _opened(self.path) as archive:
            member = next((each for each in archive if each.name == name and each.isreg()), None)
            stream = archive.extractfile(member) if member else None
            return archives.read(stream, texts.LARGEST, name).decode(errors="replace")

    def with_dependencies(self, sonames: set[str]) -> set[str]:
        """Return sonames together with all bundled libraries that they need, directly or indirectly."""
        rows = self.libraries().added
        soname_by_file = {(row.path or "").rpartition("/")[2]: row.soname for row in rows}
        closure = set(sonames)
        while more := {row.soname for row in rows if soname_by_file.get(row.by or "") in closure} - closure:
            closure |= more
        return closure

    def libraries(self) -> LibraryReport:
        """Return the report of `libraries.py`."""
        return container_reports.libraries(self.text("out/libraries.json"))


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[tarfile.TarFile]:
    """Open the tar of an artifact. Raises BuildError for one that cannot be read; its seal may be that of others."""
    try:
        with archives.reading(), tarfile.open(path, "r:") as archive:
            yield archive
    except archives.UnreadableError as error:
        raise _unreadable(error) from error


def _unreadable(error: archives.UnreadableError) -> BuildError:
    return BuildError("the output of a container cannot be read", why=[str(error)], hint="--no-cache compiles anew")


def _entry(path: Path, member: tarfile.TarInfo, name: str) -> Entry:
    if member.issym():
        return Entry(path=name, mode=LINK, content=InMemory(data=member.linkname.encode()), link=member.linkname)
    permissions = EXECUTABLE if member.mode & 0o111 else PLAIN
    return Entry(path=name, mode=permissions, content=Slice(path=path, offset=member.offset_data, size=member.size))


def folder() -> Path:
    """Return the folder of all cached artifacts."""
    return cache_paths.folder("parts")


def get(key: str, modes: Sequence[str] = MODES) -> Artifact | None:
    """Return the cached artifact of a key, in the first of these modes that has one; None if none is cached.

    The remote cache is consulted, too. A damaged artifact, whose bytes do not match its seal, is removed.
    """
    for path in (folder() / f"{key}-{mode}.tar" for mode in modes):
        if not path.exists() and not remote.fetch(f"parts/{path.name}", path):
            continue
        try:
            if records.sealed(path):
                cache_paths.touch(path)
                return Artifact(path=path, requested_mode=path.stem.rpartition("-")[2])
        except OSError:
            pass
        files.remove(path)
    return None


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpectedArtifact:
    """An artifact that a build is going to produce."""

    key: str
    mode: str
    compiles: bool = True
    """Whether all its programs must come from the given compiler, so that another one is detected."""
    notes: tuple[str, ...] = ()


def receive(stream: BinaryIO, expected: Mapping[str, ExpectedArtifact]) -> dict[str, Artifact]:
    """Split the tar of a build into cached artifacts, and return them. `expected` says what each top-level folder is.

    Raises UnreadableError if the tar is cut or damaged, BuildError if it is too large, or if the build produced nothing
    for one of the folders.
    """
    cached = folder()
    cached.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".part-", dir=cached) as name, contextlib.ExitStack() as opened:
        writers: dict[str, _Writer] = {}
        with archives.reading(), archives.streamed(stream, 2 * _MOST_BYTES) as archive:
            for member, top, rest in _listed(archive):
                if top in expected:
                    if top not in writers:
                        writers[top] = opened.enter_context(contextlib.closing(_Writer(Path(name) / top, f"{top}/")))
                    writers[top].add(archive, member, rest)
        if missing := sorted(set(expected) - set(writers)):
            msg = f"the build produced nothing for {', '.join(missing)}"
            raise BuildError(msg)
        return {top: _store(writer, expected[top], cached) for top, writer in writers.items()}


def _listed(archive: tarfile.TarFile) -> Iterator[tuple[tarfile.TarInfo, str, str]]:
    """Yield members with the folder at the top and the path below it. Raises BuildError beyond a limit."""
    for count, member in enumerate(archive):
        vars(archive)["members"].clear()  # each is wanted once, and there may be many
        if count >= archives.MOST_MEMBERS or len(member.name) > _LONGEST_PATH:
            raise _too_large()
        top, _, rest = member.name.removeprefix("./").partition("/")
        if rest and rest != _RECORD:
            yield member, top, rest


def _too_large() -> BuildError:
    limits = f"at most {_MOST_BYTES >> 30} GB, {archives.MOST_MEMBERS:,} files, {_LONGEST_PATH} characters of a path"
    hint = "a layer has at most 250 MB: remove what it does not need"
    return BuildError("the output of the container is too large", why=[limits], hint=hint)


def _store(writer: "_Writer", expected: ExpectedArtifact, cached: Path) -> Artifact:
    writer.write(_RECORD, json.dumps({"compiles": expected.compiles, "notes": expected.notes}))
    writer.seal()
    Artifact(path=writer.path, requested_mode=expected.mode).libraries()  # a damaged one is not kept
    path = cached / f"{expected.key}-{expected.mode}.tar"
    files.move(writer.path, path)
    remote.upload(f"parts/{path.name}", path)
    return Artifact(path=path, requested_mode=expected.mode)


class _Writer:
    """The tar of one artifact while it is written."""

    def __init__(self, path: Path, prefix: str) -> None:
        self.path = path
        self._prefix = prefix
        self._left = _MOST_BYTES
        self._written: dict[str, tuple[int, tarfile.TarInfo]] = {}
        self._sealed = records.Sealed(path)
        self._file = io.BufferedWriter(self._sealed, _AT_ONCE)
        self.tar = tarfile.open(fileobj=self._file, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115
        vars(self.tar)["copybufsize"] = _AT_ONCE  # not known to typeshed

    def add(self, archive: tarfile.TarFile, member: tarfile.TarInfo, name: str) -> None:
        plain = tarfile.TarInfo(name)
        plain.type, plain.mode, plain.linkname, plain.size = member.type, member.mode, member.linkname, member.size
        if member.isreg():
            self._put(plain, archive.extractfile(member))
        elif member.islnk():
            # Lambda's zips have no hard links, so a second name of a file becomes a copy.
            offset, first = self._first(member)
            plain.type, plain.linkname, plain.size, plain.mode = tarfile.REGTYPE, "", first.size, first.mode
            self._file.flush()
            with self.path.open("rb") as again:
                again.seek(offset)
                self._put(plain, again)
        elif member.issym():
            self.tar.addfile(plain)

    def _first(self, member: tarfile.TarInfo) -> tuple[int, tarfile.TarInfo]:
        """Return where the first name of a file was written."""
        first = member.linkname.removeprefix("./").removeprefix(self._prefix)
        if first not in self._written:
            msg = f"{member.name} is a second name of {member.linkname}, which is not before it"
            raise archives.UnreadableError(msg)
        return self._written[first]

    def write(self, name: str, text: str) -> None:
        info = tarfile.TarInfo(name)
        info.size = len(text.encode())
        self._put(info, io.BytesIO(text.encode()))

    def seal(self) -> None:
        """Write the end."""
        self.tar.close()
        self._file.flush()
        self._sealed.seal()
        self._file.close()

    def close(self) -> None:
        """Close the file, also before its end is written."""
        self._file.close()

    def _put(self, plain: tarfile.TarInfo, content: IO[bytes] | None) -> None:
        self._left -= plain.size
        if self._left < 0:
            raise _too_large()
        header = plain.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
        self._written[plain.name] = (self.tar.offset + len(header), plain)
        self.tar.addfile(plain, content)
