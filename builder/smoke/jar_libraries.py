"""The default test of jars: the loader of the runtime's image resolves the native libraries in them.

Java unpacks such a library when a class first needs it, and only then would a function learn that another is missing.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from builder.base.frozen import dataclass
from builder.engine.sandbox import File
from builder.layer import jars, java_code
from builder.layer.tree import Entry, Tree
from builder.model.architectures import Architecture
from builder.packages.default_tests import Judgement, TriedCount

_MOST_BYTES = 256 << 20
"""Bytes that are unpacked; larger libraries are not tried."""
_MOST = 300
_LONGEST = 200
"""Bytes of a name of a file."""
_OF_JAVA = {"libjvm.so", "libjava.so", "libjawt.so", "libjli.so", "libverify.so"}
"""Libraries that the process has when Java loads others, since they are its own."""
_SAID = re.compile(r"^library \d+\n", re.MULTILINE)
_ABSENT = re.compile(r"^\s*(?P<name>\S+) => not found", re.MULTILINE)
_VERSION = re.compile(r"version `(?P<version>[^']{1,100})' not found \(required by (?P<by>[^)]*)\)")
_REFUSED = re.compile(r"error while loading shared libraries: (?P<why>.*)")
_SHOWN = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class JarLibrary:
    """A native library for the layer's processor in a jar."""

    jar: str
    """Path of the jar in the layer."""
    name: str
    """Name of the file, without its folders."""
    data: bytes

    def file(self, number: int) -> File:
        """Return it as a file of the sandbox; several may have one name."""
        return f"var/task/jars/{number}/{self.name}", 0o755, self.data, None


def unpacked(content: Tree, arch: Architecture) -> tuple[tuple[JarLibrary, ...], int]:
    """Return the native libraries in the jars of a layer, and how many there are beyond the limits.

    Damaged jars have none: the check `jar` reports them.
    """
    found: list[JarLibrary] = []
    late = size = 0
    for entry in content:
        if java_code.is_jar(entry.path) and not entry.link:
            for name, length, data in _libraries(entry, arch, _MOST_BYTES - size):
                size += len(data)
                if len(data) == length and len(found) < _MOST:
                    found.append(JarLibrary(jar=entry.path, name=name, data=data))
                else:
                    late += 1
    return tuple(found), late


def _libraries(entry: Entry, arch: Architecture, left: int) -> Iterator[tuple[str, int, bytes]]:
    """Yield names of files, their bytes as the jar says, and their content; none of what is beyond the limit."""
    try:
        with jars.opened(entry) as archive:
            for info in archive.infolist():
                fits = info.filename.isprintable() and len(info.filename.encode()) < _LONGEST
                if fits and java_code.native(archive, info) == arch.elf:
                    data = jars.head(archive, info, info.file_size) if info.file_size <= left else b""
                    left -= len(data)
                    yield info.filename.rpartition("/")[2], info.file_size, data
    except jars.DamagedJarError:
        return


def judge(libraries: Sequence[JarLibrary], late: int, stdout: str) -> Judgement:
    """Read what jars.sh printed.

    A jar of which nothing can be loaded fails. Where a part can, what the rest needs may be meant for others, as the
    windows of OpenCV, and is told. One file of several with the same name in a jar suffices: they are for Lambda's
    system and others with the same processor.
    """
    said = _SAID.split(stdout)[1:]
    late += len(libraries) - len(said)  # an image without a loader says nothing
    lacking: dict[str, dict[str, list[str]]] = defaultdict(dict)
    for library, output in zip(libraries, said, strict=False):
        why = list(_reasons(output))
        before = lacking[library.jar].get(library.name)
        lacking[library.jar][library.name] = [] if before == [] else why
    failed = [line for jar, names in lacking.items() if all(names.values()) for line in _lines(jar, names)]
    parts = {name: why for names in lacking.values() if not all(names.values()) for name, why in names.items() if why}
    fine = sum(not why for names in lacking.values() for why in names.values())
    return Judgement(
        tried=(TriedCount(what="libraries of jars", count=fine),),
        untried=tuple(_untried(parts, late)),
        failed=(*failed, f"cannot be loaded: {' '.join(_failing(lacking))}") if failed else (),
    )


def _reasons(output: str) -> Iterator[str]:
    for match in _ABSENT.finditer(output):
        if match["name"] not in _OF_JAVA:
            yield f"{match['name']}: cannot open shared object file"
    yield from (f"version `{match['version']}' not found" for match in _VERSION.finditer(output))
    yield from (match["why"].strip()[:_LONGEST] for match in _REFUSED.finditer(output))


def _lines(jar: str, names: Mapping[str, list[str]]) -> Iterator[str]:
    for name, why in list(names.items())[:_SHOWN]:
        yield f"{jar}: {name}: {', '.join(dict.fromkeys(why))}"


def _failing(lacking: Mapping[str, Mapping[str, list[str]]]) -> list[str]:
    return [jar.rpartition("/")[2] for jar, names in lacking.items() if all(names.values())]


def _untried(parts: Mapping[str, list[str]], late: int) -> Iterator[str]:
    if parts:
        shown = ", ".join(f"{name} needs {why[0].partition(':')[0]}" for name, why in list(parts.items())[:_SHOWN])
        more = ", ..." if len(parts) > _SHOWN else ""
        yield f"libraries of jars that need what is not there ({len(parts)}: {shown}{more})"
    if late:
        yield f"further libraries of jars ({late})"
