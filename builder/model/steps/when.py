"""The condition that narrows a step, an override or a test."""

from typing import Annotated

from builder.base.rules import Field
from builder.model.fields import ArchitectureName, RuntimeName, SystemName, validated
from builder.model.tables import table


@table
class When:
    """A condition: all values that it names must be equal."""

    os: Annotated[SystemName | None, Field(description="An operating system of Lambda: al2 or al2023.")] = None
    arch: Annotated[ArchitectureName | None, Field(description="An architecture.")] = None
    runtime: Annotated[RuntimeName | None, Field(description="A runtime.")] = None

    def __post_init__(self) -> None:
        validated(None if self.os or self.arch or self.runtime else "names no os, arch or runtime", "")


Condition = Annotated[When | None, Field(description="Only for targets of this os, arch and runtime.")]
