"""Steps without a package ecosystem: system packages, sources, scripts, files."""

from dataclasses import field
from typing import Annotated, Literal

from builder.base.rules import Field, StrictBool
from builder.model.fields import BuildSystem, Option, PackageName, RelativePath, SecretName, SourceName, Text
from builder.model.steps.traits import Traits
from builder.model.steps.when import Condition
from builder.model.tables import table


@table
class Packages(Traits):
    """Packages of the build image's operating system."""

    uses: Literal["packages"]
    install: Annotated[
        tuple[PackageName, ...], Field(min_length=1, description="Names of packages of Amazon Linux, as dnf has them.")
    ]
    layer: Annotated[StrictBool, Field(description="Put their programs, libraries and data into the layer.")] = False
    when: Condition = None

    @property
    def needs_engine(self) -> bool:
        return True


@table
class Build(Traits):
    """A source built by its own build system into PREFIX."""

    uses: Literal["source"]
    source: Annotated[SourceName | None, Field(description="A source's name; default: the first.")] = None
    build: Annotated[BuildSystem, Field(description="The build system of the source.")] = "autotools"
    options: Annotated[tuple[Option, ...], Field(description="Arguments for configuring it; for make, for make.")] = ()
    when: Condition = None

    @property
    def needs_engine(self) -> bool:
        return True


@table
class Script(Traits):
    """Shell commands in the build image. Values are passed only as environment variables.

    They run under `sh -eu` in the folder of the first source: PREFIX, SRC, SRC_<NAME>, RECIPE (the recipe's folder),
    NAME, VERSION, ARCH, MACHINE, RUNTIME, JOBS, SOURCE_DATE_EPOCH, CFLAGS, CXXFLAGS, LDFLAGS.
    """

    uses: Literal["script"]
    run: Annotated[Text, Field(description="The commands.")]
    network: Annotated[StrictBool, Field(description="Allow downloads, which the recipe does not pin.")] = False
    secrets: Annotated[
        tuple[SecretName, ...], Field(description="Names of `--secret`s that it can read in /run/secrets.")
    ] = ()
    env: Annotated[
        dict[Annotated[str, Field(pattern=r"^[A-Z_][A-Z0-9_]*$")], Option],
        Field(description="Environment variables for the commands."),
    ] = field(default_factory=dict)
    when: Condition = None

    @property
    def needs_engine(self) -> bool:
        return True


@table
class Copy(Traits):
    """Files beside the recipe, copied into the layer."""

    uses: Literal["copy"]
    files: Annotated[tuple[RelativePath, ...], Field(min_length=1, description="Globs, relative to the recipe.")]
    to: Annotated[RelativePath, Field(description="A directory of the layer, for example `bin`; `.` is /opt itself.")]
    executable: Annotated[
        StrictBool, Field(description="Give the files the mode of programs; scripts and ELF programs have it anyway.")
    ] = False
    when: Condition = None
