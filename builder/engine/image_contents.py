"""The libraries of an image, with their symbol versions, and its programs. Nothing in the image is executed."""

import re
import tarfile
from typing import Any

from builder.base import processes
from builder.base.errors import EngineError
from builder.base.frozen import dataclass
from builder.engine import failure, owned
from builder.engine.client import Engine
from builder.layer.elf import MAGIC, UnreadableElfError, parse
from builder.model import symbol_versions
from builder.model.architectures import Architecture

_LIBRARIES = re.compile(r"^(?:usr/)?lib(?:64)?/(?:[a-z0-9_]+-linux-gnu/)?(?P<name>[^/]*\.so(?:\.[^/]*)?)$")
_LANGUAGE = re.compile(r"^var/lang/lib/(?P<name>[^/]*\.so(?:\.[^/]*)?)$")
_PROGRAMS = re.compile(r"^(?:var/lang/bin|usr/local/bin|usr/bin|bin)/(?P<name>[^/]+)$")


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageContents:
    """The shared libraries and the programs of an image."""

    libraries: dict[str, tuple[str, ...]]
    """The highest symbol version of each family, such as `GLIBC_2.34`, by the name of the library or link."""
    language: dict[str, tuple[str, ...]]
    """The same of /var/lang/lib, which the loader searches before the system's folders."""
    programs: tuple[str, ...]
    """Names of the programs in PATH, sorted."""

    def as_json(self) -> dict[str, Any]:
        libraries = [{"name": name, "versions": list(versions)} for name, versions in sorted(self.libraries.items())]
        return {"libraries": libraries, "programs": list(self.programs)}

    def text(self, *, programs: bool) -> str:
        """Return the libraries in the format of `images/libraries`, or the programs in that of `images/commands`."""
        if programs:
            return "".join(f"{name}\n" for name in self.programs)
        return "".join(f"{' '.join([name, *versions])}\n" for name, versions in sorted(self.libraries.items()))


def read_image(engine: Engine, reference: str, arch: Architecture) -> ImageContents:
    """Return the contents of an image, read from a container that is created and never started.

    Raises NoImageError if the image cannot be pulled, EngineError if no container can be created.
    """
    arguments = [f"--platform={arch.docker}", "--entrypoint=/none", reference]
    with (
        owned.created(engine, arguments, lambda made: _explain(made, reference)) as name,
        processes.started([engine.program, "export", name]) as process,
    ):
        if process.stdout is None:
            raise AssertionError
        with tarfile.open(fileobj=process.stdout, mode="r|") as archive:
            return _read(archive)


def _explain(made: processes.Finished, reference: str) -> Exception:
    if error := failure.unpullable(made.stderr, reference):
        return error
    return EngineError(f"no container could be created from {reference}", why=made.stderr.strip().splitlines()[-2:])


def _read(archive: tarfile.TarFile) -> ImageContents:
    system, language, programs = _FolderLibraries(), _FolderLibraries(), set()
    for member in archive:
        path = member.name.removeprefix("./").lstrip("/")
        if match := _LIBRARIES.match(path):
            system.add(match["name"], member, archive)
        elif match := _LANGUAGE.match(path):
            language.add(match["name"], member, archive)
        elif (match := _PROGRAMS.match(path)) and (member.issym() or member.mode & 0o111):
            programs.add(match["name"])
    return ImageContents(libraries=system.resolved(), language=language.resolved(), programs=tuple(sorted(programs)))


class _FolderLibraries:
    """The libraries of some folders while an image is read."""

    def __init__(self) -> None:
        self._versions: dict[str, tuple[str, ...]] = {}
        self._links: dict[str, str] = {}

    def add(self, name: str, member: tarfile.TarInfo, archive: tarfile.TarFile) -> None:
        if member.issym() or member.islnk():
            target = member.linkname.rpartition("/")[2]
            if target != name:  # equal if a folder links to a file of the same name in another one
                self._links[name] = target
        elif member.isreg() and (stream := archive.extractfile(member)):
            self._versions[name] = _highest(stream.read())

    def resolved(self) -> dict[str, tuple[str, ...]]:
        """Return the symbol versions by the name of the library or of the link to it."""
        found = dict(self._versions)
        for name in self._links:
            target = name
            for _ in range(len(self._links)):  # bounded, because links may form a cycle
                target = self._links.get(target, target)
            found[name] = found.get(target, ())
        return found


def _highest(data: bytes) -> tuple[str, ...]:
    """Return the highest symbol version of each family that a library defines."""
    if data[:4] != MAGIC:
        return ()
    try:
        return symbol_versions.of_each_family(parse(data).defined)
    except UnreadableElfError:
        return ()
