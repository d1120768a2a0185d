"""The step for Node.js packages."""

import re
from typing import Annotated, ClassVar, Literal

from builder.base.rules import AfterValidator, Field, StrictBool
from builder.model.fields import RelativePath, Template, Text, validated
from builder.model.steps.project import (
    DecidingFile,
    Extras,
    FollowingStep,
    Groups,
    NoGroups,
    ProjectPath,
    WithProject,
)
from builder.model.steps.when import Condition
from builder.model.tables import table


def _npm_package(value: str) -> str:
    right = re.fullmatch(r"(?:@[a-z0-9~-][\w.~-]*/)?[a-z0-9~-][\w.~-]*@[^@\s]+", value)
    return validated(
        None if right else f"`{value}` is not `name@version`, for example `sharp@0.35.5` or `sharp@^0.35`", value
    )


NpmPackage = Annotated[Template, AfterValidator(_npm_package)]


@table
class Npm(FollowingStep):
    """Node.js packages."""

    languages: ClassVar[frozenset[str]] = frozenset({"nodejs"})

    uses: Literal["npm"]
    packages: Annotated[tuple[NpmPackage, ...], Field(description="`name@version`, or a range.")] = ()
    file: Annotated[RelativePath | None, Field(description="A package.json beside the recipe.")] = None
    project: ProjectPath = None
    file_of_project: DecidingFile = None
    groups: Groups = ()
    extras: Extras = ()
    no_groups: NoGroups = ()
    with_project: WithProject = False
    versioned: Annotated[StrictBool, Field(description="Install into nodejs/nodeNN instead of nodejs.")] = False
    skip_scripts: Annotated[
        tuple[Text, ...],
        Field(alias="skip-scripts", description="Prebuilt packages, which work without their install script."),
    ] = ()
    when: Condition = None

    def __post_init__(self) -> None:
        named = self.packages or self.file or self.project
        validated(None if named else "needs `packages`, `file` or `project`", "")
        both = self.project and (self.packages or self.file)
        validated("`project` stands alone: its lock decides on all packages" if both else None, "")
        self.refuse_without_project()
