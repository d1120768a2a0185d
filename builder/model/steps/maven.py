"""The step for jars."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from builder.model.fields import Artifact, table
from builder.model.steps.traits import Traits
from builder.model.steps.when import When


@table
class Maven(Traits):
    """Jars, flat into java/lib."""

    languages: ClassVar[frozenset[str]] = frozenset({"java"})

    uses: Literal["maven"]
    artifacts: Annotated[
        tuple[Artifact, ...], Field(min_length=1, description="group:artifact:version, or with :classifier.")
    ]
    when: When | None = None
