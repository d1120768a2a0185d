"""What an image offers: its libraries with their symbol versions, and its programs. Nothing in it is executed."""

import re
import tarfile
import uuid
from collections import defaultdict
from dataclasses import dataclass

from builder.base import processes
from builder.base.errors import EngineError
from builder.engine import failure
from builder.engine.client import Engine
from builder.layer.elf import MAGIC, UnreadableElfError, parse
from builder.layer.versions import version_key
from builder.model.architectures import Architecture

_LIBRARIES = re.compile(r"^(?:usr/)?lib(?:64)?/(?:[a-z0-9_]+-linux-gnu/)?(?P<name>[^/]*\.so(?:\.[^/]*)?)$")
_PROGRAMS = re.compile(r"^(?:var/lang/bin|usr/local/bin|usr/bin|bin)/(?P<name>[^/]+)$")
_FAMILY = re.compile(r"^(?P<family>[A-Z][A-Z0-9_]*?)_(?P<number>\d+(?:\.\d+)*)$")


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageContents:
    libraries: dict[str, tuple[str, ...]]
    """Names of libraries and links, with the highest symbol version of each family."""
    programs: tuple[str, ...]

    def text(self, *, programs: bool) -> str:
        """Return it in the format of `images/libraries` or `images/commands`."""
        if programs:
            return "".join(f"{name}\n" for name in self.programs)
        return "".join(f"{' '.join([name, *versions])}\n" for name, versions in sorted(self.libraries.items()))


def read_image(engine: Engine, reference: str, arch: Architecture) -> ImageContents:
    """Read an image's files through the engine: a container is made of it and never started."""
    name = f"layerwright-{uuid.uuid4().hex[:12]}"
    create = [engine.program, "create", f"--name={name}", f"--platform={arch.docker}", "--entrypoint=/none", reference]
    created = processes.run(create)
    if created.returncode:
        if found := failure.unpullable(created.stderr, reference):
            raise found
        msg = f"no container could be made of {reference}"
        raise EngineError(msg, why=created.stderr.strip().splitlines()[-2:])
    try:
        with processes.started([engine.program, "export", name]) as process:
            if process.stdout is None:
                raise AssertionError
            with tarfile.open(fileobj=process.stdout, mode="r|") as archive:
                return _read(archive)
    finally:
        processes.run_always([engine.program, "rm", "--force", "--volumes", name])


def _read(archive: tarfile.TarFile) -> ImageContents:
    versions: dict[str, tuple[str, ...]] = {}
    links: dict[str, str] = {}
    programs = set()
    for member in archive:
        path = member.name.removeprefix("./").lstrip("/")
        if found := _LIBRARIES.match(path):
            if member.issym() or member.islnk():
                pointed = member.linkname.rpartition("/")[2]
                if pointed != found["name"]:  # else one folder points into another
                    links[found["name"]] = pointed
            elif member.isreg() and (stream := archive.extractfile(member)):
                versions[found["name"]] = _highest(stream.read())
        elif (found := _PROGRAMS.match(path)) and (member.issym() or member.mode & 0o111):
            programs.add(found["name"])
    for name in links:
        target = name
        for _ in range(len(links)):  # links may lead in a circle
            target = links.get(target, target)
        versions[name] = versions.get(target, ())
    return ImageContents(libraries=versions, programs=tuple(sorted(programs)))


def _highest(data: bytes) -> tuple[str, ...]:
    """Return the highest version of each family that a library defines."""
    if data[:4] != MAGIC:
        return ()
    try:
        defined = parse(data).defined
    except UnreadableElfError:
        return ()
    families: dict[str, list[str]] = defaultdict(list)
    for version in defined:
        if match := _FAMILY.match(version):
            families[match["family"]].append(match["number"])
    return tuple(f"{family}_{max(numbers, key=version_key)}" for family, numbers in sorted(families.items()))
