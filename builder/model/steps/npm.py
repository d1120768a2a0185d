"""The step for Node.js packages."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StrictBool

from builder.model.fields import NpmPackage, RelativePath, Text, table, validated
from builder.model.steps.traits import Traits
from builder.model.steps.when import When


@table
class Npm(Traits):
    """Node.js packages."""

    languages: ClassVar[frozenset[str]] = frozenset({"nodejs"})

    uses: Literal["npm"]
    packages: tuple[NpmPackage, ...] = ()
    file: Annotated[RelativePath | None, Field(description="A package.json beside the recipe.")] = None
    versioned: Annotated[StrictBool, Field(description="Install into nodejs/nodeNN instead of nodejs.")] = False
    skip_scripts: Annotated[
        tuple[Text, ...],
        Field(alias="skip-scripts", description="Prebuilt packages, which work without their install script."),
    ] = ()
    when: When | None = None

    def __post_init__(self) -> None:
        validated(None if self.packages or self.file else "needs `packages` or `file`", "")
