"""Requirements files, which uv never reads itself: it would build an editable on this host to learn its requirements.

uv gets plain requirements instead: packages of an index, and the addresses of wheels and sdists. Everything else is
refused with the line that names it: editables, folders and repositories, which would have to be built on the host;
files outside of the project; and variables of the environment, whose values
would be sent to whatever the line names.
"""

import functools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from packaging.requirements import InvalidRequirement

from builder.base import credentials
from builder.base.errors import UsageError
from builder.model import pep508
from builder.model.steps.project import ProjectChoice
from builder.packages import projects as of_projects
from builder.packages.ecosystem import unindexed
from builder.packages.projects import ProjectRequest
from builder.packages.pypi import hashes, index_options, requirement_lines
from builder.packages.pypi.indexes import Indexes
from builder.packages.pypi.requirement_lines import Line, RefusedError, constant

ARCHIVES = (".whl", ".tar.gz", ".tgz", ".zip", ".tar.bz2", ".tar.xz")
"""Suffixes of files with a hash: wheels, and sdists, which are never built on this host."""
_OPTION = re.compile(r"(?P<name>--[A-Za-z-]+|-[A-Za-z])(?P<value>.*)")
_FILES = {"-r": False, "--requirement": False, "--requirements": False, "-c": True, "--constraint": True}
"""Options that name another file, and whether its lines are constraints."""
_PASSED = frozenset({"--no-binary", "--only-binary", "--prefer-binary", "--pre", hashes.REQUIRED})
"""Options about the choice of versions and files. They are passed to uv, which warns about unsupported ones."""
_EDITABLE = ("-e", "--editable")
_PROJECTS = ("setup.py", "setup.cfg")
_PLACE = re.compile(r"\.|.*[/\\:@]")
"""What a path or an address looks like, and a mistyped requirement does not."""
_ADDRESS = re.compile(r"(?P<address>[^\s;\[]+)(?P<rest>\s*(?:\[[^\]]*\])?\s*(?:;.*)?)")


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


@dataclass(frozen=True, kw_only=True, slots=True)
class _Found:
    """What has been read so far."""

    requirements: list[str] = field(default_factory=list)
    constraints: list[str] = field(default_factory=list)
    options: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    indexes: list[Indexes] = field(default_factory=list)
    named: set[Path] = field(default_factory=set)
    """Folders of the files that the user names. What other files say is told to nobody: it may be a secret."""
    projects: set[Path] = field(default_factory=set)
    """Folders that a file may name files of."""
    hashed: set[Path] = field(default_factory=set)
    """Requirements files that give a hash or ask for them. A lock of a project is as complete as its tool makes it."""
    seen: set[tuple[Path, bool]] = field(default_factory=set)
    """Files that were read, and whether as constraints; they can name each other."""


def read(files: Iterable[Path], requirements: Sequence[str] = (), projects: Iterable[ProjectRequest] = ()) -> Plain:
    """Read requirements, files with all that they name, and projects; UsageError with every line that is refused."""
    found = _Found()
    for text in requirements:
        _direct_only(text, found)
    named = [*files, *(path for project in projects for path in _of_project(project, found))]
    found.named.update(path.resolve().parent for path in named)
    found.projects.update(of_projects.around(path.resolve().parent) for path in named)
    for path in named:
        _read(path, found, constraints=False)
    if found.refused:
        raise refusal(found.refused)
    return Plain(
        requirements=(*requirements, *found.requirements),
        constraints=tuple(found.constraints),
        options=tuple(found.options),
        hashed=bool(found.hashed),
        indexes=functools.reduce(Indexes.joined, found.indexes, Indexes()),
    )


def _of_project(request: ProjectRequest, found: _Found) -> tuple[Path, ...]:
    """Take the lines of a project; return the requirements file that stands for it, if one does."""
    from builder.packages.pypi import projects

    if not projects.is_file_of_a_project(file := projects.deciding(request)):
        projects.lines(request)
        return (file,)
    found.projects.add(request.root or request.folder.resolve())
    _follow(request, found, constraints=False)
    return ()


def _follow(request: ProjectRequest, found: _Found, *, constraints: bool) -> None:
    """Take the lines that stand for a project or a lock, and the indexes that it names."""
    from builder.packages.pypi import project_indexes, projects

    file, lock = projects.files_of(request)
    stripped = (text.strip() for text in projects.lines(request))
    lines = [Line(file=lock or file, text=text, shown=True) for text in stripped if text and not text.startswith("#")]
    _take_all(lines, found, constraints=constraints)
    found.indexes.append(project_indexes.of(file, lock))


def refusal(why: Iterable[str]) -> UsageError:
    """Return the error for requirements that uv must not get."""
    way = (
        "`pip wheel --no-deps PATH` makes a wheel of a project, which `name @ file:///path/to/name.whl` names;"
        " or publish it to an index, and name that in UV_INDEX or uv.toml"
    )
    return unindexed(packages="Python requirements", why=why, way=way)


def is_place(text: str) -> bool:
    """Tell whether a text that is no requirement is an editable, or the path or the address of a project."""
    word = text.strip().partition(" ")[0]
    return word.startswith(_EDITABLE) or (bool(_PLACE.match(word)) and not word.lower().endswith(ARCHIVES))


def _direct_only(text: str, found: _Found) -> None:
    """Look at a requirement of a recipe or the command line: whether it is one was checked there."""
    try:
        if len(text.splitlines()) > 1:  # uv would read each of them by itself
            raise RefusedError("more than one line")  # noqa: EM101, TRY003, TRY301
        if url := pep508.parsed(constant(text)).url:
            _located(url, Path())
    except (RefusedError, ValueError) as error:
        why = str(error).partition("\n")[0]
        told = " ".join(credentials.redact(text).split())
        found.refused.append(f"{told}{f' ({why})' if why else ''}")


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
        except (ValueError, RecursionError):  # no address, no path, or too many parentheses
            found.refused.append(line.told("not a valid requirement"))


def _take(line: Line, found: _Found, *, constraints: bool) -> None:
    if _OPTION.fullmatch(line.text):
        for option in map(_OPTION.fullmatch, re.split(r"\s(?=--?[A-Za-z])", line.text)):
            if option:
                value = option["value"].strip().removeprefix("=").strip()
                _take_option(option["name"], value, line, found, constraints)
        return
    kept = found.constraints if constraints else found.requirements
    kept.append(_requirement(constant(line.text), line.file))


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
    elif name in _PASSED:
        found.options.append(f"{name} {constant(value)}".strip())
    else:
        raise RefusedError("" if name in _EDITABLE else "this option is not known")


def _requirement(text: str, file: Path) -> str:
    """Return a requirement with its hashes, and with an absolute address if it has one."""
    requirement, *options = re.split(r"\s(?=--?[A-Za-z])", text)
    try:
        hashed = hashes.options(options)
    except ValueError as error:
        raise RefusedError(str(error)) from None
    return " ".join([_addressed(requirement, file), *hashed])


def _addressed(text: str, file: Path) -> str:
    try:
        requirement = pep508.parsed(text)
    except InvalidRequirement:
        return _nameless(text, file)
    if requirement.url:
        requirement.url = _located(requirement.url, file.parent)
    elif requirement.name.lower().endswith(ARCHIVES):
        return _nameless(text, file)  # `a-1.0.whl` is also a valid name
    return str(requirement)


def _nameless(text: str, file: Path) -> str:
    match = _ADDRESS.fullmatch(text)
    if match is None or not (_PLACE.match(match["address"]) or match["address"].lower().endswith(ARCHIVES)):
        raise RefusedError("not a valid requirement")  # noqa: EM101, TRY003
    return _located(match["address"], file.parent) + match["rest"]


def _located(address: str, folder: Path) -> str:
    """Return the absolute address of a wheel or an sdist. Raises RefusedError for anything else."""
    if re.search(r"\s", address):
        raise RefusedError("an address has no spaces")  # noqa: EM101, TRY003
    parts = urlsplit(address)
    if parts.scheme in {"http", "https"}:
        path = unquote(parts.path)
    elif parts.scheme == "file":
        from urllib.request import url2pathname

        path = url2pathname(parts.path)
    elif "://" in address or "+" in parts.scheme:
        raise RefusedError
    else:
        path = address
    if not path.lower().endswith(ARCHIVES) or (parts.scheme not in {"http", "https"} and Path(path).is_dir()):
        raise RefusedError
    return address if parts.scheme in {"http", "https", "file"} else _existing(path, folder).as_uri()


def _existing(path: str, folder: Path) -> Path:
    """Return an absolute path: below the current folder, as for pip and uv, or else beside the file."""
    here = Path(path).resolve()
    if here.exists():
        return here
    return (folder / path).resolve()
