"""The steps of a recipe, each a table with `uses`, and the condition that narrows them."""

from typing import Annotated, Literal

from pydantic import Field, StrictBool

from builder.model.fields import (
    ArchitectureName,
    Artifact,
    GemText,
    NpmPackage,
    Option,
    PackageName,
    RelativePath,
    RequirementText,
    RuntimeName,
    SourceName,
    SystemName,
    Text,
    known,
    table,
)


@table
class When:
    """The only condition there is: equality."""

    os: SystemName | None = None
    arch: ArchitectureName | None = None
    runtime: RuntimeName | None = None

    def __post_init__(self) -> None:
        known(None if self.os or self.arch or self.runtime else "names no os, arch or runtime", "")


@table
class Packages:
    """Packages of the build image's operating system."""

    uses: Literal["packages"]
    install: Annotated[tuple[PackageName, ...], Field(min_length=1)]
    layer: Annotated[StrictBool, Field(description="Their programs, libraries and data go into the layer.")] = False
    when: When | None = None


@table
class Pip:
    """Python packages: prebuilt wheels where they fit, compiled ones where not."""

    uses: Literal["pip"]
    requirements: tuple[RequirementText, ...] = ()
    file: Annotated[RelativePath | None, Field(description="A requirements file beside the recipe.")] = None
    wheels: Literal["prefer", "only", "never"] = "prefer"
    without: Annotated[
        tuple[Text, ...], Field(description="Packages that another layer brings: resolved with, and left out.")
    ] = ()
    when: When | None = None

    def __post_init__(self) -> None:
        known(None if self.requirements or self.file else "needs `requirements` or `file`", "")


@table
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
        known(None if self.packages or self.file else "needs `packages` or `file`", "")


@table
class Gem:
    """Ruby gems: precompiled ones where they fit, compiled ones where not."""

    uses: Literal["gem"]
    gems: Annotated[
        tuple[GemText, ...], Field(description="`name@version`, or a requirement: `name@~> 1.18, < 2`.")
    ] = ()
    file: Annotated[
        RelativePath | None, Field(description="A Gemfile beside the recipe, with the lock that Bundler wrote for it.")
    ] = None
    precompiled: Literal["prefer", "never"] = "prefer"
    options: Annotated[
        dict[Text, tuple[Option, ...]], Field(description="Per gem, what its extension's configuration is given.")
    ] = Field(default_factory=dict)
    without: Annotated[
        tuple[Text, ...], Field(description="Gems of the lock that stay out, with what only they need.")
    ] = ()
    when: When | None = None

    def __post_init__(self) -> None:
        known(None if bool(self.gems) != bool(self.file) else "needs either `gems` or `file`", "")


@table
class Maven:
    """Jars, flat into java/lib."""

    uses: Literal["maven"]
    artifacts: Annotated[
        tuple[Artifact, ...], Field(min_length=1, description="group:artifact:version, or with :classifier.")
    ]
    when: When | None = None


@table
class Build:
    """A source built by its own build system into PREFIX."""

    uses: Literal["source"]
    source: Annotated[SourceName | None, Field(description="A source's name; default: the first.")] = None
    build: Literal["autotools", "cmake", "meson", "make"] = "autotools"
    options: tuple[Option, ...] = ()
    when: When | None = None


@table
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


@table
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
