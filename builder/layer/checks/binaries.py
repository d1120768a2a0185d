"""Checks of machine code: symbol versions, C library, level of the processor."""

import re
from collections.abc import Iterator

from builder.layer.checks import platforms
from builder.layer.checks.model import Subject, check
from builder.layer.elf import Elf, symbols
from builder.layer.findings import ERROR, WARNING, Finding
from builder.model import symbol_versions
from builder.model.symbol_versions import version_key

_LOADED_FROM = re.compile(r"^(?:lib|bin|extensions)/[^/]+$|^bootstrap$|\.libs/[^/]+$")
_SYSTEM_LIBRARIES = re.compile(
    r"^(?:lib(?:c|m|dl|pthread|rt|resolv|util|anl|mvec|nsl|crypt|stdc\+\+|gcc_s)|ld-linux[^.]*)\.so"
)
_COMMON_LEVEL, _HIGHEST_LEVEL = 2, 3
"""x86-64 levels: of all hosts, and of AVX2, which Lambda's guide describes."""


def loaded(path: str, elf: Elf) -> bool:
    """Tell whether a file is certain to be loaded in Lambda, rather than only present."""
    return elf.python_module or _LOADED_FROM.search(path) is not None


@check(
    "glibc",
    "Lambda's C library is older than most: a newer symbol ends in `version GLIBC_2.xx not found`.",
)
def glibc(subject: Subject) -> Iterator[Finding]:
    ceiling = subject.os.glibc
    for path, elf, needed in _above(subject, "GLIBC", ceiling):
        yield Finding(
            check="glibc",
            severity=ERROR if loaded(path, elf) or elf.program or subject.own else WARNING,
            path=path,
            message=f"needs {needed}{example(subject, path, needed)}, {subject.os.title} has {ceiling}",
            hint="use a version whose wheel is for an older manylinux, or compile it in the image of the runtime",
        )


def example(subject: Subject, path: str, version: str) -> str:
    """Return the end of a sentence: a symbol for which a file needs a version, and the number of the others."""
    entry = next(entry for entry in subject.tree if entry.path == path)
    names = symbols(entry.content.read(), version)
    more = f" and {len(names) - 1} more symbols" if len(names) > 1 else ""
    return f" for `{names[0]}`{more}" if names else ""


@check("glibcxx", "The C++ library of Lambda's hosts may be older than the one in the newest image.")
def glibcxx(subject: Subject) -> Iterator[Finding]:
    system = subject.os
    for family, safe, image in (
        ("GLIBCXX", system.glibcxx, system.glibcxx_image),
        ("CXXABI", system.cxxabi, system.cxxabi_image),
        ("GCC", system.libgcc, system.libgcc_image),
    ):
        for path, elf, needed in _above(subject, family, safe):
            never = symbol_versions.number(needed) > version_key(image)
            where = (
                f"{system.title} has {image}" if never else f"only the newest {system.title} has it, older hosts {safe}"
            )
            yield Finding(
                check="glibcxx",
                severity=ERROR if never and (loaded(path, elf) or subject.own) else WARNING,
                path=path,
                message=f"needs {needed}{example(subject, path, needed)}; {where}",
                hint="compile it in the image of the runtime, or bundle the libstdc++ that it was built with",
            )


def _above(subject: Subject, family: str, ceiling: str) -> Iterator[tuple[str, Elf, str]]:
    """Yield path, ELF file and highest version of each file that needs more of a symbol family than the ceiling."""
    limit = version_key(ceiling)
    for path, elf in subject.fitting():
        bundled = subject.linker.from_layer(path, elf) if elf.rpath else ()
        needed = [
            need.version
            for need in elf.versions
            if symbol_versions.family(need.version) == family
            and not need.weak
            and need.library not in bundled
            and _SYSTEM_LIBRARIES.match(need.library)
        ]
        if needed and symbol_versions.number(highest := max(needed, key=symbol_versions.number)) > limit:
            yield path, elf, highest


@check("musl", "Code for Alpine Linux needs musl's loader, which Amazon Linux does not have.")
def musl(subject: Subject) -> Iterator[Finding]:
    for path, elf in subject.fitting():
        needed = platforms.other_c_library(elf)
        if needed:
            yield Finding(
                check="musl",
                severity=ERROR if loaded(path, elf) or elf.program or path.endswith(".node") else WARNING,
                path=path,
                message=f"needs `{needed}` of {platforms.whose(needed)}",
                hint="use the manylinux wheel or the build for glibc; musllinux never fits",
            )


@check(
    "cpu-baseline",
    "Lambda promises AVX2 (x86-64-v3) and no AVX-512: code for a higher level than the host has ends with SIGILL.",
)
def cpu_baseline(subject: Subject) -> Iterator[Finding]:
    for path, elf in subject.fitting():
        if elf.level > _COMMON_LEVEL:
            above = elf.level > _HIGHEST_LEVEL
            fact = "no host is certain to have it" if above else "AWS recommends it, but not every host had it"
            yield Finding(
                check="cpu-baseline",
                severity=ERROR if above and (loaded(path, elf) or subject.own) else WARNING,
                path=path,
                message=f"declares that it needs an x86-64-v{elf.level} processor; {fact}",
                hint="compile it for x86-64-v2 (`-march=x86-64-v2`), or choose the code path at run time",
            )
