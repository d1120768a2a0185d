"""Checks the symbol versions of Lambda's other libraries: OpenSSL, zlib, and whatever the survey of an image shows."""

import re
from collections import defaultdict
from collections.abc import Iterator

from builder.layer import linking
from builder.layer.checks.binaries import loaded
from builder.layer.checks.model import ERROR, WARNING, Finding, Subject, check
from builder.layer.elf import Elf, VersionNeed, symbols
from builder.layer.versions import version_key
from builder.model import libraries
from builder.model.libraries import FoundVersions, Versions

_VERSION = re.compile(r"(?P<family>[A-Z][A-Z0-9_]*?)_(?P<number>\d+(?:\.\d+)*)")
_OTHER_CHECKS = {"GLIBC", "GLIBCXX", "CXXABI", "GCC"}


@check(
    "symbol-version",
    "A library of Lambda's that is older than the one a file was linked with ends in `version ... not found`.",
)
def symbol_version(subject: Subject) -> Iterator[Finding]:
    for path, elf in subject.fitting():
        for need in _highest(elf):
            found = subject.linker.find(path, elf, need.library)
            if found is not None and found.how == linking.SYSTEM and (finding := _of_need(subject, path, elf, need)):
                yield finding


def _highest(elf: Elf) -> Iterator[VersionNeed]:
    """Yield the highest version of each family that a file needs of each library."""
    by_family: dict[tuple[str, str], list[VersionNeed]] = defaultdict(list)
    for need in elf.versions:
        match = _VERSION.fullmatch(need.version)
        if match and not need.weak and match["family"] not in _OTHER_CHECKS:
            by_family[need.library, match["family"]].append(need)
    for needs in by_family.values():
        yield max(needs, key=lambda need: _number(need.version))


def _of_need(subject: Subject, path: str, elf: Elf, need: VersionNeed) -> Finding | None:
    """Return the finding for a version that a runtime is not certain to have."""
    lacking: list[str] = []
    never = False
    for runtime in subject.runtimes:
        for arch in subject.architectures:
            having = libraries.versions_of(need.library, runtime, arch)
            if having and (reason := _lacks(having, need.version)):
                lacking.append(f"{runtime.name} has {reason}")
                never = never or not _has(having.newest, need.version)
    if not lacking:
        return None
    entry = next(entry for entry in subject.tree if entry.path == path)
    names = symbols(entry.content.read(), need.version)
    example = f" for `{names[0]}`" if names else ""
    certain = never and (loaded(path, elf) or elf.program or subject.own)
    return Finding(
        check="symbol-version",
        severity=ERROR if certain else WARNING,
        path=path,
        message=f"needs {need.version} of `{need.library}`{example}; {', '.join(dict.fromkeys(lacking))}",
        hint="compile it in the image of the runtime, or bundle the library that it was linked with under a DT_RPATH",
    )


def _lacks(having: FoundVersions, version: str) -> str | None:
    """Return what a runtime has instead of a version; None if every host has it."""
    if _has(having.everywhere, version):
        return None
    best = _best(having.everywhere, version)
    return f"{best} in {having.folder}" + (
        f", and only the newest image {_best(having.newest, version)}" if _has(having.newest, version) else ""
    )


def _has(versions: Versions, wanted: str) -> bool:
    """Tell whether a library has a version. One of whose family nothing is known is taken to have all."""
    best = _best(versions, wanted)
    return best is None or _number(best) >= _number(wanted)


def _best(versions: Versions, wanted: str) -> str | None:
    """Return the version of the same family as the wanted one."""
    family = wanted.rpartition("_")[0]
    return next((version for version in versions if version.rpartition("_")[0] == family), None)


def _number(version: str) -> tuple[int, ...]:
    return version_key(version.rpartition("_")[2])
