"""Checks that machine code is for the processor and the system of the layer, wherever in the layer it lies."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator

from builder.layer.checks import platforms
from builder.layer.checks.binaries import loaded
from builder.layer.checks.model import Subject, check
from builder.layer.elf import Elf
from builder.layer.executables import OddFile
from builder.layer.findings import ERROR, WARNING, Finding
from builder.layer.names import TEST_DATA
from builder.model.limits import MB

_RUNNABLE = {"ET_EXEC", "ET_DYN"}
"""Kinds of ELF files that can be started or loaded. Object files and dumps cannot."""
_PROCESSORS = re.compile(r"EM_(?:386|ARM|X86_64|AARCH64|PPC|PPC64|MIPS|S390|RISCV|LOONGARCH)$")
"""Code for anything else (graphics cards, eBPF) is data to the loader."""
_PACKAGES = re.compile(r"^(?:python|nodejs|ruby|java)/")
_FOUND = re.compile(r"^(?:(?:lib|bin|extensions)/[^/]+|bootstrap)$")
"""Where the loader, a shell and Lambda look."""
_MODULE = re.compile(r"\.(?:pyd|node)$|\.(?:cpython-[\w-]+|abi3)\.so$|^python/.*\.so$")
_LAUNCHER = re.compile(r"^(?:python|ruby)/(?!(?:lib/python[\d.]+/site-packages/)?bin/).*\.exe$")
"""Programs that installers copy for scripts on Windows; setuptools and pip bring them. Copies are in bin/."""
_NODE_PACKAGE = re.compile(r".*node_modules/(?P<name>(?:@[^/]+/)?[^/]+)/")
_TAG = re.compile(rb"^Tag: [\w.]+-[\w.]+-([\w.]+)\s*$", re.MULTILINE)
_WHEEL = 64 << 10
"""Bytes of a file WHEEL that are read."""
_PARTS = 4
_ALLOW = "in a recipe, [[allow]] with its path and a reason accepts a file that nothing starts or loads"


@check(
    "architecture", "A file for another processor or system cannot be loaded; the function fails at its first import."
)
def architecture(subject: Subject) -> Iterator[Finding]:
    wanted = {arch.elf for arch in subject.architectures}
    sets = platforms.sets([*subject.elves, *subject.odd])
    others: dict[str, list[str]] = defaultdict(list)
    for path in (*subject.elves, *subject.odd):
        elf, odd = subject.elves.get(path), subject.odd.get(path)
        if elf and wanted == {elf.machine}:
            continue
        members = sets[platforms.pattern(path)]
        if (odd is None or odd.system) and not platforms.stands_alone(path):
            machines = {subject.elves[each].machine for each in members if each in subject.elves}
            if wanted <= machines:  # of the set, the file that fits is taken
                others[platforms.folder(path)].append(path)
                continue
        if elf:
            yield _foreign(subject, path, elf, members)
        elif odd and not _LAUNCHER.search(path) and not (odd.system and any(each in subject.elves for each in members)):
            yield _odd(path, odd)  # else the code for another processor in the set says that none fits
    yield from _wheels(subject)
    for folder, paths in sorted(others.items()):
        fitting = {path for path in paths if path in subject.elves and subject.elves[path].machine in wanted}
        if foreign := [path for path in paths if path not in fitting]:
            yield _dead_weight(subject, folder, foreign)
    for path, problem in subject.damaged.items():
        severity = ERROR if problem.excessive else subject.suspicious
        hint = "download or build the file again"
        yield Finding(check="architecture", severity=severity, path=path, message=f"is a {problem}", hint=hint)


def _foreign(subject: Subject, path: str, elf: Elf, members: Collection[str]) -> Finding:
    """Return the finding about code for another processor, of which the layer has no other form."""
    names = " and ".join(arch.name for arch in subject.architectures)
    return Finding(
        check="architecture",
        severity=ERROR if _needed(path, elf, members) else WARNING,
        path=path,
        message=f"is code for {elf.machine.removeprefix('EM_')}, the layer is for {names}",
        hint=f"build for the layer's architecture, or split the layer by arch; {_ALLOW}",
    )


def _needed(path: str, elf: Elf, members: Collection[str]) -> bool:
    """Return whether something fails without the file: programs can be started from any path, libraries be opened.

    A library beside others for other platforms is often one of several ways, of which none may fit.
    """
    if loaded(path, elf):
        return True
    if elf.kind not in _RUNNABLE or not _PROCESSORS.match(elf.machine) or TEST_DATA.search(path):
        return False
    return elf.program or path.endswith(".node") or len(members) == 1 or not platforms.names_platform(path)


def _odd(path: str, odd: OddFile) -> Finding:
    if odd.system is None:
        return _no_library(path, odd.pointed or "")
    module, found = _MODULE.search(path) is not None, _FOUND.match(path) is not None
    own_program = not _PACKAGES.match(path)
    package = _NODE_PACKAGE.match(path)
    meant = package is not None and platforms.names_platform(package["name"])
    kind = "library" if module or re.search(r"\.(?:so|dylib|dll)(?:\.|$)", path) else "program"
    return Finding(
        check="architecture",
        severity=ERROR if (module or found or own_program or meant) and not TEST_DATA.search(path) else WARNING,
        path=path,
        message=f"is a {kind} for {odd.system}",
        hint="it was built or installed on that system; use the wheel for Linux, or build with layerwright; " + _ALLOW,
    )


def _wheels(subject: Subject) -> Iterator[Finding]:
    """Yield the Python packages that were installed for another system, as their own metadata tells."""
    for entry in subject.tree:
        if entry.name != "WHEEL" or entry.link is not None or not entry.parent.endswith(".dist-info"):
            continue
        tags = _TAG.findall(entry.content.head(_WHEEL))
        if tags and all(tag.startswith((b"win", b"macosx", b"ios", b"android")) for tag in tags):
            yield Finding(
                check="architecture",
                severity=ERROR if any(odd.system for odd in subject.odd.values()) else WARNING,
                path=entry.path,
                message=f"is of a package that was installed for {tags[0].decode()}",
                hint="install the wheels for Linux, for example with `--only-binary :all: --platform`, or build with "
                "layerwright",
            )


def _no_library(path: str, pointed: str) -> Finding:
    if pointed:
        message = f"holds the name `{pointed}` instead of a library, as a symbolic link that was packed as a file"
        hint = "pack links as links (`zip --symlinks`), or put the library itself there under this name"
    else:
        message, hint = "has the name of a library and is none", "download or build the file again, or leave it out"
    severity = WARNING if TEST_DATA.search(path) else ERROR
    return Finding(check="architecture", severity=severity, path=path, message=message, hint=hint)


def _dead_weight(subject: Subject, folder: str, paths: list[str]) -> Finding:
    """Return the finding about files for other platforms, beside which the one that fits lies."""
    sizes = {entry.path: entry.size for entry in subject.tree}
    total = sum(sizes.get(path, 0) for path in paths)
    parts = sorted({platforms.part(path) for path in paths})
    more = f" and {len(parts) - _PARTS} more" if len(parts) > _PARTS else ""
    size = f"{total / MB:.1f} MB"
    several = f"and {len(paths) - 1} more files below {folder or 'the top'}/ are for other platforms ({size})"
    return Finding(
        check="architecture",
        severity=WARNING,
        path=paths[0],
        message=several if len(paths) > 1 else f"is for another platform ({size}); the one that fits lies beside it",
        hint=f"nothing loads them here; `prune` leaves them out: {' '.join(parts[:_PARTS])}{more}",
    )
