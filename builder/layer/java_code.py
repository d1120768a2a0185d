"""What matters of the code in one jar: the Java that it needs, native libraries in it, and what it opens by name."""

import re
import struct
import zipfile
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

from builder.layer import jars, java_loads
from builder.layer.elf import MAGIC, machine_name
from builder.layer.tree import Entry, InMemory

_PATH = re.compile(r"java/lib/[^/]+\.jar$")
_CLASS = b"\xca\xfe\xba\xbe"
_OFFSET = 44
"""Major version of a class file minus the number of the Java that reads it (JVM specification, 4.1)."""
_HEAD = 20
_MOST = 1 << 20
"""Bytes of a class that is read."""
_VERSIONED = "META-INF/versions/"
_FOREIGN = ("musl", "android")
"""Words in paths of native libraries for other systems, which are ELF files, too."""
_SYSTEMS = {".dll": "Windows", ".dylib": "macOS", ".jnilib": "macOS"}


@dataclass(kw_only=True, slots=True)
class NativeJar:
    """What matters of one jar."""

    path: str
    size: int
    newest: int = 0
    """The Java that its classes need."""
    machines: set[str] = field(default_factory=set)
    """Of its native libraries for Linux."""
    others: Counter[str] = field(default_factory=Counter)
    """Packed bytes of its native libraries by platform: a processor of Linux, or another system."""
    libraries: set[str] = field(default_factory=set)
    """Names of the files of its native libraries for Linux."""
    opens: dict[str, str] = field(default_factory=dict)
    """Libraries that its classes open by name, with the first class."""
    damage: str | None = None
    """Why it cannot be read."""

    def fits(self, wanted: Collection[str]) -> bool:
        return not self.machines.isdisjoint(wanted)


def is_jar(path: str) -> bool:
    """Tell whether a file is a jar that the runtime reads."""
    return _PATH.match(path) is not None


def read(path: str, data: bytes) -> NativeJar:
    """Read a jar; a damaged one is noted."""
    found = NativeJar(path=path, size=len(data))
    try:
        with jars.opened(Entry(path=path, mode=0o644, content=InMemory(data=data))) as archive:
            for info in archive.infolist():
                _add(found, archive, info)
    except jars.DamagedJarError as error:
        return NativeJar(path=path, size=len(data), damage=str(error))
    return found


def _add(found: NativeJar, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
    name = info.filename
    last = name.rpartition("/")[2]
    if name.endswith(".class"):
        if not name.startswith(_VERSIONED) and not name.endswith("module-info.class"):
            data = jars.head(archive, info, _MOST)
            found.newest = max(found.newest, _java(data))
            for library in java_loads.opened(data):
                found.opens.setdefault(library, name.removesuffix(".class").replace("/", "."))
    elif system := next((system for suffix, system in _SYSTEMS.items() if last.endswith(suffix)), None):
        found.others[system] += info.compress_size
    elif machine := native(archive, info):
        found.others[machine.removeprefix("EM_")] += info.compress_size
        if machine not in _FOREIGN:
            found.machines.add(machine)
            found.libraries.add(last)


def native(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> str | None:
    """Tell the processor of a native library in a jar, as ELF names it, or the other system that its path says.

    None for a file that is no library of ELF. Raises DamagedJarError.
    """
    if ".so" not in info.filename.rpartition("/")[2]:
        return None
    head = jars.head(archive, info, _HEAD)
    if head[:4] != MAGIC or len(head) != _HEAD:
        return None
    foreign = next((word for word in _FOREIGN if word in info.filename.casefold()), None)
    return foreign or machine_name(struct.unpack_from("<H", head, 18)[0])


def _java(head: bytes) -> int:
    return struct.unpack_from(">H", head, 6)[0] - _OFFSET if head[:4] == _CLASS and len(head) >= _HEAD else 0
