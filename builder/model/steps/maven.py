"""The step for jars."""

from typing import Annotated, Literal

from pydantic import Field

from builder.model.fields import Artifact, table
from builder.model.steps.when import When


@table
class Maven:
    """Jars, flat into java/lib."""

    uses: Literal["maven"]
    artifacts: Annotated[
        tuple[Artifact, ...], Field(min_length=1, description="group:artifact:version, or with :classifier.")
    ]
    when: When | None = None
