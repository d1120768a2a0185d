"""The condition that narrows a step, an override or a test."""

from builder.model.fields import ArchitectureName, RuntimeName, SystemName, known, table


@table
class When:
    """The only condition there is: equality."""

    os: SystemName | None = None
    arch: ArchitectureName | None = None
    runtime: RuntimeName | None = None

    def __post_init__(self) -> None:
        known(None if self.os or self.arch or self.runtime else "names no os, arch or runtime", "")
