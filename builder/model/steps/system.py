"""Steps without a package ecosystem: system packages, sources, scripts, files."""

from typing import Annotated, Literal

from pydantic import Field, StrictBool

from builder.model.fields import BuildSystem, Option, PackageName, RelativePath, SecretName, SourceName, Text
from builder.model.steps.traits import Traits
from builder.model.steps.when import When
from builder.model.tables import table


@table
class Packages(Traits):
    """Packages of the build image's operating system."""

    uses: Literal["packages"]
    install: Annotated[tuple[PackageName, ...], Field(min_length=1)]
    layer: Annotated[StrictBool, Field(description="Put their programs, libraries and data into the layer.")] = False
    when: When | None = None

    @property
    def needs_engine(self) -> bool:
        return True


@table
class Build(Traits):
    """A source built by its own build system into PREFIX."""

    uses: Literal["source"]
    source: Annotated[SourceName | None, Field(description="A source's name; default: the first.")] = None
    build: BuildSystem = "autotools"
    options: tuple[Option, ...] = ()
    when: When | None = None

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
    run: Text
    network: Annotated[StrictBool, Field(description="Allow downloads, which the recipe does not pin.")] = False
    secrets: Annotated[
        tuple[SecretName, ...], Field(description="Names of `--secret`s that it can read in /run/secrets.")
    ] = ()
    env: dict[Annotated[str, Field(pattern=r"^[A-Z_][A-Z0-9_]*$")], Option] = Field(default_factory=dict)
    when: When | None = None

    @property
    def needs_engine(self) -> bool:
        return True


@table
class Copy(Traits):
    """Files beside the recipe, copied into the layer."""

    uses: Literal["copy"]
    files: Annotated[tuple[RelativePath, ...], Field(min_length=1, description="Globs, relative to the recipe.")]
    to: Annotated[RelativePath, Field(description="A directory of the layer, for example `bin`; `.` is /opt itself.")]
    executable: StrictBool = False
    when: When | None = None
