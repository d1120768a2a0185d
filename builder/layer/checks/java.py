"""Checks of jars: class files for a newer Java, and native libraries for other processors."""

import struct
import zipfile
from collections.abc import Iterator

from builder.layer import jars
from builder.layer.checks.model import ERROR, Finding, Subject, check
from builder.layer.elf import MAGIC, machine_name
from builder.layer.tree import Entry
from builder.model.limits import UNZIPPED_LIMIT

_CLASS = b"\xca\xfe\xba\xbe"
_OFFSET = 44
"""Major version of a class file minus the number of the Java that reads it (JVM specification, 4.1)."""
_HEAD = 20
_VERSIONED = "META-INF/versions/"
_FOREIGN = ("musl", "android")
"""Words in paths of native libraries for other systems, which are ELF files, too."""


@check("jar", "Java loads native libraries only for its own processor, and no class that is compiled for a newer Java.")
def jar(subject: Subject) -> Iterator[Finding]:
    javas = [int(runtime.series) for runtime in subject.runtimes if runtime.language == "java"]
    if not javas:
        return
    for entry in subject.tree:
        if entry.parent != "java/lib" or not entry.name.endswith(".jar") or entry.size > UNZIPPED_LIMIT:
            continue
        try:
            with jars.opened(entry) as archive:
                yield from _findings(entry, archive, min(javas), subject)
        except jars.DamagedJarError as error:
            yield Finding(
                check="jar",
                severity=ERROR,
                path=entry.path,
                message=f"is not a valid jar: {error}",
                hint="download it again; the file may be truncated",
            )


def _findings(entry: Entry, archive: zipfile.ZipFile, oldest: int, subject: Subject) -> Iterator[Finding]:
    machines: set[str] = set()
    newest = 0
    for info in archive.infolist():
        name = info.filename
        if name.endswith(".class") and not name.startswith(_VERSIONED) and not name.endswith("module-info.class"):
            newest = max(newest, _java(jars.head(archive, info, _HEAD)))
        elif ".so" in name.rpartition("/")[2] and not any(word in name.casefold() for word in _FOREIGN):
            head = jars.head(archive, info, _HEAD)
            if head[:4] == MAGIC and len(head) == _HEAD:
                machines.add(machine_name(struct.unpack_from("<H", head, 18)[0]))
    if newest > oldest:
        yield Finding(
            check="jar",
            severity=ERROR,
            path=entry.path,
            message=f"has classes for Java {newest}, the layer is for Java {oldest}: UnsupportedClassVersionError",
            hint="use an older version of it, or a newer runtime",
        )
    missing = [arch for arch in subject.architectures if machines and arch.elf not in machines]
    if missing:
        has = ", ".join(sorted(one.removeprefix("EM_") for one in machines))
        yield Finding(
            check="jar",
            severity=ERROR,
            path=entry.path,
            message=f"has native libraries for {has}, and none for {' and '.join(arch.name for arch in missing)}",
            hint='use the version or classifier for it; `split-by = ["arch"]` makes one zip for each architecture',
        )


def _java(head: bytes) -> int:
    return struct.unpack_from(">H", head, 6)[0] - _OFFSET if head[:4] == _CLASS and len(head) == _HEAD else 0
