"""What an image has, as `layerwright images survey --all` writes it: `images/facts/IMAGE.toml`.

Nobody writes such a file by hand. Without one, what `images/runtimes.toml` says of the image's kind holds.
"""

import re
from collections.abc import Mapping
from dataclasses import field
from functools import cache
from pathlib import Path
from typing import Any

from builder.base import texts
from builder.base.errors import UsageError
from builder.base.frozen import dataclass
from builder.model import facts
from builder.model.rows import Row

_REAL = {"dnf": "dnf", "microdnf-dnf": "microdnf", "microdnf": "microdnf", "yum": "yum", "dnf5": "dnf"}
"""Package managers by the package of their program."""
_KEPT_FIRST = ("dnf", "yum", "microdnf")
"""The names under which a package manager is looked for, the most capable first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageFacts:
    """The content of one image."""

    image: str
    """Below the registry, with its tag: `sam/build-python3.13:latest-x86_64`."""
    release: str = ""
    """First line of /etc/system-release."""
    releasever: str = ""
    """The release of the repositories that the package manager is locked to; empty if it is not."""
    bin_sh: str = ""
    """`bash` if /bin/sh is that."""
    coreutils: str = ""
    """`multi-call`, where they are scripts of one program, `separate` or `none`."""
    node_headers: str = ""
    """Path of node.h."""
    managers: Mapping[str, str] = field(default_factory=dict)
    """Package and version of each program of that name: `microdnf-dnf 3.8.1` of `dnf`."""
    environment: Mapping[str, str] = field(default_factory=dict)
    programs: Mapping[str, str] = field(default_factory=dict)
    """Paths of programs that builds may use."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """What programs tell of their version."""
    libraries: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Highest symbol versions of each library of the system, by soname."""
    language_libraries: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The same of /var/lang/lib."""
    packages: tuple[str, ...] = ()
    """Name, version and architecture of each package."""

    @property
    def manager(self) -> str | None:
        """The kind of the package manager, `dnf`, `microdnf` or `yum`; None if it has none that is known."""
        packages = [self.managers[name].partition(" ")[0] for name in _KEPT_FIRST if name in self.managers]
        return next((_REAL[package] for package in packages if package in _REAL), None)


def file_of(image: str) -> Path:
    """Return the file of an image."""
    return facts.own_folder() / "facts" / f"{re.sub(r'[^A-Za-z0-9._-]', '_', image)}.toml"


@cache
def of(image: str) -> ImageFacts | None:
    """Return the facts about an image; None if it was not surveyed. Raises UsageError for a damaged file."""
    path = file_of(image)
    return parsed(path) if path.is_file() else None


def parsed(path: Path) -> ImageFacts:
    """Return the facts in a file. Raises UsageError with all mistakes."""
    mistakes: list[str] = []
    try:
        row = Row(texts.parse_toml(texts.read(path)), "", mistakes)
    except texts.MalformedError as error:
        mistakes.append(str(error))
    else:
        found = _facts(row)
    if mistakes:
        msg = f"{path} is not what `images survey` writes"
        raise UsageError(msg, why=mistakes, hint="`layerwright images survey --all` writes it again")
    return found


def _facts(row: Row) -> ImageFacts:
    return ImageFacts(
        image=row.value("image", str),
        release=row.value("release", str, ""),
        releasever=row.value("releasever", str, ""),
        bin_sh=row.value("shell", str, ""),
        coreutils=row.value("coreutils", str, ""),
        node_headers=row.value("node-headers", str, ""),
        managers=row.texts("managers", {}),
        environment=row.texts("environment", {}),
        programs=row.texts("programs", {}),
        versions=row.texts("versions", {}),
        libraries=_versions(row.texts("libraries", {})),
        language_libraries=_versions(row.texts("language-libraries", {})),
        packages=row.words("packages", []),
    )


def _versions(table: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(versions.split()) for name, versions in table.items()}


def text(found: ImageFacts) -> str:
    """Return the content of a file of found."""
    import tomlkit

    document: dict[str, Any] = {
        "image": found.image,
        "release": found.release,
        "releasever": found.releasever,
        "shell": found.bin_sh,
        "coreutils": found.coreutils,
        "node-headers": found.node_headers,
        "packages": tomlkit.array(),
        "managers": dict(found.managers),
        "environment": dict(found.environment),
        "programs": dict(found.programs),
        "versions": dict(found.versions),
        "libraries": {name: " ".join(versions) for name, versions in sorted(found.libraries.items())},
        "language-libraries": {name: " ".join(versions) for name, versions in sorted(found.language_libraries.items())},
    }
    document["packages"].extend(sorted(found.packages))
    document["packages"].multiline(multiline=True)
    head = "# What an image of Amazon's has, written by `layerwright images survey --all`.\n\n"
    return head + tomlkit.dumps(document)
