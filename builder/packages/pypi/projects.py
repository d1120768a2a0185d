"""Projects of Python: recognized by the files in a folder, with the lock that decides and the versions that fit."""

import contextlib
import re
from pathlib import Path, PurePosixPath

from packaging.utils import canonicalize_name

from builder.base import contained, texts
from builder.base.errors import UsageError
from builder.model.runtimes import Runtime, supported
from builder.packages.projects import FoundProject, ProjectRequest
from builder.packages.pypi import poetry_project, project_files, pyproject
from builder.packages.pypi.locks import pipenv
from builder.packages.pypi.project_files import Pylock, Pyproject
from builder.packages.pypi.pyproject import PythonVersions

UV_LOCK, PYLOCK, POETRY_LOCK, PDM_LOCK = "uv.lock", "pylock.toml", "poetry.lock", "pdm.lock"
PIPFILE, PIPFILE_LOCK = "Pipfile", "Pipfile.lock"
LOCKS = (UV_LOCK, PYLOCK, POETRY_LOCK, PDM_LOCK, PIPFILE_LOCK)
"""The first that is there decides, if all that are there agree."""
_TOOLS = {UV_LOCK: "uv", POETRY_LOCK: "Poetry", PDM_LOCK: "PDM", PIPFILE_LOCK: "Pipenv", PIPFILE: "Pipenv"}
_COMMANDS = {UV_LOCK: "uv lock", POETRY_LOCK: "poetry lock", PDM_LOCK: "pdm lock", PIPFILE_LOCK: "pipenv lock"}
REQUIREMENTS = "requirements.txt"
_OF_WORKSPACE = re.compile(r'\A(?:[^\[].*\n|\n)*?requires-python = "([^"]*)"')
"""What a uv.lock accepts, before its first table: what all members of a workspace do."""
MARKS = (pyproject.NAME, *LOCKS, PIPFILE)


def find(request: ProjectRequest) -> FoundProject | None:
    """Return the project in a folder; None if it has none of Python's. The lock is that of the workspace around it.

    Raises UsageError if a file is named that is not there, or several locks are and none is named.
    """
    own = _files(request)
    if own is None:
        return None
    file, lock = own
    about = document(request)
    deciding = lock or file
    return FoundProject(
        request=request,
        uses="pip",
        language="python",
        title=_title(deciding, about),
        name=name_of(request.folder),
        file=file,
        lock=lock,
        runtime=newest(_requires(request, lock)).name,
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
    about = document(request)
    if about is None:
        return False
    settings = about.project is None and about.tool.poetry is None
    return not (settings and request.file(REQUIREMENTS).is_file())


def document(request: ProjectRequest) -> Pyproject | None:
    """Return the pyproject.toml of a project; None if it has none."""
    path = request.file(pyproject.NAME)
    return project_files.read(Pyproject, path) if path.is_file() else None


def name_of(folder: Path) -> str:
    """Return the name of a project as its pyproject.toml has it; else that of its folder."""
    with contextlib.suppress(UsageError):
        about = project_files.read(Pyproject, folder / pyproject.NAME)
        poetry = about.tool.poetry.name if about.tool.poetry else None
        if name := (about.project.name if about.project else None) or poetry:
            return name
    return folder.resolve().name


def _title(deciding: Path, about: Pyproject | None) -> str:
    written_for_poetry = about is not None and about.project is None and about.tool.poetry is not None
    return _TOOLS.get(deciding.name, "Poetry" if written_for_poetry else "Python")


def is_lock(path: Path) -> bool:
    """Tell whether a file has the name of a lock of some tool."""
    return path.name in LOCKS or is_pylock(path)


def lock_command(lock: Path) -> str:
    """Return the command that writes a lock anew."""
    return _COMMANDS.get(lock.name, f"uv export --format pylock.toml -o {lock.name}")


def replaced(request: ProjectRequest) -> frozenset[str]:
    """Return the packages that the tool of a project replaces or leaves out, whoever asks for them, and the project."""
    _, lock = files_of(request)
    folders = dict.fromkeys((request.folder, *([lock.parent] if lock else [])))
    paths = [path for folder in folders if (path := request.inside(folder / pyproject.NAME)).is_file()]
    tools = [project_files.read(Pyproject, path).tool for path in paths]
    of_uv = [text for tool in tools for text in (*tool.uv.overrides, *tool.uv.excludes)]
    of_pdm = [name for tool in tools for name in (*tool.pdm.resolution.overrides, *tool.pdm.resolution.excludes)]
    named = (re.split(r"[^\w.-]", text.strip(), maxsplit=1)[0] for text in (*of_uv, *of_pdm))
    return frozenset(map(canonicalize_name, (*named, name_of(request.folder))))


def is_pylock(path: Path) -> bool:
    """Tell whether a file has a name of PEP 751."""
    return path.name.startswith("pylock.") and path.name.endswith(".toml")


def is_file_of_a_project(path: Path) -> bool:
    """Tell whether a file is not a requirements file, but a project's or a lock of some tool."""
    return is_lock(path) or path.name in MARKS


def _lists_packages(about: Pyproject | None) -> bool:
    """Tell whether a pyproject.toml says what is needed, or has a backend do so."""
    project = about.project if about else None
    listed = bool(project and (project.dependencies or project.extras or "dependencies" in project.dynamic))
    return listed or bool(about and (about.groups or about.tool.poetry))


def locks_beside(request: ProjectRequest) -> list[Path]:
    """Return the locks in the folder of a project."""
    return [path for name in LOCKS if (path := request.file(name)).is_file()]


def _lock_of(request: ProjectRequest) -> Path | None:
    """Return the lock beside a project, else the uv.lock of the workspace around it, up to the repository's root."""
    beside = locks_beside(request)
    if not beside and request.file(PIPFILE).is_file() and not _lists_packages(document(request)):
        return request.file(PIPFILE_LOCK)
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


def requires_python(request: ProjectRequest) -> PythonVersions:
    """Return the versions of Python that a project accepts."""
    own = _files(request)
    return _requires(request, own[1] if own else None)


def _requires(request: ProjectRequest, lock: Path | None) -> PythonVersions:
    if lock and lock.name == PIPFILE_LOCK and lock.is_file():
        return pipenv.python(lock)
    about = document(request)
    found = poetry_project.python(about, request.file(pyproject.NAME)) if about else PythonVersions()
    if lock and lock.is_file() and is_pylock(lock):
        return found.also(pyproject.versions(project_files.read(Pylock, lock).requires_python, lock))
    if lock and lock.name == UV_LOCK and (stated := _OF_WORKSPACE.search(texts.read(lock))):
        return found.also(pyproject.versions(stated[1], lock))
    return found


def is_of_one_environment(request: ProjectRequest) -> bool:
    """Tell whether the lock of a project may be made for the environment of its tool alone, as by pip and Pipenv."""
    _, lock = files_of(request)
    if lock and is_pylock(lock):
        return not project_files.read(Pylock, lock).environments
    return lock is not None and lock.name == PIPFILE_LOCK


def newest(accepted: PythonVersions) -> Runtime:
    """Return the newest runtime that a project accepts; the newest of all if it accepts none."""
    every = supported("python")
    return next((each for each in reversed(every) if accepted.accept(each.python_full)), every[-1])


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
