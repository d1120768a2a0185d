"""The step for Python packages."""

import re
from typing import Annotated, ClassVar, Literal

from builder.base.rules import AfterValidator, Field, StrictBool
from builder.model import pep508
from builder.model.fields import RelativePath, Text, template, validated
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


def _requirement(value: str) -> str:
    from packaging.requirements import InvalidRequirement

    template(value)
    try:
        pep508.parsed(re.sub(r"\{[a-z]+\}", "0", value))
    except InvalidRequirement as error:
        raise ValueError(f"`{value}` is not a valid requirement: {str(error).splitlines()[0]}") from None  # noqa: EM102, TRY003
    return value


RequirementText = Annotated[Text, AfterValidator(_requirement)]


@table
class Pip(FollowingStep):
    """Python packages: prebuilt wheels where they fit, compiled ones where not."""

    languages: ClassVar[frozenset[str]] = frozenset({"python"})

    uses: Literal["pip"]
    requirements: Annotated[
        tuple[RequirementText, ...], Field(description="Requirements as pip has them; `{version}` is filled in.")
    ] = ()
    file: Annotated[RelativePath | None, Field(description="A requirements file beside the recipe.")] = None
    project: ProjectPath = None
    file_of_project: DecidingFile = None
    groups: Groups = ()
    extras: Extras = ()
    no_groups: NoGroups = ()
    with_project: WithProject = False
    wheels: Annotated[
        Literal["prefer", "only", "never"],
        Field(description="prefer compiles what has no fitting wheel, only refuses it, never compiles what is named."),
    ] = "prefer"
    without: Annotated[
        tuple[Text, ...], Field(description="Packages of another layer: they take part in resolving and are left out.")
    ] = ()
    build_requires: Annotated[
        tuple[RequirementText, ...],
        Field(alias="build-requires", description="What sdists are built with, besides what they name themselves."),
    ] = ()
    network: Annotated[
        StrictBool, Field(description="Allow downloads while sdists are compiled, which nothing pins.")
    ] = False
    when: Condition = None

    def __post_init__(self) -> None:
        named = self.requirements or self.file or self.project
        validated(None if named else "needs `requirements`, `file` or `project`", "")
        self.refuse_without_project()

    @property
    def needs_engine(self) -> bool:
        return self.wheels == "never"
