"""The step for Ruby gems."""

import re
from dataclasses import field
from typing import Annotated, ClassVar, Literal

from builder.base.rules import AfterValidator, Field
from builder.model.fields import Option, RelativePath, Text, template, validated
from builder.model.steps.gem_version import parse_gem
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


def _gem(value: str) -> str:
    template(value)
    try:
        parse_gem(re.sub(r"\{[a-z]+\}", "0", value))
    except ValueError as error:
        raise ValueError(str(error)) from None
    return value


GemText = Annotated[Text, AfterValidator(_gem)]


@table
class Gem(FollowingStep):
    """Ruby gems: precompiled ones where they fit, compiled ones where not."""

    languages: ClassVar[frozenset[str]] = frozenset({"ruby"})

    uses: Literal["gem"]
    gems: Annotated[
        tuple[GemText, ...], Field(description="`name@version`, or a requirement: `name@~> 1.18, < 2`.")
    ] = ()
    file: Annotated[
        RelativePath | None, Field(description="A Gemfile beside the recipe, with its lock from Bundler.")
    ] = None
    project: ProjectPath = None
    file_of_project: DecidingFile = None
    groups: Groups = ()
    extras: Extras = ()
    no_groups: NoGroups = ()
    with_project: WithProject = False
    precompiled: Annotated[
        Literal["prefer", "never"], Field(description="Whether gems with compiled extensions are taken.")
    ] = "prefer"
    options: Annotated[
        dict[Text, tuple[Option, ...]],
        Field(description="Per gem, arguments for configuring its extension."),
    ] = field(default_factory=dict)
    without: Annotated[
        tuple[Text, ...], Field(description="Gems of the lock that are left out, with their own dependencies.")
    ] = ()
    when: Condition = None

    def __post_init__(self) -> None:
        given = [bool(each) for each in (self.gems, self.file, self.project)]
        validated(None if sum(given) == 1 else "needs either `gems`, `file` or `project`", "")
        self.refuse_without_project()

    @property
    def needs_engine(self) -> bool:
        return True
