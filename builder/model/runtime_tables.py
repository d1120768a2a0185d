"""The tables of `images/runtimes.toml`, as they stand there. `runtimes.py` makes the runtimes of them."""

import dataclasses
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from builder.base import faults, texts
from builder.base.errors import Location, UsageError, near
from builder.base.frozen import dataclass
from builder.model import defaults, facts
from builder.model.defaults import Defaults
from builder.model.rows import Row
from builder.model.runtime_rows import CustomRuntimeTable, RuntimeTable

FILE = "runtimes.toml"
PROJECT_FILE = Path(FILE)
"""Customer-managed runtimes, in the current folder, beside `recipes/`."""
CUSTOM = "custom-"
"""What the names of customer-managed runtimes begin with; Lambda's API knows all of them as `custom`."""
_CUSTOM_NAME = re.compile(rf"{CUSTOM}[a-z0-9][a-z0-9.-]{{0,40}}")
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*[.:][A-Za-z0-9.:-]*/[A-Za-z0-9._/-]+:[A-Za-z0-9._{}-]+")
"""With the host of its registry; `{arch}` in the tag is the architecture."""
_FIELD = re.compile(r"\{[^}]*\}?")
_PYTHON = re.compile(r"\d+\.\d+")


@dataclass(frozen=True, kw_only=True, slots=True)
class PackageManager:
    """Commands and folders of a package manager in build images."""

    install: str
    cache: tuple[str, ...]
    """Folders with what it downloaded: which of them depends on the program behind the name."""
    ca: str
    tools: tuple[str, ...]
    """What compiling needs and the images with this package manager lack: program and package, with `=` in between."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OperatingSystem:
    """A version of Amazon Linux, with the highest symbol versions of its libraries."""

    name: str
    title: str
    age: int
    """Position in the order of releases. A zip for several systems is built on the lowest."""
    glibc: str
    glibcxx: str
    glibcxx_image: str
    cxxabi: str
    cxxabi_image: str
    libgcc: str
    libgcc_image: str
    manylinux: int
    uv_platforms: tuple[str, ...]
    package_manager: str
    toolchain: tuple[str, ...]
    """Packages of the compilers for the other architecture."""
    own_tools: tuple[str, ...]
    """Build systems that are too old in it: layerwright's are used."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LanguageTable:
    """What the runtimes of a language read under /opt, and the variables that name it."""

    directories: tuple[str, ...]
    environment: dict[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class RuntimesFile:
    """The whole file."""

    os: dict[str, OperatingSystem]
    package_manager: dict[str, PackageManager]
    language: dict[str, LanguageTable]
    provides: dict[str, tuple[str, ...]]
    runtime: dict[str, RuntimeTable]
    retired: dict[str, str]


@cache
def runtimes_file() -> RuntimesFile:
    """Return the file. Raises UsageError with all mistakes, each with its key."""
    try:
        data = texts.parse_toml((facts.folder() / FILE).read_text(encoding="utf-8"))
    except texts.MalformedError as error:
        msg = f"images/{FILE} is not valid TOML"
        raise UsageError(msg, why=[str(error)]) from None
    mistakes: list[str] = []
    file = _file(Row(data, "", mistakes))
    mistakes += _unknown_names(file)
    if mistakes:
        msg = f"images/{FILE} has {len(mistakes)} mistake{'s' if len(mistakes) > 1 else ''}"
        raise UsageError(msg, why=mistakes)
    return file


def _file(row: Row) -> RuntimesFile:
    provides = row.value("provides", dict)
    below = Row(provides, "provides.", [])
    file = RuntimesFile(
        os=row.tables("os", _system),
        package_manager=row.tables("package-manager", _manager),
        language=row.tables("language", _language),
        provides={name: below.words(name) for name in provides},
        runtime=row.tables("runtime", _runtime),
        retired=row.texts("retired"),
    )
    row.close()
    return file


def _manager(_: str, row: Row) -> PackageManager:
    return PackageManager(
        install=row.value("install", str),
        cache=row.words("cache"),
        ca=row.value("ca", str),
        tools=row.words("tools", []),
    )


def _system(name: str, row: Row) -> OperatingSystem:
    return OperatingSystem(
        name=name,
        title=row.value("title", str),
        age=row.value("age", int),
        glibc=row.value("glibc", str),
        glibcxx=row.value("glibcxx", str),
        glibcxx_image=row.value("glibcxx-image", str),
        cxxabi=row.value("cxxabi", str),
        cxxabi_image=row.value("cxxabi-image", str),
        libgcc=row.value("libgcc", str),
        libgcc_image=row.value("libgcc-image", str),
        manylinux=row.value("manylinux", int),
        uv_platforms=row.words("uv-platforms"),
        package_manager=row.value("package-manager", str),
        toolchain=row.words("toolchain"),
        own_tools=row.words("own-tools", []),
    )


def _language(_: str, row: Row) -> LanguageTable:
    return LanguageTable(directories=row.words("directories"), environment=row.texts("environment", {}))


def _runtime(_: str, row: Row) -> RuntimeTable:
    return RuntimeTable(
        os=row.value("os", str),
        language=row.value("language", str),
        series=row.value("series", str, ""),
        image=row.value("image", str),
        build_image=row.value("build-image", str),
        deprecated=row.date("deprecated"),
        block_create=row.date("block-create"),
        block_update=row.date("block-update"),
        preview=row.value("preview", bool, default=False),
        tools=row.words("tools", []),
    )


# ---- runtimes of a project -----------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class OwnTables:
    """The customer-managed runtimes of a project, by name."""

    rows: Mapping[str, CustomRuntimeTable]


def own_tables() -> OwnTables:
    """Return those of the project's settings, and of its `runtimes.toml`: the same object as long as both are."""
    try:
        changed = PROJECT_FILE.stat().st_mtime_ns
    except OSError:
        return _own_tables(defaults.current(), None, 0)
    return _own_tables(defaults.current(), PROJECT_FILE.absolute(), changed)


@cache
def _own_tables(settings: Defaults, path: Path | None, changed: int) -> OwnTables:  # noqa: ARG001  a key of the cache
    return OwnTables(rows={**settings.own_runtimes, **(project_runtimes(path) if path else {})})


def project_runtimes(path: Path) -> dict[str, CustomRuntimeTable]:
    """Return the customer-managed runtimes in the `runtimes.toml` of a project. Raises UsageError with all mistakes."""
    mistakes: list[str] = []
    found: dict[str, CustomRuntimeTable] = {}
    try:
        row = Row(texts.parse_toml(texts.read(path)), "", mistakes)
    except texts.MalformedError as error:
        mistakes.append(str(error))
    else:
        found = row.tables("runtime", _custom)
        row.close()
        mistakes += (f"{faults.dotted(location)}: {text}" for location, text in wrong_customs(found))
    if mistakes:
        msg = f"{path} has {len(mistakes)} mistake{'s' if len(mistakes) > 1 else ''}"
        hint = "a customer-managed runtime has `image`, `os`, `language`, and what differs from Lambda's own"
        raise UsageError(msg, why=mistakes, hint=hint)
    return found


def _custom(_: str, row: Row) -> CustomRuntimeTable:
    image = row.value("image", str)
    return CustomRuntimeTable(
        table=RuntimeTable(
            os=row.value("os", str),
            language=row.value("language", str, "provided"),
            series=row.value("series", str, ""),
            image=image,
            build_image=row.value("build-image", str, image),
            deprecated=None,
            block_create=None,
            block_update=None,
            preview=False,
            tools=(),
        ),
        directories=row.words("directories", []),
    )


def wrong_customs(found: Mapping[str, CustomRuntimeTable]) -> Iterator[tuple[Location, str]]:
    """Yield what is wrong with customer-managed runtimes, by its key."""
    yield from _unknown_names_of({name: custom.table for name, custom in found.items()}, runtimes_file())
    for name, custom in found.items():
        if not _CUSTOM_NAME.fullmatch(name):
            yield ("runtime", name), f"the name must be {CUSTOM} and lower-case letters, digits, dots and hyphens"
        for key, image in (("image", custom.table.image), ("build-image", custom.table.build_image)):
            if not image:
                continue  # told already as a missing key
            if not _IMAGE.fullmatch(image) or set(_FIELD.findall(image)) - {"{arch}"}:
                yield ("runtime", name, key), f"`{image}` is not a registry, a name and a tag: host/name:tag"
        if custom.table.language == "python" and not _PYTHON.fullmatch(custom.table.series):
            yield ("runtime", name, "series"), "a Python needs its version, for example 3.13"


def _unknown_names(file: RuntimesFile) -> Iterator[str]:
    """Yield a mistake for each name that no table of the file has."""
    for location, text in _unknown_names_of(file.runtime, file):
        yield f"{faults.dotted(location)}: {text}"
    managers = file.package_manager
    for name, system in file.os.items():
        if (manager := system.package_manager) not in managers:
            yield f"os.{name}.package-manager: there is no [package-manager.{manager}]{near(manager, managers)}"


def _unknown_names_of(rows: Mapping[str, RuntimeTable], file: RuntimesFile) -> Iterator[tuple[Location, str]]:
    for name, row in rows.items():
        for key, value, known in (("os", row.os, file.os), ("language", row.language, file.language)):
            if value not in known:
                yield ("runtime", name, key), f"there is no [{key}.{value}]{near(value, known)}"
