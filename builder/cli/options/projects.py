"""Options that say which packages of a project are taken."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from builder.base.frozen import dataclass
from builder.cli.options import shared
from builder.cli.options.parameters import Bundle, Mistake, Option, dependent, exclusive

if TYPE_CHECKING:
    from builder.packages.projects import FoundProject


@dataclass(frozen=True, kw_only=True, slots=True)
class ProjectParts(Bundle):
    """What is taken of a project, besides its own dependencies."""

    groups: Annotated[
        tuple[str, ...],
        Option(
            "--group",
            metavar="NAME",
            about="Of a project: a group of dependencies, such as dev, added to its own; repeatable. Default: none.",
        ),
    ]
    extras: Annotated[
        tuple[str, ...],
        Option("--extra", metavar="NAME", about="Of a project: an extra; repeatable. Default: none."),
    ]
    no_groups: Annotated[
        tuple[str, ...],
        Option(
            "--no-group",
            metavar="NAME",
            about="Of a project: a group that is left out of those taken by default; repeatable. Default: none.",
        ),
    ]
    with_project: Annotated[
        bool, Option("--with-project", about="Add the project itself, not only the packages that it needs.")
    ]
    only_deps: Annotated[bool, Option("--only-deps", about="Add only the packages that a project needs: the default.")]

    def __bool__(self) -> bool:
        return bool(self.given)

    @property
    def given(self) -> dict[str, object]:
        """The options that are given, with their values."""
        given = {
            "--group": self.groups,
            "--extra": self.extras,
            "--no-group": self.no_groups,
            "--with-project": self.with_project,
            "--only-deps": self.only_deps,
        }
        return {name: value for name, value in given.items() if value}

    def mistakes(self) -> Iterator[Mistake]:
        yield from exclusive({"--with-project": self.with_project, "--only-deps": self.only_deps})

    def found(self, folder: Path, file: str | None = None) -> "FoundProject":
        """Return the project in a folder. Raises UsageError if there is none, or several and none is named."""
        from builder.model.steps.project import ProjectChoice
        from builder.packages import projects, table

        choice = ProjectChoice(
            file=file,
            groups=self.groups,
            extras=self.extras,
            no_groups=self.no_groups,
            with_project=self.with_project,
        )
        return table.project(projects.requested(folder, choice))


@dataclass(frozen=True, kw_only=True, slots=True)
class ProjectOptions(Bundle):
    """What is taken of the project in a folder, and the file that says so."""

    parts: ProjectParts
    source: Annotated[
        Path | None,
        Option(
            "--from",
            kind=shared.FILE,
            metavar="FILE",
            about="Of a project with several locks: the one in its folder that decides.",
        ),
    ]

    merge: Annotated[
        str | None,
        Option(
            "--merge",
            metavar="NAME",
            about="Put the packages of all named projects of Python into one layer of this name, each package once.",
        ),
    ]

    def __bool__(self) -> bool:
        return bool(self._given)

    @property
    def _given(self) -> dict[str, object]:
        own = {"--from": self.source, "--merge": self.merge}
        return {**self.parts.given, **{name: value for name, value in own.items() if value}}

    def without_project(self) -> Iterator[Mistake]:
        """Yield the mistake of a call that names no project."""
        yield from dependent(self._given, "the folder of a project, or its file with -r")

    def found(self, folder: Path, file: str | None = None) -> "FoundProject":
        """Return the project in a folder. Raises UsageError if there is none, or several and none is named."""
        from builder.packages import projects

        if self.source is None:
            return self.parts.found(folder, file)
        found = self.parts.found(folder, self._inside(folder))
        projects.refuse_beside_lock(found)
        return found

    def _inside(self, folder: Path) -> str:
        """Return the path of the file from the project's folder, whether it is given so or from the current one."""
        source = self.source or Path()
        if source.is_file() and source.resolve().is_relative_to(folder.resolve()):
            return source.resolve().relative_to(folder.resolve()).as_posix()
        return source.as_posix()
