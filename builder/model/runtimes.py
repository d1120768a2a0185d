"""Lambda's runtimes, read from `images/runtimes.toml`."""

import dataclasses
import datetime as dt
from collections.abc import Mapping
from dataclasses import field
from functools import cache

from builder.base.errors import UsageError, near
from builder.base.frozen import dataclass
from builder.model import image_facts, surveyed_system
from builder.model.architectures import ARCHITECTURES, Architecture
from builder.model.runtime_rows import RuntimeTable
from builder.model.runtime_tables import (
    CUSTOM,
    OperatingSystem,
    OwnTables,
    PackageManager,
    own_tables,
    runtimes_file,
)

_LANGUAGES = {"node": "nodejs", "py": "python", "js": "nodejs", "rb": "ruby", "jdk": "java", ".net": "dotnet"}
"""Other words for languages."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Runtime:
    """A runtime of Lambda, with its identifier in the API."""

    name: str
    os: OperatingSystem
    language: str
    series: str
    """Version in names of directories: `3.13`, `22`, `3.4.0`; empty for `provided`."""
    image: str
    """Image in which functions run, below the registry; `{arch}` is Lambda's name of the architecture."""
    build_image: str
    """Image with compilers, in which layers are built."""
    directories: tuple[str, ...]
    """Directories under /opt that it reads; the comment in `runtimes.toml` describes the patterns."""
    environment: tuple[tuple[str, str], ...]
    """Variables that tell it where to look, with their values."""
    provides: tuple[str, ...]
    """Packages that are part of it."""
    deprecated: dt.date | None
    block_create: dt.date | None
    block_update: dt.date | None
    preview: bool
    own_tools: tuple[str, ...] = ()
    """What the build image lacks besides what others with its package manager lack."""
    surveyed_manager: str | None = None
    """Kind of the package manager that `images survey` found in the build image; None without a survey."""
    surveyed_libraries: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict, hash=False)
    """For a customer-managed runtime, symbol versions by soname, by architecture, of its own surveyed image."""

    @property
    def python(self) -> tuple[int, int] | None:
        """Version of the interpreter; None for other languages than Python."""
        if self.language != "python":
            return None
        major, minor = self.series.split(".")
        return int(major), int(minor)

    @property
    def python_full(self) -> str:
        """Full version for markers and `requires-python`.

        Lambda keeps its interpreters at their newest patch release. X.Y.0 would not satisfy packages that exclude the
        first patch releases, as cryptography excludes 3.9.0 and 3.9.1.
        """
        return f"{self.series}.9"

    @property
    def interpreter(self) -> str:
        """Path of the Python in the build image that compiles for the runtime and runs the helper programs."""
        return f"/var/lang/bin/python{self.series}" if self.python else "/usr/bin/python3"

    @property
    def manager(self) -> PackageManager:
        """Package manager of the build image."""
        return runtimes_file().package_manager[self.surveyed_manager or self.assumed_manager]

    @property
    def assumed_manager(self) -> str:
        """Kind of the package manager where no survey tells. Lambda's own images, which build previews, are minimal."""
        return "microdnf" if self.build_image == self.image else self.os.package_manager

    @property
    def tools(self) -> tuple[str, ...]:
        """Programs that compiling needs and the build image may lack, each with its package: `find=findutils`."""
        return tuple(dict.fromkeys((*self.manager.tools, *self.own_tools)))

    @property
    def customer(self) -> bool:
        """Whether it is a runtime of the project's own, which Lambda's API knows as `custom`."""
        return self.name.startswith(CUSTOM)

    def status(self, today: dt.date) -> str:
        """Return the status on a day: `preview`, `current`, `deprecated`, `update only` or `blocked`."""
        if self.preview:
            return "preview"
        if self.block_update and today >= self.block_update:
            return "blocked"
        if self.block_create and today >= self.block_create:
            return "update only"
        if self.deprecated and today >= self.deprecated:
            return "deprecated"
        return "current"

    @property
    def tag(self) -> str | None:
        """Tag in names of native modules: `cp313`, the ABI directory of Ruby, the major version of Node.js."""
        if self.python:
            return f"cp{self.python[0]}{self.python[1]}"
        return self.series if self.language in {"nodejs", "ruby"} else None

    def images(self, arch: Architecture) -> dict[str, str]:
        """Return the images for an architecture: `run` and `build`."""
        return {
            "run": self.image.replace("{arch}", arch.name),
            "build": self.build_image.replace("{arch}", arch.name),
        }

    def as_json(self, today: dt.date) -> dict[str, object]:
        """Return the runtime as JSON data; dates are in ISO 8601."""
        dates = {"deprecated": self.deprecated, "block_create": self.block_create, "block_update": self.block_update}
        return {
            "name": self.name,
            "os": self.os.name,
            "language": self.language,
            "series": self.series,
            "status": self.status(today),
            **{key: date.isoformat() if date else None for key, date in dates.items()},
            "directories": list(self.directories),
            "tag": self.tag,
            "images": {arch.name: self.images(arch) for arch in ARCHITECTURES.values()},
            "manylinux": self.os.manylinux,
            "glibc": self.os.glibc,
            "glibcxx": self.os.glibcxx,
        }

    def warning(self, today: dt.date) -> str | None:
        """Return the warning for a preview or a deprecated runtime, or None."""
        status = self.status(today)
        if self.customer and not self.surveyed_libraries:
            command = f"layerwright images survey --all --runtime {self.name}"
            return f"the libraries of {self.name} are unknown until `{command}` asks its image"
        if status == "preview":
            return f"{self.name} is a preview: Lambda may still change it"
        if status in {"deprecated", "update only"}:
            return (
                f"{self.name} is deprecated since {self.deprecated}; Lambda stops creating functions with it on "
                f"{self.block_create} and updating them on {self.block_update}"
            )
        return None


def operating_systems() -> dict[str, OperatingSystem]:
    """Return the operating systems of the data file."""
    return runtimes_file().os


def operating_system(name: str) -> OperatingSystem:
    """Return the operating system of that name. Raises UsageError with the near match."""
    if problem := unknown_system(name):
        raise UsageError(problem, hint="`layerwright runtimes` shows the operating system of each runtime")
    return operating_systems()[name]


def unknown_system(name: str) -> str | None:
    """Return the message for an operating system that no data describes, or None."""
    if name in operating_systems():
        return None
    suggestion = near(name, operating_systems()) or f": {' or '.join(operating_systems())}"
    return f"unknown operating system `{name}`{suggestion}"


def runtimes() -> dict[str, Runtime]:
    """Return all runtimes that layers can be built for: Lambda's in the order of the data file, then the project's."""
    return {**of_lambda(), **_of_project(own_tables())}


@cache
def of_lambda() -> dict[str, Runtime]:
    """Return the runtimes that Lambda provides."""
    return {name: _runtime(name, row) for name, row in runtimes_file().runtime.items()}


@cache
def _of_project(tables: OwnTables) -> dict[str, Runtime]:
    """Return the customer-managed runtimes of a project."""
    found = {}
    for name, custom in tables.rows.items():
        runtime = _runtime(name, custom.table)
        surveyed = {
            arch: {**facts.libraries, **facts.language_libraries}
            for arch in ARCHITECTURES
            if (facts := image_facts.of(custom.table.image.replace("{arch}", arch)))
        }
        found[name] = dataclasses.replace(
            runtime,
            os=surveyed_system.of(runtime.name, runtime.os, tuple(surveyed.values())),
            directories=custom.directories or runtime.directories,
            provides=(),  # what Lambda adds to its own images is not in others
            surveyed_libraries=surveyed,
        )
    return found


def identifier(name: str) -> str:
    """Return the name of a runtime in Lambda's API: `custom` for a customer-managed one."""
    return CUSTOM.rstrip("-") if name.startswith(CUSTOM) else name


def forget() -> None:
    """Clear the caches of runtimes and facts about images, after a survey."""
    image_facts.of.cache_clear()
    of_lambda.cache_clear()
    _of_project.cache_clear()


def _runtime(name: str, row: RuntimeTable) -> Runtime:
    file = runtimes_file()
    language, every = file.language[row.language], file.language["any"]
    return Runtime(
        name=name,
        os=operating_systems()[row.os],
        language=row.language,
        series=row.series,
        image=row.image,
        build_image=row.build_image,
        directories=tuple(_of_series(pattern, row) for pattern in (*language.directories, *every.directories)),
        environment=tuple((key, _of_series(value, row)) for key, value in language.environment.items()),
        provides=file.provides.get(row.language, ()),
        deprecated=row.deprecated,
        block_create=row.block_create,
        block_update=row.block_update,
        preview=row.preview,
        own_tools=row.tools,
        surveyed_manager=_surveyed_manager(row.build_image),
    )


def _surveyed_manager(image: str) -> str | None:
    surveyed = (image_facts.of(image.replace("{arch}", arch)) for arch in ARCHITECTURES)
    return next((found.manager for found in surveyed if found and found.manager), None)


def _of_series(text: str, row: RuntimeTable) -> str:
    return text.replace("{v}", row.series)


def retired() -> dict[str, str]:
    """Return the runtimes that layers cannot be built for, with the reasons."""
    return dict(runtimes_file().retired)


def runtime(name: str) -> Runtime:
    """Return the runtime of that name. Raises UsageError with the reason or the near match."""
    if name in (lambdas := of_lambda()):
        return lambdas[name]
    problem = unknown_runtime(name)
    if problem:
        raise UsageError(problem, hint="`layerwright runtimes` lists them")
    return runtimes()[name]


def unknown_runtime(name: str) -> str | None:
    """Return the reason why no layer can be built for a runtime, or None."""
    if name in of_lambda() or name in runtimes():
        return None
    if reason := retired().get(name):
        return f"runtime `{name}` is retired: {reason}"
    return f"unknown runtime `{name}`{_family(name) or near(name, runtimes())}"


def _family(name: str) -> str:
    """Return the supported runtimes of a language that is named without its version, as the end of a message."""
    word = name.casefold().rstrip("0123456789.x")
    language = _LANGUAGES.get(word, word)
    every = [each.name for each in supported(language) if each.name.startswith(language + name[len(word) :])]
    return f"; which one? {', '.join(every)}" if word and every else ""


def today() -> dt.date:
    """Return the current day in UTC, with which dates of deprecation are compared."""
    return dt.datetime.now(tz=dt.timezone.utc).date()


def supported(language: str) -> list[Runtime]:
    """Return the runtimes of a language that Lambda supports today; the newest comes last."""
    return [each for each in runtimes().values() if each.language == language and each.status(today()) == "current"]


def refuse_blocked(chosen: Runtime, today: dt.date) -> None:
    """Raise UsageError for a runtime whose functions can no longer be updated."""
    if chosen.status(today) == "blocked":
        msg = f"runtime `{chosen.name}` is blocked: Lambda stopped updating its functions on {chosen.block_update}"
        raise UsageError(msg, hint="no function could use the layer; `layerwright runtimes` lists the current ones")
