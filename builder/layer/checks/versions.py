"""Checks the symbol versions of Lambda's other libraries: OpenSSL, zlib, and whatever the survey of an image shows."""

from collections import defaultdict
from collections.abc import Iterator

from builder.layer import linking
from builder.layer.checks.binaries import example, loaded
from builder.layer.checks.model import Subject, check
from builder.layer.elf import Elf, VersionNeed
from builder.layer.findings import ERROR, WARNING, Finding
from builder.model import libraries, symbol_versions
from builder.model.libraries import FoundVersions

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
        family = symbol_versions.family(need.version)
        if family and not need.weak and family not in _OTHER_CHECKS:
            by_family[need.library, family].append(need)
    for needs in by_family.values():
        yield max(needs, key=lambda need: symbol_versions.number(need.version))


def _of_need(subject: Subject, path: str, elf: Elf, need: VersionNeed) -> Finding | None:
    """Return the finding for a version that a runtime is not certain to have."""
    lacking: list[str] = []
    never = False
    for runtime in subject.runtimes:
        for arch in subject.architectures:
            having = libraries.versions_of(need.library, runtime, arch)
            if having and (reason := _lacks(having, need.version)):
                lacking.append(f"{runtime.name} has {reason}")
                never = never or not symbol_versions.has(having.newest, need.version)
    if not lacking:
        return None
    certain = never and (loaded(path, elf) or elf.program or subject.own)
    needed = f"{need.version} of `{need.library}`{example(subject, path, need.version)}"
    return Finding(
        check="symbol-version",
        severity=ERROR if certain else WARNING,
        path=path,
        message=f"needs {needed}; {', '.join(dict.fromkeys(lacking))}",
        hint="compile it in the image of the runtime, or bundle the library that it was linked with under a DT_RPATH",
    )


def _lacks(having: FoundVersions, version: str) -> str | None:
    """Return what a runtime has instead of a version; None if every host has it."""
    if symbol_versions.has(having.everywhere, version):
        return None
    best = symbol_versions.same_family(having.everywhere, version)
    if not symbol_versions.has(having.newest, version):
        return f"{best} in {having.folder}"
    return f"{best} in {having.folder}, and only the newest image {symbol_versions.same_family(having.newest, version)}"
