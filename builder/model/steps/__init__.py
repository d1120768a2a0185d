"""The steps of a recipe, each a table with `uses`, in one file for each ecosystem."""

from typing import Annotated

from builder.base.rules import Field
from builder.model.steps.cargo import Cargo
from builder.model.steps.gem import Gem
from builder.model.steps.go import Go
from builder.model.steps.maven import Maven
from builder.model.steps.npm import Npm
from builder.model.steps.pip import Pip
from builder.model.steps.system import Build, Copy, Packages, Script
from builder.model.steps.when import When

__all__ = ["Build", "Copy", "Gem", "Maven", "Npm", "Packages", "Pip", "Script", "Step", "When"]

Step = Annotated[
    Packages | Pip | Npm | Gem | Maven | Cargo | Go | Build | Script | Copy,
    Field(discriminator="uses"),
]
