"""Checks of jars: class files for a newer Java, and native libraries for other processors."""

import re
import struct
import zipfile
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from builder.layer import jars
from builder.layer.checks import platforms
from builder.layer.checks.model import ERROR, WARNING, Finding, Subject, check
from builder.layer.elf import MAGIC, machine_name
from builder.layer.tree import Entry
from builder.model.limits import MB, UNZIPPED_LIMIT

_CLASS = b"\xca\xfe\xba\xbe"
_OFFSET = 44
"""Major version of a class file minus the number of the Java that reads it (JVM specification, 4.1)."""
_HEAD = 20
_VERSIONED = "META-INF/versions/"
_FOREIGN = ("musl", "android")
"""Words in paths of native libraries for other systems, which are ELF files, too."""
_SYSTEMS = {".dll": "Windows", ".dylib": "macOS", ".jnilib": "macOS"}
_CLASSIFIED = re.compile(r"(?P<artifact>.*?-\d[^*]*?)[-_.]*\*")
"""The pattern of a jar with a classifier: the version stands before what names the platform."""
_LEAVE_OUT = "leave them out, as a step `maven` does without `all-platforms = true`"
_WORTH_TELLING = 2 * MB
"""Bytes of native libraries for other platforms in one jar."""


@dataclass(kw_only=True, slots=True)
class _NativeJar:
    """What matters of one jar."""

    entry: Entry
    newest: int = 0
    """The Java that its classes need."""
    machines: set[str] = field(default_factory=set)
    """Of its native libraries for Linux."""
    others: Counter[str] = field(default_factory=Counter)
    """Packed bytes of its native libraries by platform: a processor of Linux, or another system."""

    def fits(self, wanted: Collection[str]) -> bool:
        return not self.machines.isdisjoint(wanted)


@check("jar", "Java loads native libraries only for its own processor, and no class that is compiled for a newer Java.")
def jar(subject: Subject) -> Iterator[Finding]:
    javas = [int(runtime.series) for runtime in subject.runtimes if runtime.language == "java"]
    if not javas:
        return
    sets: dict[str, list[_NativeJar]] = defaultdict(list)
    for entry in subject.tree:
        if entry.parent != "java/lib" or not entry.name.endswith(".jar") or entry.size > UNZIPPED_LIMIT:
            continue
        try:
            with jars.opened(entry) as archive:
                found = _read(entry, archive)
        except jars.DamagedJarError as error:
            yield _error(entry, f"is not a valid jar: {error}", "download it again; the file may be truncated")
            continue
        sets[_artifact(entry.path)].append(found)
        if found.newest > min(javas):
            newer = f"has classes for Java {found.newest}, the layer is for Java {min(javas)}"
            hint = "use an older version of it, or a newer runtime"
            yield _error(entry, f"{newer}: UnsupportedClassVersionError", hint)
    for members in sets.values():
        yield from _of_set(subject, [found for found in members if found.machines or found.others])


def _artifact(path: str) -> str:
    """Return what the jars of one artifact and version have in common, whatever their classifiers."""
    match = _CLASSIFIED.match(platforms.pattern(path))
    return match["artifact"] if match else path.removesuffix(".jar")


def _of_set(subject: Subject, members: list[_NativeJar]) -> Iterator[Finding]:
    """Yield the findings about jars of one artifact: a platform is missing in all of them, or others cost bytes."""
    wanted = {arch.elf: arch.name for arch in subject.architectures}
    machines = {machine for found in members for machine in found.machines}
    meant = [found for found in members if found.machines or platforms.names_platform(found.entry.name)]
    missing = [name for machine, name in wanted.items() if machine not in machines]
    if meant and missing:
        has = ", ".join(sorted({name for found in meant for name in found.others}))
        more = f" and {len(meant) - 1} more jars of it together" if len(meant) > 1 else ""
        yield _error(
            meant[0].entry,
            f"{more} has native libraries for {has}, and none for {' and '.join(missing)}".strip(),
            'use the version or classifier for it; `split-by = ["arch"]` makes one zip for each architecture',
        )
    if missing or not meant:
        return
    useless = [found for found in meant if not found.fits(wanted)]
    if useless:
        size = sum(found.entry.size for found in useless) / MB
        others = f"and {len(useless) - 1} more jars of it are" if len(useless) > 1 else "is"
        message = f"{others} for other platforms ({size:.1f} MB); the one that fits lies beside it"
        yield _warning(useless[0].entry, message, _LEAVE_OUT)
    for found in meant:
        names = {machine.removeprefix("EM_") for machine in wanted}
        cost = {name: size for name, size in found.others.items() if name not in names}
        if found.fits(wanted) and sum(cost.values()) > _WORTH_TELLING:
            message = f"has native libraries for {', '.join(sorted(cost))}, too ({sum(cost.values()) / MB:.1f} MB)"
            yield _warning(found.entry, message, "nothing loads them here; some artifacts have jars by platform")


def _error(entry: Entry, message: str, hint: str) -> Finding:
    return Finding(check="jar", severity=ERROR, path=entry.path, message=message, hint=hint)


def _warning(entry: Entry, message: str, hint: str) -> Finding:
    return Finding(check="jar", severity=WARNING, path=entry.path, message=message, hint=hint)


def _read(entry: Entry, archive: zipfile.ZipFile) -> _NativeJar:
    found = _NativeJar(entry=entry)
    for info in archive.infolist():
        name = info.filename
        last = name.rpartition("/")[2]
        if name.endswith(".class") and not name.startswith(_VERSIONED) and not name.endswith("module-info.class"):
            found.newest = max(found.newest, _java(jars.head(archive, info, _HEAD)))
        elif system := next((system for suffix, system in _SYSTEMS.items() if last.endswith(suffix)), None):
            found.others[system] += info.compress_size
        elif ".so" in last:
            head = jars.head(archive, info, _HEAD)
            if head[:4] == MAGIC and len(head) == _HEAD:
                machine = machine_name(struct.unpack_from("<H", head, 18)[0])
                foreign = next((word for word in _FOREIGN if word in name.casefold()), None)
                found.others[foreign or machine.removeprefix("EM_")] += info.compress_size
                found.machines |= set() if foreign else {machine}
    return found


def _java(head: bytes) -> int:
    return struct.unpack_from(">H", head, 6)[0] - _OFFSET if head[:4] == _CLASS and len(head) == _HEAD else 0
