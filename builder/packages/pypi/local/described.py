"""What a package says of itself: the fields of core metadata, as far as they are known without its backend."""

from collections.abc import Mapping
from dataclasses import field

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from builder.base.frozen import dataclass

Extras = Mapping[str, tuple[str, ...]]


class UnknownError(Exception):
    """Says why something of a package is only known to its backend."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Described:
    """A package, before it is built."""

    name: str
    version: str | None
    """None if only the backend knows it."""
    requires: tuple[str, ...] = ()
    """Requirements as in core metadata, those of extras included."""
    extras: tuple[str, ...] = ()
    python: str = ""
    summary: str = ""
    licence: str = ""
    """SPDX expression."""
    licence_text: str = ""
    """The field of packages that have no expression."""
    licence_files: tuple[str, ...] | None = None
    """Patterns; None for those that the backend has."""
    classifiers: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    urls: Mapping[str, str] = field(default_factory=dict)
    authors: tuple[tuple[str, str], ...] = ()
    """Pairs of a field of core metadata and its value."""
    readme: tuple[str, str] | None = None
    """Content type and text."""
    entry_points: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def stem(self) -> str:
        """What the names of its files begin with."""
        return f"{normalized(self.name)}-{self.version or UNTOLD}"

    def metadata(self) -> str:
        """Return METADATA, or PKG-INFO."""
        rows = [("Metadata-Version", "2.4"), ("Name", self.name), ("Version", self.version or UNTOLD)]
        rows += [("Summary", " ".join(self.summary.split()))] if self.summary else []
        rows += [("Project-URL", f"{name}, {url}") for name, url in self.urls.items()]
        rows += self.authors
        rows += [("License-Expression", self.licence)] if self.licence else []
        rows += [("License", self.licence_text.replace("\n", "\n        "))] if self.licence_text else []
        rows += [("Keywords", ",".join(self.keywords))] if self.keywords else []
        rows += [("Classifier", each) for each in self.classifiers]
        rows += [("Requires-Python", self.python)] if self.python else []
        rows += [("Provides-Extra", canonicalize_name(each)) for each in self.extras]
        rows += [("Requires-Dist", each) for each in self.requires]
        rows += [("Description-Content-Type", self.readme[0])] if self.readme else []
        text = self.readme[1] if self.readme else ""
        return "".join(f"{key}: {value}\n" for key, value in rows) + (f"\n{text}" if text else "")


UNTOLD = "0"
"""The version of a package of which only its backend knows it."""


def normalized(name: str) -> str:
    """Return a name as in file names."""
    return canonicalize_name(name).replace("-", "_")


def version(text: str) -> str:
    """Return a version in its normal form. Raises UnknownError for what is none."""
    try:
        return str(Version(text))
    except InvalidVersion:
        msg = f"its version `{text[:40]}` is not valid"
        raise UnknownError(msg) from None


def with_extra(requirement: str, extra: str) -> str:
    """Return a requirement that holds for an extra."""
    text, _, marker = requirement.partition(";")
    condition = f'extra == "{canonicalize_name(extra)}"'
    rest = f"({marker.strip()}) and {condition}" if " or " in marker else f"{marker.strip()} and {condition}"
    return f"{text.strip()} ; {rest if marker.strip() else condition}"
