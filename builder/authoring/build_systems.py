"""Which build system a source has, by its files, and the steps of a recipe that run it."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any

from builder.authoring.source_archive import SourceArchive
from builder.base import texts
from builder.base.frozen import dataclass
from builder.packages.cargo import programs

_AUTOTOOLS = ("autoconf", "automake", "libtool")
_PKG_CONFIG = ("pkgconf-m4", "pkgconf-pkg-config")
_OPTIONS = {"cmake": ("-DBUILD_SHARED_LIBS=ON", "-DBUILD_TESTING=OFF")}
"""Without the first, most libraries are static, which no function loads."""
_ASKS_PKG_CONFIG = re.compile(r"PKG_CHECK_MODULES|PKG_PROG_PKG_CONFIG|\bPkgConfig\b|\bdependency\s*\(")
_INSTALL = re.compile(r"^(?:[\w-]+[ \t]+)*install(?:[ \t]+[\w-]+)*[ \t]*::?(?!=)", re.MULTILINE)
_MAKEFILE = re.compile(r"(?:^|/)(?:[Mm]akefile(?:\.inc)?|GNUmakefile|[\w-]+\.mk)$")
_PREFIX = re.compile(r"\$[({](?:PREFIX|prefix)[)}]")
_MAIN = re.compile(r"(?:cmd/(?P<name>[A-Za-z0-9._-]+)/)?main\.go")
_REQUIRES = re.compile(r"^require\b", re.MULTILINE)
_LOCKED = "# The lock in the archive, whose hash is pinned, has the hash of everything that is downloaded.\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class RecognizedSource:
    """How a source is built."""

    title: str
    """The build system, with the file that it was recognized by."""
    steps: Sequence[Mapping[str, Any]] = ()
    packages: tuple[str, ...] = ()
    """Packages of Amazon Linux that it is built with for certain."""
    programs: tuple[str, ...] = ()
    """The programs that it installs, where its files say so."""
    requirement: str | None = None
    """The requirement of pip, for a source distribution of Python; it has no steps of its own."""
    missing: tuple[str, ...] = field(default=())
    """What it lacks to be built by hash, each a sentence."""


def recognized(source: SourceArchive) -> RecognizedSource | None:
    """Return how a source is built; None for one with none of the build systems that layerwright knows."""
    return next((found for look in _LOOKS if (found := look(source))), None)


def _python(source: SourceArchive) -> RecognizedSource | None:
    """Source distributions: PEP 517 and before. A checkout without PKG-INFO is a project, whose folder pip takes."""
    if "PKG-INFO" not in source.texts or not source.files & {"pyproject.toml", "setup.py"}:
        return None
    found = re.search(r"^Name: (\S+)$", source.texts["PKG-INFO"], re.MULTILINE)
    name = found[1] if found else source.name
    requirement = f"{name} @ {source.url}#sha256={source.sha256}"
    return RecognizedSource(title="a source distribution of Python (PKG-INFO)", requirement=requirement)


def _configure(source: SourceArchive) -> RecognizedSource | None:
    if "configure" in source.files:
        return _built("autotools", "configure", source)
    return None


def _autoreconf(source: SourceArchive) -> RecognizedSource | None:
    file = next((name for name in ("configure.ac", "configure.in") if name in source.texts), None)
    return _built("autotools", file, source, _AUTOTOOLS) if file else None


def _meson(source: SourceArchive) -> RecognizedSource | None:
    return _built("meson", "meson.build", source) if "meson.build" in source.texts else None


def _cmake(source: SourceArchive) -> RecognizedSource | None:
    return _built("cmake", "CMakeLists.txt", source) if "CMakeLists.txt" in source.texts else None


def _make(source: SourceArchive) -> RecognizedSource | None:
    """Makefiles that install into a folder of one's choice; others need commands of their own."""
    makefiles = [text for path, text in source.texts.items() if _MAKEFILE.search(path)]
    first = next((name for name in ("GNUmakefile", "makefile", "Makefile") if name in source.texts), None)
    if first and _INSTALL.search(source.texts[first]) and any(map(_PREFIX.search, makefiles)):
        return _built("make", first, source)
    return None


def _built(build: str, file: str, source: SourceArchive, packages: tuple[str, ...] = ()) -> RecognizedSource:
    """Return a source for a step `uses = "source"`."""
    asks = file != "configure" and _ASKS_PKG_CONFIG.search(source.texts.get(file, ""))
    options = {"options": list(_OPTIONS[build])} if build in _OPTIONS else {}
    return RecognizedSource(
        title=f"{build} ({file})",
        steps=[{"uses": "source", "build": build, **options}],
        packages=(*packages, *(_PKG_CONFIG[0 if build == "autotools" else 1 :] if asks else ())),
    )


def _cargo(source: SourceArchive) -> RecognizedSource | None:
    if "Cargo.toml" not in source.texts:
        return None
    try:
        manifest = texts.parse_toml(source.texts["Cargo.toml"])
    except texts.MalformedError:
        return None
    found = programs.names(manifest, source.files) if "package" in manifest else []
    if not found:
        return None
    command = 'cargo install --path . --root "$PREFIX" --locked --no-track'
    no_lock = "the archive has no Cargo.lock, so nothing pins the crates; `--cargo NAME` takes a published crate"
    return RecognizedSource(
        title="cargo (Cargo.toml)",
        steps=[{"uses": "script", "network": True, "run": f"{_LOCKED}{command}\n"}],
        packages=("cargo",),
        programs=tuple(found),
        missing=() if "Cargo.lock" in source.files else (no_lock,),
    )


def _go(source: SourceArchive) -> RecognizedSource | None:
    if "go.mod" not in source.texts:
        return None
    mains = list(_mains(source))
    if not mains:
        return None
    vendored = "vendor/modules.txt" in source.files
    pinned = vendored or "go.sum" in source.files or not _REQUIRES.search(source.texts["go.mod"])
    fetching = {} if vendored else {"network": True}
    options = "-trimpath -buildvcs=false -ldflags='-s -w -buildid='"
    lines = ["export CGO_ENABLED=0 GOTOOLCHAIN=local"]
    lines += [f'go build {options} -o "$PREFIX/bin/{name}" {folder}' for name, folder in mains]
    run = "".join(f"{line}\n" for line in lines)
    return RecognizedSource(
        title="go (go.mod)",
        steps=[{"uses": "script", **fetching, "run": run if vendored else f"{_LOCKED}{run}"}],
        packages=("golang",),
        programs=tuple(name for name, _ in mains),
        missing=() if pinned else ("the archive has no go.sum, so nothing pins the modules",),
    )


def _mains(source: SourceArchive) -> Iterator[tuple[str, str]]:
    """Yield name and folder of each program: the one at the top is named after the module, as `go install` does."""
    module = re.search(r"^module\s+\"?(\S+?)\"?\s*$", source.texts["go.mod"], re.MULTILINE)
    last = [part for part in (module[1] if module else source.name).split("/") if not re.fullmatch(r"v\d+", part)]
    for path in sorted(source.files):
        if match := _MAIN.fullmatch(path):
            name = match["name"] or (last[-1] if last else "")
            if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
                yield name, f"./cmd/{name}" if match["name"] else "."


_LOOKS: tuple[Callable[[SourceArchive], RecognizedSource | None], ...] = (
    _python,
    _configure,
    _meson,
    _cmake,
    _cargo,
    _go,
    _autoreconf,
    _make,
)
"""In the order in which they are tried: many programs have a makefile for their authors besides."""
