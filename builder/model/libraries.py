"""What the shared libraries and programs of Lambda's images are: `images/libraries` and `images/commands`, as data.

A line is a soname, followed by the highest symbol version that it offers of each family where that is known:
`libstdc++.so.6 CXXABI_1.3.15 GLIBCXX_3.4.33`. `layerwright images survey` writes such files.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache

from builder.model import facts
from builder.model.architectures import Architecture
from builder.model.runtimes import Runtime

C_LIBRARY = re.compile(
    r"^(?:lib(?:c|m|dl|pthread|rt|resolv|util|anl|mvec|BrokenLocale|thread_db|nss_[a-z0-9_]+)|ld-linux[^.]*)\.so\.\d+$"
)
"""Sonames of glibc: its parts work with each other alone."""
LICENCES = "share/licenses/"
"""Where a layer has the licences of what came along from the operating system: a folder for each package, as there."""
_LOADERS = {"x86_64": "ld-linux-x86-64.so.2", "arm64": "ld-linux-aarch64.so.1"}
Versions = tuple[str, ...]


def of_system(system: str, arch: str) -> Mapping[str, Versions]:
    """Return the sonames in the images of an operating system, with their highest symbol versions."""
    return _table(f"libraries/{system}-{arch}.txt")


@cache
def maybe_absent() -> frozenset[str]:
    """Return the sonames that images have for their package manager, and that the managed runtime may lack."""
    return frozenset(_table("libraries/maybe-absent.txt"))


@cache
def commands(runtime_os: str, language: str) -> frozenset[str]:
    """Return the programs that a runtime finds in PATH before those of a layer."""
    found = _table(f"commands/{runtime_os}.txt")
    return frozenset(found) | frozenset(_table("commands/languages.txt").get(language, ()))


def in_images(runtimes: Iterable[Runtime], architectures: Iterable[Architecture]) -> frozenset[str]:
    """Return the sonames that every one of these runtimes finds without a layer, as far as its image tells."""
    every = [
        {*of_system(one.os.name, arch.name), _LOADERS[arch.name], *_of_language(one)}
        for one in runtimes
        for arch in architectures
    ]
    return frozenset(set.intersection(*every)) if every else frozenset()


def _of_language(one: Runtime) -> tuple[str, ...]:
    """Lambda's interpreters are linked as libraries, in /var/lang/lib."""
    if one.python:
        return (f"libpython{one.series}.so.1.0", "libpython3.so")
    return {"ruby": (f"libruby.so.{'.'.join(one.series.split('.')[:2])}",), "java": ("libjvm.so", "libjava.so")}.get(
        one.language, ()
    )


def refusal(soname: str, runtimes: Iterable[Runtime], architectures: Iterable[Architecture]) -> str | None:
    """Return why a library must not be bundled, or None."""
    if C_LIBRARY.match(soname):
        return f"`{soname}` is part of the C library: another copy than the one that is running crashes"
    if soname in in_images(runtimes, architectures) - maybe_absent():
        return f"Lambda has `{soname}` itself and finds it before one in /opt/lib, which would never be used"
    return None


@cache
def _table(file: str) -> Mapping[str, Versions]:
    text = (facts.folder() / file).read_text(encoding="utf-8")
    rows = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    return {name: tuple(versions) for name, *versions in rows}
