"""What steps have in common that follow a project: a folder whose own files say which packages it needs."""

import re
from collections.abc import Mapping
from dataclasses import field, fields
from typing import Annotated, Any

from builder.base.frozen import dataclass
from builder.base.rules import AfterValidator, Field, StrictBool
from builder.model.fields import RelativePath, Text, validated
from builder.model.steps.traits import Traits


def _below(value: str) -> str:
    absolute = value.startswith(("/", "\\", "~")) or re.match(r"[A-Za-z]:", value)
    return validated(f"`{value}` is not relative to the recipe's folder, with slashes" if absolute else None, value)


ProjectPath = Annotated[
    Annotated[Text, AfterValidator(_below)] | None,
    Field(description="Folder of a project of the same repository, whose lock decides; relative to the recipe's own."),
]
DecidingFile = Annotated[
    RelativePath | None,
    Field(alias="from", description="With `project`: the file in it that decides, where there are several."),
]
Groups = Annotated[
    tuple[Text, ...],
    Field(description="With `project`: groups of dependencies that are added to the project's own."),
]
Extras = Annotated[tuple[Text, ...], Field(description="With `project`: extras, which are its optional dependencies.")]
NoGroups = Annotated[
    tuple[Text, ...],
    Field(alias="no-groups", description="With `project`: groups that are left out of those taken by default."),
]
WithProject = Annotated[
    StrictBool,
    Field(alias="with-project", description="With `project`: add the project itself, not only what it needs."),
]


@dataclass(frozen=True, kw_only=True, slots=True)
class ProjectChoice:
    """Which of a project's packages make a layer, and the file that says so."""

    file: str | None = field(default=None, metadata={"key": "from"})
    groups: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    no_groups: tuple[str, ...] = field(default=(), metadata={"key": "no-groups"})
    with_project: bool = field(default=False, metadata={"key": "with-project"})

    @property
    def keys(self) -> Mapping[str, Any]:
        """The keys of a step that say so; none for the project's own dependencies."""
        given = ((each.metadata.get("key", each.name), getattr(self, each.name)) for each in fields(self))
        return {key: list(value) if isinstance(value, tuple) else value for key, value in given if value}


class FollowingStep(Traits):
    """Base of the steps that can follow a project; each repeats the fields, in the order of its own table."""

    __slots__ = ()

    project: str | None
    file_of_project: str | None
    groups: tuple[str, ...]
    extras: tuple[str, ...]
    no_groups: tuple[str, ...]
    with_project: bool

    @property
    def choice(self) -> ProjectChoice:
        """What the step takes of its project."""
        return ProjectChoice(
            file=self.file_of_project,
            groups=self.groups,
            extras=self.extras,
            no_groups=self.no_groups,
            with_project=self.with_project,
        )

    def refuse_without_project(self) -> None:
        """Raise ValueError for keys that say what is taken of a project, if none is named."""
        given = ", ".join(f"`{key}`" for key in self.choice.keys)
        validated(f"{given} needs `project`" if given and self.project is None else None, "")
