"""What is taken of a project of Python, as lines of requirements. The lock decides, or the project is refused.

uv's own export reads uv.lock; `packages/pypi/locks/` the locks of others; what a project without a lock needs stands in
its pyproject.toml (PEP 621, or Poetry's own tables).
"""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import ModuleType

from packaging.markers import InvalidMarker
from packaging.requirements import InvalidRequirement
from packaging.utils import canonicalize_name

from builder.base import texts
from builder.base.errors import UsageError
from builder.model import pep508
from builder.model.architectures import X86_64
from builder.model.steps.project import ProjectChoice
from builder.packages.projects import ProjectRequest, chosen, refuse_conflicts
from builder.packages.pypi import markers, poetry_project, project_files, projects, pyproject, uv_project
from builder.packages.pypi.local import sources
from builder.packages.pypi.locks import pdm, pipenv, poetry, pylock, uv
from builder.packages.pypi.project_files import Pylock, Pyproject

_READERS: Mapping[str, ModuleType] = {
    projects.UV_LOCK: uv,
    projects.PYLOCK: pylock,
    projects.POETRY_LOCK: poetry,
    projects.PDM_LOCK: pdm,
    projects.PIPFILE_LOCK: pipenv,
}
"""The module that reads a lock."""
_SHOWN = 5
"""Packages on which locks disagree that are told."""


def lines(request: ProjectRequest) -> tuple[str, ...]:
    """Return what is taken of a project or a lock, as lines of a requirements file. Raises UsageError.

    Folders in them are absolute. A project that is a requirements file has none: that file is read as such.
    """
    _refuse_disagreeing(request)
    decides = projects.deciding(request)
    if not projects.is_file_of_a_project(decides):
        if chosen(request, decides, groups=(), extras=()).with_project:
            msg = f"{decides.as_posix()} is a requirements file, which has no project to add"
            raise UsageError(msg, hint="leave out `--with-project`; a line `-e .` in it adds the project of its folder")
        return ()
    lock = decides if projects.is_lock(decides) else None
    return _lines(request, lock, tuple(map(_state, (*map(request.file, (pyproject.NAME, projects.PIPFILE)), lock))))


@cache
def _lines(request: ProjectRequest, lock: Path | None, _: object) -> tuple[str, ...]:
    """Return the lines for a state of the files: each target of a command asks for them."""
    if lock and lock.is_file():
        refuse_conflicts(lock, texts.read(lock))
    choice = _choice(request, lock)
    with project_files.naming(lock or request.file(pyproject.NAME)):
        found = tuple(
            _READERS.get(lock.name, pylock).lines(lock, request, choice) if lock else _of_project(request, choice)
        )
    if lock is None:
        return found
    if not any(line.strip() and not line.startswith("#") for line in found) and not choice.with_project:
        raise _nothing(lock)
    is_there = lock.name == projects.UV_LOCK or any(request.folder.resolve().as_uri() in line.split() for line in found)
    return (*found, _itself(request)) if choice.with_project and not is_there else found


def forget() -> None:
    """Clear the cached lines, for callers that change many projects within one process."""
    _lines.cache_clear()


def _itself(request: ProjectRequest) -> str:
    """Return the line of the project itself; uv's export has its own."""
    return f"{projects.name_of(request.folder)} @ {request.folder.resolve().as_uri()}"


def _nothing(path: Path) -> UsageError:
    msg = f"{path.as_posix()} has no dependencies, so there is nothing to put into a layer"
    return UsageError(msg, hint="a layer holds what a function imports and does not bring itself; see `--group`")


def _choice(request: ProjectRequest, lock: Path | None) -> ProjectChoice:
    """Return what is taken, in the spelling of the file that defines groups and extras. UsageError for unknown ones."""
    about = projects.document(request)
    if lock and lock.name == projects.PIPFILE_LOCK:
        return chosen(request, lock, groups=pipenv.groups(lock), extras=())
    if about is None and lock and projects.is_pylock(lock):
        document = project_files.read(Pylock, lock)
        return chosen(request, lock, groups=document.groups, extras=document.extras)
    path = request.file(pyproject.NAME)
    groups, extras = (about.named_groups, about.named_extras) if about else ((), ())
    choice = chosen(request, path, groups=groups, extras=extras)
    if about:
        _refuse_included(about, path, choice)
    return choice


def _refuse_included(about: Pyproject, path: Path, choice: ProjectChoice) -> None:
    """Raise UsageError for a group that is left out, and that a chosen one includes: no tool divides groups."""
    left = {canonicalize_name(name): name for name in choice.no_groups}
    for group in choice.groups:
        if both := left.keys() & about.included(group):
            names = ", ".join(f"`{left[name]}`" for name in sorted(both))
            msg = f"{path.as_posix()}: the group `{group}` includes {names}, which cannot be left out of it"
            raise UsageError(msg, hint="name the groups that are wanted without the one that includes the others")


def _state(path: Path | None) -> tuple[int, int] | None:
    if path is None or not path.is_file():
        return None
    about = path.stat()
    return about.st_mtime_ns, about.st_size


def _of_project(request: ProjectRequest, choice: ProjectChoice) -> Iterator[str]:
    """Yield what a project without a lock needs."""
    path, document = request.file(pyproject.NAME), projects.document(request)
    if document is None or (document.project is None and document.tool.poetry is None):
        msg = f"{path.as_posix()} lists no dependencies in [project] (PEP 621) or [tool.poetry]"
        raise UsageError(msg, hint="`uv lock` or `pip-compile` writes what another tool needs into a lock; name that")
    if document.project and "dependencies" in document.project.dynamic and document.tool.poetry is None:
        msg = f"{path.as_posix()}: its backend works out the dependencies, which would run on this host"
        raise UsageError(msg, hint="`uv lock` or `pip-compile` writes them into a lock; name that")
    if document.tool.poetry:
        found = [poetry_project.line(each, path) for each in poetry_project.dependencies(document, path, choice)]
    else:
        uv_project.refuse_deciding(request.folder)
        folder, asked = request.folder.resolve(), list(pyproject.requirements(document, path, choice))
        named = sources.places(folder)
        sources.refuse_members(folder, asked, named)
        found = [str(sources.placed(each, named)) for each in asked]
    if not found and not choice.with_project:
        raise _nothing(path)
    yield from found
    if choice.with_project:
        yield _itself(request)


# ---- several locks --------------------------------------------------------------------------------------------------


def _refuse_disagreeing(request: ProjectRequest) -> None:
    """Raise UsageError if several locks of a project do not name the same versions, and none is named."""
    locks = projects.locks_beside(request)
    if not locks[1:] or (request.choice.file and projects.is_lock(request.file(request.choice.file))):
        return
    pins = [_pins(replace(request, choice=ProjectChoice(file=lock.name))) for lock in locks]
    names = sorted({name for each in pins for name in each})
    pairs = list(zip(pins, locks, strict=True))
    differing = [
        f"{name}: " + ", ".join(f"{each.get(name, 'none')} in {lock.name}" for each, lock in pairs)
        for name in names
        if len({each.get(name) for each in pins}) > 1
    ]
    if differing:
        msg = f"the locks of {request.folder.as_posix()} disagree: {' and '.join(lock.name for lock in locks)}"
        ways = " or ".join(f"`--from {lock.name}`" for lock in locks)
        hint = f"{ways} says which decides, or `from` in a recipe"
        raise UsageError(msg, why=[*differing[:_SHOWN], *(["..."] if differing[_SHOWN:] else [])], hint=hint)


def _pins(request: ProjectRequest) -> dict[str, str]:
    """Return the versions that a lock has for the newest runtime; of one that is refused, why."""
    environment = markers.environment_of(projects.newest(projects.requires_python(request)), X86_64)
    try:
        every = lines(request)
    except UsageError as error:
        return {"it cannot be followed": error.what}
    found: dict[str, str] = {}
    for line in every:
        with contextlib.suppress(InvalidRequirement, InvalidMarker):  # options and folders are no versions
            each = pep508.parsed(line.partition(" --")[0])
            if not each.url and (each.marker is None or markers.holds(each.marker, environment)):
                found[canonicalize_name(each.name)] = str(each.specifier).removeprefix("==")
    return found
