"""Projects of Python, as lines of requirements. The lock decides, or the project is refused.

uv's own export reads uv.lock; `packages/pypi/locks/` the locks of others; what a project without a lock needs stands in
its pyproject.toml (PEP 621).
"""

import contextlib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path, PurePosixPath
from types import ModuleType

from packaging.specifiers import SpecifierSet

from builder.base import contained, files, texts
from builder.base.errors import UsageError
from builder.model.runtimes import Runtime, supported
from builder.model.steps.project import ProjectChoice
from builder.packages import projects
from builder.packages.projects import FoundProject, ProjectRequest
from builder.packages.pypi import project_files, pyproject
from builder.packages.pypi.locks import pylock, uv
from builder.packages.pypi.project_files import Pylock, Pyproject

UV_LOCK, PYLOCK = "uv.lock", "pylock.toml"
_READERS: Mapping[str, ModuleType] = {UV_LOCK: uv, PYLOCK: pylock}
"""The module that reads a lock."""
_TOOLS = {UV_LOCK: "uv", "poetry.lock": "Poetry", "pdm.lock": "PDM", "Pipfile.lock": "Pipenv", "Pipfile": "Pipenv"}
EXPORTS: Mapping[str, str] = {
    "poetry.lock": "poetry export --output requirements.txt",
    "pdm.lock": "pdm export --prod --output requirements.txt",
    "Pipfile.lock": "pipenv requirements --hash > requirements.txt",
}
"""Locks of other tools, with the command that writes one as a requirements file with hashes."""
LOCKS = (*_READERS, *EXPORTS)
_OF_LOCK = {"Pipfile": "Pipfile.lock"}
REQUIREMENTS = "requirements.txt"
MARKS = (pyproject.NAME, *LOCKS, *_OF_LOCK)


def find(request: ProjectRequest) -> FoundProject | None:
    """Return the project in a folder; None if it has none of Python's. The lock is that of the workspace around it.

    Raises UsageError if a file is named that is not there, or several locks are and none is named.
    """
    own = _files(request)
    if own is None:
        return None
    file, lock = own
    about = _document(request)
    deciding = lock or file
    return FoundProject(
        request=request,
        uses="pip",
        language="python",
        title=_title(deciding, about),
        name=name_of(request.folder),
        file=file,
        lock=lock,
        runtime=_newest(_requires(request, lock)).name,
    )


def _files(request: ProjectRequest) -> tuple[Path, Path | None] | None:
    """Return the file that stands for a project, and its lock; None without a project."""
    project = request.file(pyproject.NAME)
    if request.choice.file:
        file = request.file(request.choice.file)
        if not file.is_file():
            msg = f"there is no file {file.as_posix()}"
            raise UsageError(msg)
        if is_lock(file):
            return (project if project.is_file() else file), file
        return (file, _lock_of(request)) if file.name in MARKS else (file, None)
    lock = _lock_of(request)
    if lock or _is_project(request):
        return (project if project.is_file() else lock or project), lock
    file = request.file(REQUIREMENTS)
    return (file, None) if file.is_file() else None


def _is_project(request: ProjectRequest) -> bool:
    """Tell whether a pyproject.toml says what is needed; many hold only the settings of tools."""
    about = _document(request)
    if about is None:
        return False
    settings = about.project is None and about.tool.poetry is None
    return not (settings and request.file(REQUIREMENTS).is_file())


def _document(request: ProjectRequest) -> Pyproject | None:
    path = request.file(pyproject.NAME)
    return project_files.read(Pyproject, path) if path.is_file() else None


def name_of(folder: Path) -> str:
    """Return the name of a project as its pyproject.toml has it; else that of its folder."""
    with contextlib.suppress(UsageError):
        about = project_files.read(Pyproject, folder / pyproject.NAME)
        if about.project and about.project.name:
            return about.project.name
    return folder.resolve().name


def _title(deciding: Path, about: Pyproject | None) -> str:
    written_for_poetry = about is not None and about.project is None and about.tool.poetry is not None
    return _TOOLS.get(deciding.name, "Poetry" if written_for_poetry else "Python")


def is_lock(path: Path) -> bool:
    """Tell whether a file has the name of a lock of some tool."""
    return path.name in LOCKS or (path.name.startswith("pylock.") and path.name.endswith(".toml"))


def is_file_of_a_project(path: Path) -> bool:
    """Tell whether a file is not a requirements file, but a project's or a lock of some tool."""
    return is_lock(path) or path.name in MARKS


def _lock_of(request: ProjectRequest) -> Path | None:
    """Return the lock beside a project, else the uv.lock of the workspace around it, up to the repository's root."""
    beside = [path for name in LOCKS if (path := request.file(name)).is_file()]
    pipfile = request.file("Pipfile")
    if not beside and pipfile.is_file() and _document(request) is None:
        return pipfile.with_name(_OF_LOCK["Pipfile"])
    if beside:
        return beside[0]
    inside = request.folder.resolve()
    end = request.root or contained.repository(inside)
    for above in inside.parents if inside != end else ():
        if (path := request.inside(above / UV_LOCK)).is_file() and _is_member(inside, above):
            return path
        if above == end:
            break
    return None


def _is_member(folder: Path, root: Path) -> bool:
    """Tell whether a folder is a member of the workspace of a project above it."""
    if not (root / pyproject.NAME).is_file():
        return False
    workspace = project_files.read(Pyproject, root / pyproject.NAME).tool.uv.workspace
    relative = PurePosixPath(folder.relative_to(root).as_posix())
    return any(relative.match(one) for one in workspace.members if one) and not any(
        relative.match(one) for one in workspace.exclude if one
    )


# ---- versions of Python ----------------------------------------------------------------------------------------------


def requires_python(request: ProjectRequest) -> SpecifierSet:
    """Return the versions of Python that a project accepts."""
    own = _files(request)
    return _requires(request, own[1] if own else None)


def _requires(request: ProjectRequest, lock: Path | None) -> SpecifierSet:
    about = _document(request)
    if about and about.project and about.project.requires_python:
        return pyproject.versions(about.project.requires_python, request.file(pyproject.NAME))
    if lock and is_lock(lock) and lock.name.startswith("pylock."):
        return pyproject.versions(project_files.read(Pylock, lock).requires_python, lock)
    return SpecifierSet()


def _newest(accepted: SpecifierSet) -> Runtime:
    every = supported("python")
    return next((each for each in reversed(every) if accepted.contains(each.python_full)), every[-1])


def files_of(request: ProjectRequest) -> tuple[Path, Path | None]:
    """Return the file that stands for a project, and its lock if it has one. Raises UsageError without a project."""
    own = _files(request)
    if own is None:
        msg = f"{request.folder.as_posix()} has no project of Python"
        raise UsageError(msg)
    return own


def deciding(request: ProjectRequest) -> Path:
    """Return the file that decides on the packages of a project: its lock, else the file that stands for it."""
    file, lock = files_of(request)
    return lock or file


# ---- lines -----------------------------------------------------------------------------------------------------------


def lines(request: ProjectRequest) -> tuple[str, ...]:
    """Return what is taken of a project or a lock, as lines of a requirements file. Raises UsageError.

    Folders in them are absolute. A project that is a requirements file has none: that file is read as such.
    """
    decides = deciding(request)
    if not is_file_of_a_project(decides):
        projects.chosen(request, decides, groups=(), extras=())
        return ()
    lock = decides if is_lock(decides) else None
    return _lines(request, lock, tuple(map(_state, (request.file(pyproject.NAME), lock))))


@cache
def _lines(request: ProjectRequest, lock: Path | None, _: object) -> tuple[str, ...]:
    """Return the lines for a state of the files: each target of a command asks for them."""
    if lock:
        _refuse_unread(lock)
    choice = _choice(request, lock)
    if lock is None:
        return tuple(_of_project(request, choice))
    reader = _READERS.get(lock.name, pylock)
    return tuple(reader.lines(lock, request, choice))


def _refuse_unread(lock: Path) -> None:
    if lock.is_file():
        project_files.refuse_conflicts(lock, texts.read(lock))
    if lock.name in EXPORTS:
        command = EXPORTS[lock.name]
        msg = f"{lock.as_posix()} is a lock that its own tool must write as requirements"
        hint = f"`{command}`, and then name the file that it writes: -r requirements.txt"
        raise UsageError(msg, why=["it is not read here, and nothing newer is built in its place"], hint=hint)


def _choice(request: ProjectRequest, lock: Path | None) -> ProjectChoice:
    """Return what is taken, in the spelling of the file that defines groups and extras. UsageError for unknown ones."""
    about = _document(request)
    if about is None and lock and lock.name not in EXPORTS and lock.name != UV_LOCK:
        document = project_files.read(Pylock, lock)
        return projects.chosen(request, lock, groups=document.groups, extras=document.extras)
    extras = about.project.extras if about and about.project else ()
    groups = about.named_groups if about else ()
    return projects.chosen(request, request.file(pyproject.NAME), groups=groups, extras=extras)


def inputs(request: ProjectRequest) -> dict[str, str]:
    """Return the SHA-256 of what is taken of a project, by the path of its lock or else of its file.

    What other members of a workspace need changes nothing. Of a project that is refused, it is that of its files.
    """
    try:
        decides = deciding(request)
        name = projects.shown(request, decides)
        return {name: files.sha256_of("\n".join([*lines(request), *_plain(decides)]).encode())}
    except UsageError:
        present = [path for mark in (*MARKS, REQUIREMENTS) if (path := request.folder / mark).is_file()]
        return {projects.shown(request, path): files.sha256(path) for path in present}


def _plain(path: Path) -> tuple[str, ...]:
    """Return the text of a requirements file."""
    return () if is_file_of_a_project(path) else (texts.read(path),)


def _state(path: Path | None) -> tuple[int, int] | None:
    if path is None or not path.is_file():
        return None
    about = path.stat()
    return about.st_mtime_ns, about.st_size


def _of_project(request: ProjectRequest, choice: ProjectChoice) -> Iterator[str]:
    """Yield what a project without a lock needs."""
    path, document = request.file(pyproject.NAME), _document(request)
    project = document.project if document else None
    if document is None or project is None:
        tool = "Poetry" if document and document.tool.poetry is not None else "a tool of its own"
        msg = f"{path.as_posix()} lists its dependencies for {tool}"
        hint = f"lock it, and name the lock's export: `{EXPORTS['poetry.lock']}`; or move them to [project] (PEP 621)"
        raise UsageError(msg, hint=hint)
    if "dependencies" in project.dynamic:
        msg = f"{path.as_posix()}: its backend works out the dependencies, which would run on this host"
        raise UsageError(msg, hint="`uv lock` or `pip-compile` writes them into a lock; name that")
    found = [str(each) for each in pyproject.requirements(document, path, choice)]
    if not found and not choice.with_project:
        msg = f"{path.as_posix()} has no dependencies, so there is nothing to put into a layer"
        raise UsageError(msg, hint="a layer holds what a function imports and does not bring itself")
    yield from found
    if choice.with_project:
        yield f"{project.name} @ {request.folder.resolve().as_uri()}"
