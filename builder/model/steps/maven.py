"""The step for jars."""

import re
from typing import Annotated, ClassVar, Literal

from builder.base.rules import AfterValidator, Field, StrictBool
from builder.model.fields import Template, validated
from builder.model.steps.traits import Traits
from builder.model.steps.when import Condition
from builder.model.tables import table


def _coordinates(value: str) -> str:
    part = r"[\w{}+-]+(?:\.[\w{}+-]+)*"  # Maven makes folders of them: no `.` or `..`
    right = re.fullmatch(f"{part}:{part}:{part}(?::{part})?", value)
    return validated(
        None if right else f"`{value}` is not `group:artifact:version` or `group:artifact:version:classifier`", value
    )


Coordinates = Annotated[Template, AfterValidator(_coordinates)]


@table
class Maven(Traits):
    """Jars, flat into java/lib."""

    languages: ClassVar[frozenset[str]] = frozenset({"java"})

    uses: Literal["maven"]
    artifacts: Annotated[
        tuple[Coordinates, ...], Field(min_length=1, description="group:artifact:version, or with :classifier.")
    ]
    transitive: Annotated[
        StrictBool, Field(description="Add the jars that the artifacts need; not where a lock of Gradle has them all.")
    ] = True
    all_platforms: Annotated[
        StrictBool,
        Field(
            alias="all-platforms",
            description="Keep jars for other platforms, where an artifact has one for the layer's own.",
        ),
    ] = False
    when: Condition = None
