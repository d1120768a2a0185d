"""The step for Python packages."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from builder.model.fields import RelativePath, RequirementText, Text, table, validated
from builder.model.steps.traits import Traits
from builder.model.steps.when import When


@table
class Pip(Traits):
    """Python packages: prebuilt wheels where they fit, compiled ones where not."""

    languages: ClassVar[frozenset[str]] = frozenset({"python"})

    uses: Literal["pip"]
    requirements: tuple[RequirementText, ...] = ()
    file: Annotated[RelativePath | None, Field(description="A requirements file beside the recipe.")] = None
    wheels: Literal["prefer", "only", "never"] = "prefer"
    without: Annotated[
        tuple[Text, ...], Field(description="Packages of another layer: they take part in resolving and are left out.")
    ] = ()
    when: When | None = None

    def __post_init__(self) -> None:
        validated(None if self.requirements or self.file else "needs `requirements` or `file`", "")

    @property
    def needs_engine(self) -> bool:
        return self.wheels == "never"
