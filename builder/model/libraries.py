"""Shared libraries and programs of Lambda's images, as data in `images/libraries` and `images/commands`.

A line is a soname, followed by the highest symbol version of each family that it defines, if known:
`libstdc++.so.6 CXXABI_1.3.15 GLIBCXX_3.4.33`. `layerwright images survey` prints this format.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cache

from builder.base.errors import UsageError
from builder.base.frozen import dataclass
from builder.model import facts
from builder.model.architectures import ARCHITECTURES, X86_64, Architecture
from builder.model.images import run_image
from builder.model.runtimes import Runtime, operating_systems, runtimes

C_LIBRARY = re.compile(
    r"^(?:lib(?:c|m|dl|pthread|rt|resolv|util|anl|mvec|BrokenLocale|thread_db|nss_[a-z0-9_]+)|ld-linux[^.]*)\.so\.\d+$"
)
"""Sonames of glibc, whose parts work only with each other."""
LICENSE_TEXTS = "share/licenses/"
"""Folder of a layer for license texts of bundled system libraries, with one folder for each package."""
Versions = tuple[str, ...]


def of_system(system: str, arch: str) -> Mapping[str, Versions]:
    """Return the sonames in the images of an operating system, with their highest symbol versions.

    Raises UsageError if the data of the operating system is incomplete.
    """
    return _of_system(system, _libraries_file(system, arch))


def _libraries_file(system: str, arch: str) -> str:
    return f"libraries/{system}-{arch}.txt"


def _commands_file(system: str) -> str:
    return f"commands/{system}.txt"


def _of_system(system: str, file: str) -> Mapping[str, Versions]:
    try:
        return _table(file)
    except FileNotFoundError:
        msg = f"the data about the images of {operating_systems()[system].title} (`{system}`) is incomplete"
        hint = "save the output of each command as the file in front of it; nothing in the image is executed"
        raise UsageError(msg, why=_missing(system), hint=hint) from None


def _missing(system: str) -> Iterator[str]:
    """Yield each file that an operating system needs and does not have, with the command that writes it."""
    files = [(_libraries_file(system, name), name, "") for name in ARCHITECTURES]
    files += [(_commands_file(system), X86_64.name, " --programs")]
    for file, arch, option in files:
        path = facts.folder() / file
        if not path.is_file():
            image = _image_of(system, ARCHITECTURES[arch])
            yield f"{path} is missing: `layerwright images survey {image} --arch {arch}{option}` lists its content"


def _image_of(system: str, arch: Architecture) -> str:
    """Return the image with the least beside the operating system: that of a custom runtime, where one exists."""
    having = [each for each in runtimes().values() if each.os.name == system]
    having.sort(key=lambda runtime: runtime.language != "provided")
    return run_image(having[0], arch).name if having else "IMAGE"


@cache
def maybe_absent(system: str) -> frozenset[str]:
    """Return the sonames of an operating system's images that the managed runtime may lack."""
    named = ((name, [word for word in words if not word.startswith("!")]) for name, words in _maybe_absent())
    return frozenset(name for name, systems in named if not systems or system in systems)


def hidden(runtime: Runtime) -> frozenset[str]:
    """Return the sonames that tests hide from a layer: what may be absent and the interpreter itself does not need."""
    needed = {name for name, words in _maybe_absent() if f"!{runtime.language}" in words}
    return maybe_absent(runtime.os.name) - needed


def _maybe_absent() -> Iterable[tuple[str, Versions]]:
    return _table("libraries/maybe-absent.txt").items()


def maybe_absent_in(runtimes: Iterable[Runtime]) -> frozenset[str]:
    """Return the sonames that at least one of the runtimes may lack though its image has them."""
    return frozenset().union(*(maybe_absent(runtime.os.name) for runtime in runtimes if not runtime.customer))


@cache
def commands(system: str, language: str) -> frozenset[str]:
    """Return the programs that a runtime finds in PATH before those of a layer.

    Raises UsageError if the data of the operating system is incomplete.
    """
    of_system = _of_system(system, _commands_file(system))
    return frozenset(of_system) | frozenset(_table("commands/languages.txt").get(language, ()))


def in_images(runtimes: Iterable[Runtime], architectures: Iterable[Architecture]) -> frozenset[str]:
    """Return the sonames that all of the runtimes find without a layer, according to their images."""
    sets = [
        {*_of_runtime(runtime, arch), arch.loader.rpartition("/")[2]} for runtime in runtimes for arch in architectures
    ]
    return frozenset(set.intersection(*sets)) if sets else frozenset()


def _of_runtime(runtime: Runtime, arch: Architecture) -> Iterable[str]:
    """Return the sonames that a runtime's image has."""
    if surveyed := runtime.surveyed_libraries.get(arch.name):
        return surveyed
    return {**of_system(runtime.os.name, arch.name), **_of_language(runtime)}


def certain(runtimes: Iterable[Runtime], architectures: Iterable[Architecture]) -> frozenset[str]:
    """Return the sonames that all of the runtimes have for certain, not only their images."""
    chosen = tuple(runtimes)
    return in_images(chosen, architectures) - maybe_absent_in(chosen)


def provided(runtimes: Iterable[Runtime], arch: Architecture) -> list[str]:
    """Return the sonames that runtimes have for certain, sorted."""
    return sorted(certain(runtimes, (arch,)))


def _of_language(runtime: Runtime) -> Mapping[str, Versions]:
    """Return the sonames in /var/lang/lib, where Lambda's interpreters are libraries, with their symbol versions."""
    found = {name: versions for pattern, name, versions in _scoped("languages") if fnmatchcase(runtime.name, pattern)}
    if runtime.python:
        found |= {f"libpython{runtime.series}.so.1.0": (), "libpython3.so": ()}
    if runtime.language == "ruby":
        found |= {f"libruby.so.{'.'.join(runtime.series.split('.')[:2])}": ()}
    return found


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundVersions:
    """The highest symbol versions of the library that the loader finds for a soname in a runtime."""

    folder: str
    """`/var/lang/lib`, which comes first, or `/lib64`."""
    everywhere: Versions
    """What every host has."""
    newest: Versions
    """What the newest image has."""


def versions_of(soname: str, runtime: Runtime, arch: Architecture) -> FoundVersions | None:
    """Return the symbol versions of a library of a runtime; None if it has no such library."""
    if surveyed := runtime.surveyed_libraries.get(arch.name):
        own = surveyed.get(soname)
        return None if own is None else FoundVersions(folder="its image", everywhere=own, newest=own)
    own_folder = _of_language(runtime)
    if soname in own_folder:
        return FoundVersions(folder="/var/lang/lib", everywhere=own_folder[soname], newest=own_folder[soname])
    of_image = of_system(runtime.os.name, arch.name)
    if soname not in of_image:
        return None
    newer = next(
        (found for system, name, found in _scoped("newest") if (system, name) == (runtime.os.name, soname)), None
    )
    return FoundVersions(folder="/lib64", everywhere=of_image[soname], newest=newer or of_image[soname])


@cache
def _scoped(file: str) -> tuple[tuple[str, str, Versions], ...]:
    """Return the rows of a file whose first column says where a library is."""
    return tuple((where, name, tuple(versions)) for where, name, *versions in _rows(f"libraries/{file}.txt"))


def refusal(soname: str, runtimes: Iterable[Runtime], architectures: Iterable[Architecture]) -> str | None:
    """Return the reason why a library must not be bundled, or None."""
    if C_LIBRARY.match(soname):
        return f"`{soname}` is part of the C library, of which a second copy crashes"
    if soname in certain(runtimes, architectures):
        return f"Lambda has `{soname}` itself and finds it before /opt/lib, so that a bundled one is never used"
    return None


@cache
def _table(file: str) -> Mapping[str, Versions]:
    return {name: tuple(versions) for name, *versions in _rows(file)}


def _rows(file: str) -> Iterator[list[str]]:
    text = (facts.folder() / file).read_text(encoding="utf-8")
    return (line.split() for line in text.splitlines() if line and not line.startswith("#"))
