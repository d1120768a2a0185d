"""Requirements files, which uv never reads itself: it would build an editable on this host to learn its requirements.

uv gets plain requirements instead: packages of an index, and the addresses of wheels and sdists. Folders and commits of
repositories keep their addresses until `local/realising.py` makes archives of them. Everything else is refused with the
line that names it: files outside of the project, and variables of the environment, whose values would be sent to
whatever the line names.
"""

import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from pathlib import Path

from builder.base import credentials
from builder.base.errors import UsageError
from builder.base.frozen import dataclass
from builder.model.steps.project import ProjectChoice
from builder.packages import projects as of_projects
from builder.packages.projects import ProjectRequest
from builder.packages.pypi import addresses, hashes, index_options, requirement_lines
from builder.packages.pypi.addresses import Spot
from builder.packages.pypi.indexes import Indexes
from builder.packages.pypi.local.place import FULL_COMMIT, NamedPlace, redacted
from builder.packages.pypi.requirement_lines import Line, RefusedError, constant

_OPTION = re.compile(r"(?P<name>--[A-Za-z-]+|-[A-Za-z])(?P<value>.*)")
_FILES = {"-r": False, "--requirement": False, "--requirements": False, "-c": True, "--constraint": True}
"""Options that name another file, and whether its lines are constraints."""
_PASSED = frozenset({"--no-binary", "--only-binary", "--prefer-binary", "--pre", hashes.REQUIRED})
"""Options about the choice of versions and files. They are passed to uv, which warns about unsupported ones."""
_EDITABLE = ("-e", "--editable")
_PROJECTS = ("setup.py", "setup.cfg")


@dataclass(frozen=True, kw_only=True, slots=True)
class Plain:
    """The content of requirements files, as lines that uv can read safely."""

    requirements: tuple[str, ...]
    constraints: tuple[str, ...]
    options: tuple[str, ...]
    hashed: bool = False
    """Whether each package needs a hash, because a file gives one or says so."""
    indexes: Indexes = field(default_factory=Indexes)
    """Where the files say that packages come from."""
    places: Mapping[str, NamedPlace] = field(default_factory=dict)
    """The folders and repositories among the requirements, by their addresses."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Found:
    """What has been read so far."""

    requirements: list[str] = field(default_factory=list)
    constraints: list[str] = field(default_factory=list)
    options: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    indexes: list[Indexes] = field(default_factory=list)
    places: dict[str, NamedPlace] = field(default_factory=dict)
    named: set[Path] = field(default_factory=set)
    """Folders of the files that the user names. What other files say is told to nobody: it may be a secret."""
    projects: set[Path] = field(default_factory=set)
    """Folders that a file may name files of."""
    roots: set[Path] = field(default_factory=set)
    """Folders that a file may name projects of."""
    hashed: set[Path] = field(default_factory=set)
    """Requirements files that give a hash or ask for them. A lock of a project is as complete as its tool makes it."""
    seen: set[tuple[Path, bool]] = field(default_factory=set)
    """Files that were read, and whether as constraints; they can name each other."""


class MovingError(UsageError):
    """Requirements name repositories, but no full commits of them."""

    def __init__(self, places: Sequence[NamedPlace]) -> None:
        self.places = tuple(places)
        why = [f"{each.where}: {each.told}" for each in places]
        super().__init__("a repository without a full commit can become other code", why=why, hint=FULL_COMMIT)


def read(files: Iterable[Path], requirements: Sequence[str] = (), projects: Iterable[ProjectRequest] = ()) -> Plain:
    """Read requirements, files with all that they name, and projects; UsageError with every line that is refused.

    Raises MovingError, which asks no repository for its commit; `resolve` does.
    """
    found = _Found()
    given = _fill(found, files, requirements, projects)
    if moving := [each for each in found.places.values() if each.git and not each.git.is_pinned]:
        raise MovingError(moving)
    return Plain(
        requirements=(*given, *found.requirements),
        constraints=tuple(found.constraints),
        options=tuple(found.options),
        hashed=bool(found.hashed),
        indexes=functools.reduce(Indexes.joined, found.indexes, Indexes()),
        places=found.places,
    )


def names_any(path: Path) -> bool:
    """Return whether a file names a package; UsageError as of `read`, but none for a repository without a commit."""
    found = _Found()
    _fill(found, [path], (), ())
    return bool(found.requirements)


def _fill(
    found: _Found, files: Iterable[Path], requirements: Iterable[str], projects: Iterable[ProjectRequest]
) -> list[str]:
    """Read everything, and return the requirements that stand in no file."""
    given = [_direct(text, found) for text in requirements]
    named = [*files, *(path for project in projects for path in _of_project(project, found))]
    found.named.update(path.resolve().parent for path in named)
    found.projects.update(of_projects.around(path.resolve().parent) for path in named)
    found.roots.update(_root(path.resolve().parent) for path in named)
    for path in named:
        _read(path, found, constraints=False)
        _take_indexes_of_itself(path, found)
    if found.refused:
        raise refusal(found.refused)
    return given


def _take_indexes_of_itself(path: Path, found: _Found) -> None:
    """Take the indexes of a project whose own folder a file names, as `-e .` in what `uv export` writes."""
    folder = path.resolve().parent
    if any(each.folder and each.folder.resolve() == folder for each in found.places.values()):
        from builder.packages.pypi import project_indexes, pyproject

        found.indexes.append(project_indexes.of(folder / pyproject.NAME, None))


def _of_project(request: ProjectRequest, found: _Found) -> tuple[Path, ...]:
    """Take the lines of a project; return the requirements file that stands for it, if one does."""
    from builder.packages.pypi import project_lines, projects

    if not projects.is_file_of_a_project(file := projects.deciding(request)):
        project_lines.lines(request)
        return (file,)
    found.projects.add(request.root or request.folder.resolve())
    found.roots.add(request.root or _root(request.folder.resolve()))
    _follow(request, found, constraints=False)
    return ()


def _follow(request: ProjectRequest, found: _Found, *, constraints: bool) -> None:
    """Take the lines that stand for a project or a lock, and the indexes that it names."""
    from builder.packages.pypi import project_indexes, project_lines, projects

    file, lock = projects.files_of(request)
    stripped = (text.strip() for text in project_lines.lines(request))
    lines = [Line(file=lock or file, text=text, shown=True) for text in stripped if text and not text.startswith("#")]
    _take_all(lines, found, constraints=constraints)
    found.indexes.append(project_indexes.of(file, lock))


def refusal(why: Iterable[str]) -> UsageError:
    """Return the error for requirements that uv must not get."""
    msg = "Python requirements are not packages of an index, or cannot be read"
    hint = (
        "what can be required: packages of an index, wheels and sdists, folders with a project in the same repository"
        " and `NAME @ git+https://…@COMMIT` with 40 digits; `uv build --wheel PATH -o wheels` makes a wheel of others"
    )
    return UsageError(msg, why=[credentials.redact(text) for text in why], hint=hint)


def _root(folder: Path) -> Path:
    """Return the folder that local packages are in: the project, and what is beside it without a repository."""
    project = of_projects.around(folder)
    return project if (project / ".git").exists() else min(project, folder.parent, key=lambda path: len(path.parts))


def _direct(text: str, found: _Found) -> str:
    """Return a requirement of a recipe or the command line: whether it is one was checked there."""
    try:
        if len(text.splitlines()) > 1:  # uv would read each of them by itself
            raise RefusedError("more than one line")  # noqa: EM101, TRY003, TRY301
        spot = Spot(where=credentials.redact(text), folder=Path(), places=found.places)
        return addresses.requirement(constant(text), spot)
    except (RefusedError, ValueError, OSError) as error:
        why = str(error).partition("\n")[0]
        found.refused.append(f"{redacted(text)}{f' ({why})' if why else ''}")
        return text


def _read(path: Path, found: _Found, *, constraints: bool) -> None:
    if (path.resolve(), constraints) in found.seen:
        return
    found.seen.add((path.resolve(), constraints))
    from builder.packages.pypi import projects

    if projects.is_file_of_a_project(path):
        _follow(of_projects.requested(path.parent, ProjectChoice(file=path.name)), found, constraints=constraints)
        return
    try:
        lines = list(
            requirement_lines.read(path, shown=any(path.resolve().is_relative_to(folder) for folder in found.named))
        )
    except UsageError as error:
        found.refused.append(f"{path.as_posix()}: {'; '.join(error.why)}")
        return
    if path.name in _PROJECTS:
        found.refused.append(f"{path.as_posix()}: is a project, no requirements file")
        return
    if any(hashes.MARK.search(line.text) for line in lines):
        found.hashed.add(path)
    _take_all(lines, found, constraints=constraints)


def _take_all(lines: Iterable[Line], found: _Found, *, constraints: bool) -> None:
    """Take each line, or note why it is refused."""
    for line in lines:
        try:
            _take(line, found, constraints=constraints)
        except RefusedError as error:
            found.refused.append(line.told(str(error)))
        except (ValueError, OSError, RecursionError):  # no address, no path, or too many parentheses
            found.refused.append(line.told("not a valid requirement"))


def _take(line: Line, found: _Found, *, constraints: bool) -> None:
    if _OPTION.fullmatch(line.text):
        for option in map(_OPTION.fullmatch, re.split(r"\s(?=--?[A-Za-z])", line.text)):
            if option:
                value = option["value"].strip().removeprefix("=").strip()
                _take_option(option["name"], value, line, found, constraints)
        return
    kept = found.constraints if constraints else found.requirements
    kept.append(_requirement(constant(line.text), _spot(line, found)))


def _spot(line: Line, found: _Found) -> Spot:
    return Spot(where=line.where, folder=line.file.parent, roots=tuple(found.roots), places=found.places)


def _take_option(name: str, value: str, line: Line, found: _Found, constraints: bool) -> None:  # noqa: FBT001
    if name in _FILES:
        if "://" in (other := constant(value).strip("\"'")):
            raise RefusedError("a file of another host")  # noqa: EM101, TRY003
        path = line.file.parent / other
        if not any(path.resolve().is_relative_to(project) for project in found.projects):
            raise RefusedError("a file outside of the project")  # noqa: EM101, TRY003
        _read(path, found, constraints=constraints or _FILES[name])
    elif name in index_options.NAMES:
        found.indexes.append(index_options.parsed(name, value, line.file))
    elif name in _EDITABLE:
        found.requirements.append(addresses.editable(constant(value), _spot(line, found)))
    elif name in _PASSED:
        found.options.append(f"{name} {constant(value)}".strip())
    else:
        raise RefusedError("this option is not known")  # noqa: EM101, TRY003


def _requirement(text: str, spot: Spot) -> str:
    """Return a requirement with its hashes, and with an absolute address if it has one."""
    requirement, *options = re.split(r"\s(?=--?[A-Za-z])", text)
    try:
        hashed = hashes.options(options)
    except ValueError as error:
        raise RefusedError(str(error)) from None
    return " ".join([addresses.requirement(requirement, spot), *hashed])
