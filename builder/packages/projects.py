"""Projects: folders whose own files, such as pyproject.toml and its lock, say which packages are needed.

A step with `project` follows one, and `layerwright build FOLDER` makes such a step. Which files mark a project, and
what they say, only the ecosystems know: `packages/table.py` asks each.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from builder.base import contained, files
from builder.base.errors import UsageError, near
from builder.base.frozen import dataclass
from builder.model.recipes import Loaded
from builder.model.steps import Step
from builder.model.steps.project import FollowingStep, ProjectChoice

_CONFLICT = ("<<<<<<<", ">>>>>>>")


@dataclass(frozen=True, kw_only=True, slots=True)
class ProjectRequest:
    """A folder with a project, and what is taken of it."""

    folder: Path
    root: Path | None
    """The repository, which no link in the project leads out of; None if the folder is in none."""
    choice: ProjectChoice

    def file(self, name: str) -> Path:
        """Return the path of a file of the project, which need not exist. UsageError if it is not in the repository."""
        return self.inside(self.folder / name)

    def inside(self, path: Path) -> Path:
        """Return a path of the project or the workspace around it. Raises UsageError if it leaves the repository."""
        return contained.within(self.root, path) if self.root else path


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundProject:
    """A project that an ecosystem recognizes in a folder."""

    request: ProjectRequest
    uses: str
    """The `uses` of the step that follows it."""
    language: str
    """The language of the runtimes that it is for; empty for programs, which are for all."""
    title: str
    """The tool that it is written for, in the tool's own spelling, for example `uv`."""
    name: str
    """As its own file has it; else that of its folder."""
    file: Path
    """The file that stands for it, for example pyproject.toml; else a lock or a requirements file."""
    lock: Path | None
    """The lock that decides; None for a project that has none."""
    runtime: str
    """The runtime that it is built for unless one is named: the newest that it accepts."""

    own_step: Mapping[str, Any] | None = None
    """The keys of the step that builds it, in an ecosystem whose step has no `project`."""
    is_program: bool = False
    """Whether it is compiled: its step has a `path`, and its recipe lies beside it."""

    @property
    def base(self) -> Path:
        """The folder of the recipe that builds it."""
        return self.request.folder.resolve().parent if self.is_program else self.request.folder

    @property
    def told(self) -> str:
        """What it is, in one line."""
        decides = _relative(self.lock) if self.lock else f"{_relative(self.file)}, not locked"
        return f"{self.title} project `{self.name}`, {decides}"

    @property
    def beside_lock(self) -> str | None:
        """That the file which is named does not decide, since the project has a lock; None if it does."""
        named = self.request.choice.file
        if named is None or self.lock is None or self.is_program:
            return None
        if self.request.file(named).resolve() == self.lock.resolve():
            return None
        return f"{_relative(self.request.file(named))} does not decide: the project has {_relative(self.lock)}"

    def step(self, folder: str) -> Mapping[str, Any]:
        """Return the step that follows it, as a table of a recipe from which `folder` is the relative path."""
        if self.own_step is not None:
            return {"uses": self.uses, **({"path": folder} if self.is_program else {}), **self.own_step}
        choice = replace(self.request.choice, file=None) if self.beside_lock else self.request.choice
        return {"uses": self.uses, "project": folder, **choice.keys}


def refuse_beside_lock(found: FoundProject) -> None:
    """Raise UsageError for a file that is named to decide, and does not, since the project has a lock."""
    if found.beside_lock:
        hint = (
            f"leave out `--from {found.request.choice.file}`: the lock decides; without a lock the newest versions do"
        )
        raise UsageError(found.beside_lock, hint=hint)


def _relative(path: Path) -> str:
    """Return a path as it is typed in the current folder, if it is below that."""
    here = Path.cwd()
    return path.relative_to(here).as_posix() if path.is_relative_to(here) else path.as_posix()


def requested(folder: Path, choice: ProjectChoice) -> ProjectRequest:
    """Return the request for a folder of the command line."""
    return ProjectRequest(folder=folder, root=contained.repository(folder), choice=choice)


def followed(loaded: Loaded, step: Step) -> ProjectRequest | None:
    """Return the request for the project that a step follows; None if it follows none. Raises UsageError."""
    if not isinstance(step, FollowingStep) or step.project is None:
        return None
    return ProjectRequest(folder=loaded.project(step.project), root=loaded.repository, choice=step.choice)


def around(folder: Path) -> Path:
    """Return the folder whose files may be named: the repository, what holds the recipes, or the current folder."""
    here = Path.cwd().resolve()
    if repository := contained.repository(folder):
        return repository
    if (folder / "recipe.toml").is_file():
        folder = folder.parent.parent
    return here if folder.is_relative_to(here) and here != Path(here.anchor) else folder


def refuse_conflicts(path: Path, text: str) -> None:
    """Raise UsageError for a file in which git has left both sides of a merge."""
    number = next((number for number, line in enumerate(text.splitlines(), 1) if line.startswith(_CONFLICT)), None)
    if number:
        msg = f"{path.as_posix()}:{number} has conflict markers of git"
        raise UsageError(msg, hint="resolve the merge, and lock again")


def shown(request: ProjectRequest, path: Path) -> str:
    """Return the path of a file from the repository, with slashes."""
    full = path.resolve()
    root = (request.root or request.folder.parent).resolve()
    return full.relative_to(root).as_posix() if full.is_relative_to(root) else path.as_posix()


REFUSED = "refused: "
"""How the value of an input begins for a project that is refused, before the reason."""


def inputs(request: ProjectRequest, taken: Callable[[], tuple[Path, Iterable[str]]]) -> dict[str, str]:
    """Return the SHA-256 of what is taken of a project, by the path of the file that decides.

    What other members of a workspace need changes nothing. A project that is refused has the reason, by its folder.
    """
    try:
        path, lines = taken()
        return {shown(request, path): files.sha256_of("\n".join(lines).encode())}
    except UsageError as error:
        root = (request.root or request.folder.parent).resolve().as_posix()
        return {shown(request, request.folder): REFUSED + error.what.replace(f"{root}/", "")}


def chosen(request: ProjectRequest, where: Path, *, groups: Collection[str], extras: Collection[str]) -> ProjectChoice:
    """Return what is taken of a project, with groups and extras in the spelling of the file that defines them.

    Raises UsageError, with all that are known, for one that the file does not define.
    """
    choice = request.choice
    found = replace(
        choice,
        groups=tuple(_spelled(choice.groups, groups)),
        extras=tuple(_spelled(choice.extras, extras)),
        no_groups=tuple(_spelled(choice.no_groups, groups)),
    )
    wrong = [*_unknown("group", (*found.groups, *found.no_groups), groups), *_unknown("extra", found.extras, extras)]
    if wrong:
        known = (("groups", groups), ("extras", extras))
        why = [f"{what}: {', '.join(sorted(names)) or 'none'}" for what, names in known]
        msg = f"{where.as_posix()} has no {'; and no '.join(wrong)}"
        raise UsageError(msg, why=why)
    return replace(found, groups=tuple(group for group in found.groups if group not in found.no_groups))


def _spelled(given: Collection[str], known: Collection[str]) -> Iterator[str]:
    spellings = {_comparable(name): name for name in known}
    yield from (spellings.get(_comparable(name), name) for name in given)


def _comparable(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).casefold()


def _unknown(what: str, names: Collection[str], known: Collection[str]) -> Iterator[str]:
    for name in names:
        if name not in known:
            yield f"{what} `{name}`{near(name, known)}"
