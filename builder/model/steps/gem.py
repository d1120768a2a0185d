"""The step for Ruby gems."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from builder.model.fields import GemText, Option, RelativePath, Text, table, validated
from builder.model.steps.traits import Traits
from builder.model.steps.when import When


@table
class Gem(Traits):
    """Ruby gems: precompiled ones where they fit, compiled ones where not."""

    languages: ClassVar[frozenset[str]] = frozenset({"ruby"})

    uses: Literal["gem"]
    gems: Annotated[
        tuple[GemText, ...], Field(description="`name@version`, or a requirement: `name@~> 1.18, < 2`.")
    ] = ()
    file: Annotated[
        RelativePath | None, Field(description="A Gemfile beside the recipe, with its lock from Bundler.")
    ] = None
    precompiled: Literal["prefer", "never"] = "prefer"
    options: Annotated[
        dict[Text, tuple[Option, ...]],
        Field(description="Per gem, arguments for configuring its extension."),
    ] = Field(default_factory=dict)
    without: Annotated[
        tuple[Text, ...], Field(description="Gems of the lock that are left out, with their own dependencies.")
    ] = ()
    when: When | None = None

    def __post_init__(self) -> None:
        validated(None if bool(self.gems) != bool(self.file) else "needs either `gems` or `file`", "")

    @property
    def needs_engine(self) -> bool:
        return True
