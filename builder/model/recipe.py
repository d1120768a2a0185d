"""What a recipe may say. These types are the only definition: decoding, defaults and JSON schema come from them."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar, cast

from pydantic import AfterValidator, ConfigDict, Field, StrictBool, WithJsonSchema
from pydantic.dataclasses import dataclass as pydantic_dataclass
from typing_extensions import dataclass_transform

from builder.model.architectures import ARCHITECTURES, unknown_architecture
from builder.model.runtimes import operating_systems, runtimes, unknown_runtime

T = TypeVar("T")
TABLES = ("layer", "targets", "override", "source", "step", "slim", "libraries", "test", "allow")
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$"
PLACEHOLDERS = ("name", "version", "arch", "machine")


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(Field,))
def _table(cls: type[T]) -> type[T]:
    """One TOML table: frozen, and a key that it does not name is a mistake."""
    config = ConfigDict(extra="forbid", defer_build=True)  # built once, as parts of Recipe
    made = pydantic_dataclass(frozen=True, kw_only=True, slots=True, config=config)(cls)
    return cast("type[T]", made)


def _known(problem: str | None, value: str) -> str:
    if problem:
        raise ValueError(problem)
    return value


def _architecture(value: str) -> str:
    return _known(None if value in ARCHITECTURES else unknown_architecture(value), value)


def _template(value: str) -> str:
    unknown = [word for word in re.findall(r"\{([^{}]*)\}", value) if word not in PLACEHOLDERS]
    known = " ".join(f"{{{word}}}" for word in PLACEHOLDERS)
    return _known(f"`{{{unknown[0]}}}` is no placeholder; there are {known}" if unknown else None, value)


def _requirement(value: str) -> str:
    from packaging.requirements import InvalidRequirement, Requirement

    _template(value)
    try:
        Requirement(re.sub(r"\{[a-z]+\}", "0", value))
    except InvalidRequirement as error:
        raise ValueError(f"`{value}` is no requirement: {str(error).splitlines()[0]}") from None  # noqa: EM102, TRY003
    return value


def _npm_package(value: str) -> str:
    right = re.fullmatch(r"(?:@[a-z0-9~-][\w.~-]*/)?[a-z0-9~-][\w.~-]*@[^@\s]+", value)
    return _known(None if right else f"`{value}` is not `name@version`, for example `sharp@0.35.5` or `sharp@^0.35`", value)


def _artifact(value: str) -> str:
    right = re.fullmatch(r"[\w.-]+:[\w.-]+:[\w.{}+-]+(?::[\w.-]+)?", value)
    return _known(None if right else f"`{value}` is not `group:artifact:version` or `group:artifact:version:classifier`", value)


def _inside(value: str) -> str:
    parts = re.split(r"[/\\]", value)
    outside = value.startswith(("/", "\\")) or ".." in parts or re.match(r"[A-Za-z]:", value)
    return _known(f"`{value}` leaves its folder" if outside else None, value)


def _enum(values: Mapping[str, Any]) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "enum": list(values)})


RuntimeName = Annotated[str, AfterValidator(lambda value: _known(unknown_runtime(value), value)), _enum(runtimes())]
ArchitectureName = Annotated[str, AfterValidator(_architecture), _enum(ARCHITECTURES)]
SystemName = Annotated[Literal["al2", "al2023"], _enum(operating_systems())]
Text = Annotated[str, Field(min_length=1)]
Template = Annotated[Text, AfterValidator(_template)]
NpmPackage = Annotated[Template, AfterValidator(_npm_package)]
Artifact = Annotated[Template, AfterValidator(_artifact)]
RequirementText = Annotated[Text, AfterValidator(_requirement)]
RelativePath = Annotated[Text, AfterValidator(_inside)]
Version = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.+_-]{0,63}$")]
PackageName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9+._:-]{0,127}$")]
Option = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]+$", description="One argument; no shell reads it.")]
SourceName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Commit = Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
Axis = Literal["runtime", "arch"]
CheckName = Literal[
    "layer-path",
    "architecture",
    "glibc",
    "glibcxx",
    "unresolved-library",
    "shadowed-library",
    "shadowed-command",
    "python-abi",
    "foreign-abi",
    "pruned-import",
    "musl",
    "cpu-baseline",
    "size",
    "permissions",
    "setuid",
    "secret",
    "licence",
    "symlink-escape",
    "leftovers",
    "case-collision",
    "jar",
    "script",
    "extension",
]


@_table
class Layer:
    """What the layer is; goes into the manifest and to Lambda."""

    name: Annotated[str, Field(pattern=NAME_PATTERN, description="Equal to the folder's name.")]
    version: Annotated[Version, Field(description="A string; `{version}` in requirements and urls.")]
    description: Annotated[str, Field(max_length=256)]
    license: Annotated[str, Field(min_length=1, max_length=512, description="SPDX identifier, URL or text.")]
    homepage: Annotated[str | None, Field(pattern=r"^https?://")] = None


@_table
class Targets:
    """Which zips come out."""

    runtimes: Annotated[tuple[RuntimeName, ...], Field(min_length=1)]
    architectures: Annotated[tuple[ArchitectureName, ...], Field(min_length=1)] = ("x86_64", "arm64")
    split_by: Annotated[
        tuple[Axis, ...], Field(alias="split-by", description="Axes along which zips differ; [] for jars or scripts.")
    ] = ("runtime", "arch")


@_table
class When:
    """The only condition there is: equality."""

    os: SystemName | None = None
    arch: ArchitectureName | None = None
    runtime: RuntimeName | None = None

    def __post_init__(self) -> None:
        _known(None if self.os or self.arch or self.runtime else "names no os, arch or runtime", "")


@_table
class Override:
    """Another version for some targets, for example the last one with a wheel for Amazon Linux 2."""

    when: When
    version: Version


@_table
class Source:
    """Upstream code, pinned: url and sha256, or git and commit."""

    url: Annotated[Template | None, Field(pattern=r"^https?://")] = None
    sha256: Sha256 | None = None
    git: Annotated[Template | None, Field(pattern=r"^https?://|^ssh://|^git@")] = None
    commit: Commit | None = None
    name: Annotated[SourceName | None, Field(description="What steps call it; default: the layer's name.")] = None

    def __post_init__(self) -> None:
        given = {key for key in ("url", "sha256", "git", "commit") if getattr(self, key)}
        right = given in ({"url", "sha256"}, {"git", "commit"})
        _known(None if right else "needs `url` and `sha256`, or `git` and `commit`; nothing unpinned loads", "")


@_table
class Packages:
    """Packages of the build image's operating system."""

    uses: Literal["packages"]
    install: Annotated[tuple[PackageName, ...], Field(min_length=1)]
    layer: Annotated[StrictBool, Field(description="Their programs, libraries and data go into the layer.")] = False
    when: When | None = None


@_table
class Pip:
    """Python packages: prebuilt wheels where they fit, compiled ones where not."""

    uses: Literal["pip"]
    requirements: tuple[RequirementText, ...] = ()
    file: Annotated[RelativePath | None, Field(description="A requirements file beside the recipe.")] = None
    wheels: Literal["prefer", "only", "never"] = "prefer"
    when: When | None = None

    def __post_init__(self) -> None:
        _known(None if self.requirements or self.file else "needs `requirements` or `file`", "")


@_table
class Npm:
    """Node.js packages."""

    uses: Literal["npm"]
    packages: tuple[NpmPackage, ...] = ()
    file: Annotated[RelativePath | None, Field(description="A package.json beside the recipe.")] = None
    versioned: Annotated[StrictBool, Field(description="Into nodejs/nodeNN instead of nodejs.")] = False
    skip_scripts: Annotated[
        tuple[Text, ...],
        Field(alias="skip-scripts", description="Packages that work without their install script: prebuilt ones."),
    ] = ()
    when: When | None = None

    def __post_init__(self) -> None:
        _known(None if self.packages or self.file else "needs `packages` or `file`", "")


@_table
class Gem:
    """Ruby gems."""

    uses: Literal["gem"]
    gems: tuple[Template, ...] = ()
    file: Annotated[RelativePath | None, Field(description="A Gemfile beside the recipe.")] = None
    when: When | None = None

    def __post_init__(self) -> None:
        _known(None if self.gems or self.file else "needs `gems` or `file`", "")


@_table
class Maven:
    """Jars, flat into java/lib."""

    uses: Literal["maven"]
    artifacts: Annotated[
        tuple[Artifact, ...], Field(min_length=1, description="group:artifact:version, or with :classifier.")
    ]
    when: When | None = None


@_table
class Build:
    """A source built by its own build system into PREFIX."""

    uses: Literal["source"]
    source: Annotated[SourceName | None, Field(description="A source's name; default: the first.")] = None
    build: Literal["autotools", "cmake", "meson", "make"] = "autotools"
    options: tuple[Option, ...] = ()
    when: When | None = None


@_table
class Script:
    """Shell commands in the build image; values reach them only as environment variables.

    They run under `sh -eu` in the folder of the first source: PREFIX, SRC, SRC_<NAME>, RECIPE (the recipe's folder),
    NAME, VERSION, ARCH, MACHINE, RUNTIME, JOBS, SOURCE_DATE_EPOCH, CFLAGS, CXXFLAGS, LDFLAGS.
    """

    uses: Literal["script"]
    run: Text
    network: Annotated[StrictBool, Field(description="What it downloads is not pinned by the recipe.")] = False
    env: dict[Annotated[str, Field(pattern=r"^[A-Z_][A-Z0-9_]*$")], Option] = Field(default_factory=dict)
    when: When | None = None


@_table
class Copy:
    """Files that lie beside the recipe, into the layer."""

    uses: Literal["copy"]
    files: Annotated[tuple[RelativePath, ...], Field(min_length=1, description="Globs, relative to the recipe.")]
    to: Annotated[RelativePath, Field(description="A directory of the layer, for example `bin`; `.` is /opt itself.")]
    executable: StrictBool = False
    when: When | None = None


Step = Annotated[
    Packages | Pip | Npm | Gem | Maven | Build | Script | Copy,
    Field(discriminator="uses"),
]


@_table
class Slim:
    """What is left out, stripped and precompiled."""

    prune: Annotated[tuple[Text, ...], Field(description="Patterns as in .gitignore, relative to /opt.")] = ()
    keep: Annotated[tuple[Text, ...], Field(description="Patterns that nothing removes, not even the defaults.")] = ()
    strip: StrictBool = True
    bytecode: Literal["unchecked-hash", "off"] = "unchecked-hash"


@_table
class Libraries:
    """Shared libraries that the runtime image lacks."""

    bundle: Literal["auto", "off"] | tuple[Text, ...] = "auto"
    dlopen: Annotated[
        tuple[Text, ...], Field(description="Sonames that code opens at run time, which no header names.")
    ] = ()


@_table
class Invoke:
    """A function with the layer, called once through the runtime interface emulator of the image."""

    handler: Annotated[Text, Field(description="As in the function's configuration: `app.handler`.")]
    code: Annotated[str | None, Field(description="The function's source; its file is named after the handler.")] = None
    files: Annotated[tuple[RelativePath, ...], Field(description="Or files beside the recipe.")] = ()
    event: Annotated[Any, Field(description="What the function gets.")] = Field(default_factory=dict)
    response: Annotated[Any, Field(description="What it must answer.")] = None
    log: Annotated[str | None, Field(description="Text that function, runtime or extension must write.")] = None

    def __post_init__(self) -> None:
        _known(None if self.response is not None or self.log else "needs `response` or `log`", "")


@_table
class Test:
    """Proof that the layer works: one kind per table."""

    __test__ = False  # pytest takes every class of that name for one of its own

    python: Text | None = None
    node: Text | None = None
    ruby: Text | None = None
    java: Text | None = None
    shell: Text | None = None
    invoke: Invoke | None = None
    files: Annotated[tuple[Text, ...], Field(description="Paths below /opt that must be there.")] = ()
    memory: Annotated[int, Field(ge=128, le=10240, description="MB that the function has.")] = 1024
    timeout: Annotated[int, Field(ge=1, le=900, description="Seconds; Lambda allows 900.")] = 300
    when: When | None = None

    def __post_init__(self) -> None:
        kinds = ("python", "node", "ruby", "java", "shell", "invoke", "files")
        given = [kind for kind in kinds if getattr(self, kind)]
        _known(None if len(given) == 1 else f"needs exactly one of {', '.join(kinds)}", "")


@_table
class Allow:
    """A check switched off, with the reason."""

    check: CheckName
    reason: Annotated[str, Field(min_length=8, description="Why that is right here.")]
    path: Annotated[str | None, Field(description="Only for paths that this pattern matches.")] = None


@_table
class Recipe:
    """One recipe.toml."""

    layer: Layer
    targets: Targets
    override: tuple[Override, ...] = ()
    source: tuple[Source, ...] = ()
    step: Annotated[tuple[Step, ...], Field(min_length=1)]
    slim: Slim = Field(default_factory=Slim)
    libraries: Libraries = Field(default_factory=Libraries)
    test: tuple[Test, ...] = ()
    allow: tuple[Allow, ...] = ()
