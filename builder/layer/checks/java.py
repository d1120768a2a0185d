"""Checks of jars: class files for a newer Java, and native libraries for other processors."""

import re
from collections import defaultdict
from collections.abc import Iterator

from builder.layer.checks import platforms
from builder.layer.checks.model import Subject, check
from builder.layer.findings import ERROR, WARNING, Finding
from builder.layer.java_code import NativeJar
from builder.model.limits import MB

_CLASSIFIED = re.compile(r"(?P<artifact>.*?-\d[^*]*?)[-_.]*\*")
"""The pattern of a jar with a classifier: the version stands before what names the platform."""
_LEAVE_OUT = "leave them out, as a step `maven` does without `all-platforms = true`"
_WORTH_TELLING = 2 * MB
"""Bytes of native libraries for other platforms in one jar."""


@check("jar", "Java loads native libraries only for its own processor, and no class that is compiled for a newer Java.")
def jar(subject: Subject) -> Iterator[Finding]:
    javas = [int(runtime.series) for runtime in subject.runtimes if runtime.language == "java"]
    if not javas:
        return
    sets: dict[str, list[NativeJar]] = defaultdict(list)
    for path, found in subject.jars.items():
        if found.damage:
            yield _error(path, f"is not a valid jar: {found.damage}", "download it again; the file may be truncated")
            continue
        sets[_artifact(path)].append(found)
        if found.newest > min(javas):
            newer = f"has classes for Java {found.newest}, the layer is for Java {min(javas)}"
            hint = "use an older version of it, or a newer runtime"
            yield _error(path, f"{newer}: UnsupportedClassVersionError", hint)
    for members in sets.values():
        yield from _of_set(subject, [found for found in members if found.machines or found.others])


def _artifact(path: str) -> str:
    """Return what the jars of one artifact and version have in common, whatever their classifiers."""
    match = _CLASSIFIED.match(platforms.pattern(path))
    return match["artifact"] if match else path.removesuffix(".jar")


def _of_set(subject: Subject, members: list[NativeJar]) -> Iterator[Finding]:
    """Yield the findings about jars of one artifact: a platform is missing in all of them, or others cost bytes."""
    wanted = {arch.elf: arch.name for arch in subject.architectures}
    machines = {machine for found in members for machine in found.machines}
    meant = [found for found in members if found.machines or platforms.names_platform(found.path.rpartition("/")[2])]
    missing = [name for machine, name in wanted.items() if machine not in machines]
    if meant and missing:
        has = ", ".join(sorted({name for found in meant for name in found.others}))
        more = f" and {len(meant) - 1} more jars of it together" if len(meant) > 1 else ""
        yield _error(
            meant[0].path,
            f"{more} has native libraries for {has}, and none for {' and '.join(missing)}".strip(),
            'use the version or classifier for it; `split-by = ["arch"]` makes one zip for each architecture',
        )
    if missing or not meant:
        return
    useless = [found for found in meant if not found.fits(wanted)]
    if useless:
        size = sum(found.size for found in useless) / MB
        others = f"and {len(useless) - 1} more jars of it are" if len(useless) > 1 else "is"
        message = f"{others} for other platforms ({size:.1f} MB); the one that fits lies beside it"
        yield _warning(useless[0].path, message, _LEAVE_OUT)
    for found in meant:
        names = {machine.removeprefix("EM_") for machine in wanted}
        cost = {name: size for name, size in found.others.items() if name not in names}
        if found.fits(wanted) and sum(cost.values()) > _WORTH_TELLING:
            message = f"has native libraries for {', '.join(sorted(cost))}, too ({sum(cost.values()) / MB:.1f} MB)"
            yield _warning(found.path, message, "nothing loads them here; some artifacts have jars by platform")


def _error(path: str, message: str, hint: str) -> Finding:
    return Finding(check="jar", severity=ERROR, path=path, message=message, hint=hint)


def _warning(path: str, message: str, hint: str) -> Finding:
    return Finding(check="jar", severity=WARNING, path=path, message=message, hint=hint)
