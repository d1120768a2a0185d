"""Files for several platforms side by side, of which a function takes the one that fits: one set, judged as a whole."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

from builder.layer.elf import Elf

_WORD = (
    r"x86[_-]?64|amd64|x64|x86|i[3-6]86|ia32|aarch[_-]?64|arm64(?:[_-]?v8)?|armv?[5-8](?:l|hf)?|armhf|arm|"
    r"ppc64(?:le)?|powerpc64(?:le)?|s390x?|riscv64(?:gc)?|loong(?:arch)?64|mips(?:64)?(?:el|le)?|"
    r"linux(?:32|64|musl|g?libc|gnu)?|many?linux[\d_]*|musl(?:linux)?|gnu(?:eabi(?:hf)?)?|g?libc|android|ios|simulator|"
    r"darwin|mac(?:os)?x?|osx|win(?:32|64|dows)?|msvc|mingw\d*|freebsd|openbsd|netbsd|sunos|solaris|aix|universal2?|fat|intel"
)
_PLATFORM = re.compile(rf"(?<![a-z0-9])(?:{_WORD})(?![a-z0-9])", re.IGNORECASE)
_RUN = re.compile(r"\*(?:[-_./+]*\*)+")
_SUFFIX = re.compile(r"\.(?:so(?:\.[\d.]+)?|dylib|dll|pyd|exe)$", re.IGNORECASE)
_OTHER_C_LIBRARY = re.compile(r"^(?:libc\.musl-|ld-musl-)|^libc\.so(?:\.(?!6(?:\.|$))[\d.]+)?$|^ld-elf\.so")
_OF_MUSL = re.compile(r"musl|^libc\.so$")
_ADDON = ".node"
_PACKAGE = re.compile(r".*node_modules/(?:@[^/]+/)?[^/]+/")
_COMPILED = re.compile(r"/build/(?:Release|Debug)/[^/]+\.node$")


def pattern(path: str) -> str:
    """Return a path with `*` for what names a platform: files of one set have the same.

    Addons of Node.js lie in folders that are divided by version of Node.js and C library as well, or were compiled
    beside them: all of a package are one set. What was compiled is taken first, so that nothing makes up for it.
    """
    folder, _, name = path.rpartition("/")
    if name.endswith(_ADDON):
        package = _PACKAGE.match(path)
        return f"{_RUN.sub('*', _PLATFORM.sub('*', package[0]))}{_ADDON}" if package else path
    if _SUFFIX.search(name):
        name = _SUFFIX.sub("", name).removeprefix("lib")
    return _RUN.sub("*", _PLATFORM.sub("*", f"{folder}/{name}"))


def stands_alone(path: str) -> bool:
    """Tell whether a file is taken before all others of its set."""
    return _COMPILED.search(path) is not None


def names_platform(path: str) -> bool:
    """Tell whether a path names a platform, as those of files do that lie beside others for other platforms."""
    return _PLATFORM.search(path) is not None


def folder(path: str) -> str:
    """Return the folder in which the files for several platforms begin to differ."""
    return pattern(path).partition("*")[0].rpartition("/")[0]


def part(path: str) -> str:
    """Return a path up to the name that tells the platform: what can be left out for it."""
    whole = ""
    for name in path.split("/"):
        whole += name
        if _PLATFORM.search(name):
            break
        whole += "/"
    return whole.rstrip("/") + ("/" if len(whole) < len(path) else "")


def other_c_library(elf: Elf) -> str | None:
    """Return the library of another C library that a file needs, such as musl's; None for glibc."""
    names = (*elf.needed, (elf.interpreter or "").rpartition("/")[2])
    return next((name for name in names if _OTHER_C_LIBRARY.match(name)), None)


def whose(library: str) -> str:
    """Return in words what brings a library of another C library: glibc's alone has the version 6."""
    return "musl" if _OF_MUSL.search(library) else "another system, such as FreeBSD"


def spare(elves: Mapping[str, Elf]) -> frozenset[str]:
    """Return the files for another C library beside which one for glibc and the same processor lies."""
    foreign = {path for path, elf in elves.items() if other_c_library(elf)}
    members = sets(elves) if foreign else {}
    return frozenset(
        path
        for path in foreign
        if any(each not in foreign and elves[each].machine == elves[path].machine for each in members[pattern(path)])
    )


def sets(paths: Iterable[str]) -> dict[str, list[str]]:
    """Return the paths of each set of several files, by pattern."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        found[pattern(path)].append(path)
    return found
