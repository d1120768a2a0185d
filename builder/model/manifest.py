"""The manifest of a zip, `dist/<target>.json`, as one frozen value.

`building/` fills it once; every reader gets it as a `Manifest`, or None when the file is not one. The order of the
fields is the order of the keys on disk. A field with the default None is a key that is left out when it has no value;
a field without a default is always written, as `null` if need be.
"""

import dataclasses
import re
from typing import Annotated, Any, Literal, TypeVar

from builder.base import plain
from builder.base.adapters import adapter
from builder.base.frozen import dataclass
from builder.base.rules import AfterValidator, Field
from builder.base.shapes import AbsentError, UnclearError
from builder.model.fields import Commit, Sha256

VERSION: Literal[1] = 1
"""Of the format; raised when a key changes its meaning."""
T = TypeVar("T")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def _line(value: str) -> str:
    if _CONTROL.search(value):
        msg = "has a control character"
        raise ValueError(msg)
    return value


def _name(value: str) -> str:
    if not value or "\\" in value or value.startswith("/") or ".." in value.split("/"):
        msg = "is not a valid name"
        raise ValueError(msg)
    return _line(value)


def _file_name(value: str) -> str:
    if "/" in value or value == ".":
        msg = "is not the name of a file"
        raise ValueError(msg)
    return _name(value)


Line = Annotated[str, AfterValidator(_line)]
"""Text without control characters."""
Name = Annotated[str, AfterValidator(_name)]
"""Of a package, with slashes where its ecosystem has them (`@scope/name`); never a path out of a folder."""
FileName = Annotated[str, AfterValidator(_file_name)]
Count = Annotated[int, Field(ge=0)]
CodeSha256 = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{43}=$")]
"""SHA-256 in base64, as Lambda's API reports it."""
ImageDigest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
Homepage = Annotated[str, Field(pattern=r"^https?://"), AfterValidator(_line)]


@dataclass(frozen=True, kw_only=True, slots=True)
class ZipFacts:
    """The file beside the manifest."""

    path: FileName
    bytes: Count
    sha256: Sha256
    code_sha256: CodeSha256


@dataclass(frozen=True, kw_only=True, slots=True)
class Ceilings:
    """The highest symbol versions that a layer needs of the operating system; None where it needs none."""

    glibc: Line | None
    glibcxx: Line | None
    cxxabi: Line | None

    @property
    def needed(self) -> dict[str, str]:
        """Family in lower case and version, without the families that the layer does not need."""
        return {family: version for family, version in dataclasses.asdict(self).items() if version}


@dataclass(frozen=True, kw_only=True, slots=True)
class PackageRow:
    """A package of an ecosystem."""

    name: Name
    version: Line
    ecosystem: Line
    route: Line
    """How it became files: an ecosystem's prebuilt form (`wheel`, `npm`, `gem`, `jar`), or a mode of compiling."""
    file: Name
    sha256: Sha256 | None
    integrity: Line | None = None
    """Subresource Integrity, where the index has no SHA-256 (npm)."""
    local: Line | None = None
    """The folder of the repository that it was made of: the SHA-256 is that of the names and contents of its files."""
    git: Line | None = None
    """The repository of git that it was made of."""
    commit: Commit | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LibraryRow:
    """A shared library of the build image's operating system that is bundled into `lib/`."""

    soname: FileName
    path: Line | None = None
    """In the build image."""
    by: Line | None = None
    """The program or library that needs it."""
    bytes: Count | None = None
    """Before stripping."""
    package: Name | None = None
    version: Line | None = None
    license: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceRow:
    """Upstream code with its pin: `url` and `sha256`, or `git` and `commit`."""

    name: Name
    url: Line | None = None
    sha256: Sha256 | None = None
    git: Line | None = None
    commit: Commit | None = None

    @property
    def address(self) -> str:
        return self.git or self.url or ""


@dataclass(frozen=True, kw_only=True, slots=True)
class LicenceRow:
    """The licence that a package of the layer declares."""

    package: str
    version: str
    license: str
    """SPDX expression or, with older packages, free text; `NOASSERTION` when the package declares none."""
    texts: tuple[str, ...] = ()
    """Paths of the licence texts in the layer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SavingRow:
    """Files and bytes that one rule removed from the layer."""

    rule: str
    files: int
    bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class FindingRow:
    """The result of a check."""

    check: Line
    severity: Literal["error", "warning"]
    path: str | None
    message: str
    hint: str
    details: tuple[str, ...]
    allowed: str | None
    """The reason in the recipe's [[allow]], when it switches this finding off."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageRow:
    """A container image."""

    name: Line
    digest: ImageDigest | None


@dataclass(frozen=True, kw_only=True, slots=True)
class VariableRow:
    """A variable that a function sets, so that a library of the layer finds its plug-ins, settings or data."""

    name: Line
    value: Line
    why: Line


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """A zip that `layerwright build` made. No field depends on the host or the time of day."""

    version: Literal[1] = VERSION
    name: FileName
    layer_version: Line
    description: str
    license: str
    target: FileName
    runtimes: tuple[Line, ...]
    architectures: tuple[Line, ...]
    os: Line
    route: Line
    """The most expensive way in which a part of the layer became files."""
    locked: bool
    bytecode: Line | None
    """Version of the Python that compiled the bytecode, or the image that did; None when the layer has none."""
    zip: ZipFacts
    unzipped_bytes: Count
    files: Count
    abi: Ceilings
    packages: tuple[PackageRow, ...]
    libraries: tuple[LibraryRow, ...]
    sources: tuple[SourceRow, ...] = ()
    licences: tuple[LicenceRow, ...] = ()
    notes: tuple[str, ...] = ()
    """Facts about the compiling that readers should know."""
    savings: tuple[SavingRow, ...] = ()
    findings: tuple[FindingRow, ...]
    plan_digest: Sha256
    image: ImageRow
    """Of the runtime."""
    build_image: ImageRow | None
    """None when nothing was compiled."""
    releasever: Line | None = None
    """The release of the repositories that the build image's package manager is locked to, if it installed anything."""
    homepage: Homepage | None = None
    environment: tuple[VariableRow, ...] | None = None
    """What functions with the layer set; None if nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PulledManifest:
    """A zip that `layerwright pull` downloaded: the part of a manifest that Lambda knows."""

    version: Literal[1] = VERSION
    arn: Line
    name: FileName
    layer_version: Line
    target: FileName
    description: str
    license: str
    runtimes: tuple[Line, ...]
    architectures: tuple[Line, ...]
    zip: ZipFacts


AnyManifest = Manifest | PulledManifest


def parse(text: bytes) -> Manifest | None:
    """Return the manifest in a JSON document.

    None when it is damaged, of another version, or has a value of another type. Keys that this version does not know
    are ignored: they are additions.
    """
    return _parsed(text, Manifest)


def parse_any(text: bytes) -> AnyManifest | None:
    """Return the manifest of a build or of a pulled zip, or None as `parse` does."""
    return parse(text) or _parsed(text, PulledManifest)


def _parsed(text: bytes, kind: type[T]) -> T | None:
    try:
        return plain.from_json(kind, text)  # type: ignore[no-any-return]
    except AbsentError:
        return None  # most files that are no manifest lack its keys
    except UnclearError:
        pass
    try:
        return adapter(kind).validate_json(text, strict=True)  # type: ignore[no-any-return]
    except ValueError:  # that of pydantic is one
        return None


def document(row: Any) -> dict[str, Any]:  # noqa: ANN401  any of the classes above
    """Return a manifest, or a row of one, as the JSON object that stands on disk."""
    values = ((field, getattr(row, field.name)) for field in dataclasses.fields(row))
    return {field.name: _plain(value) for field, value in values if value is not None or field.default is not None}


def _plain(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return document(value) if dataclasses.is_dataclass(value) else value
