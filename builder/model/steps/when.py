"""The condition that narrows a step, an override or a test."""

from builder.model.fields import ArchitectureName, RuntimeName, SystemName, validated
from builder.model.tables import table


@table
class When:
    """A condition: all values that it names must be equal."""

    os: SystemName | None = None
    arch: ArchitectureName | None = None
    runtime: RuntimeName | None = None

    def __post_init__(self) -> None:
        validated(None if self.os or self.arch or self.runtime else "names no os, arch or runtime", "")
