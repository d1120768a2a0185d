"""Projects and the locks of other tools, as lines of requirements. The lock decides, or the project is refused.

uv's own export reads uv.lock; pylock.toml is read here (PEP 751); what a project without a lock needs stands in its
pyproject.toml (PEP 621). Locks of other tools are refused with the command by which these export them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from builder.base import credentials, texts
from builder.base.errors import UsageError
from builder.model import pep508
from builder.packages.pypi import project_files, uv
from builder.packages.pypi.project_files import ProjectTable, Pylock, Pyproject, UvLock
from builder.packages.pypi.pylock import LockedPackage

PROJECT, UV_LOCK, PYLOCK = "pyproject.toml", "uv.lock", "pylock.toml"
EXPORTS: Mapping[str, str] = {
    "poetry.lock": "poetry export --output requirements.txt",
    "pdm.lock": "pdm export --prod --output requirements.txt",
    "Pipfile.lock": "pipenv requirements --hash > requirements.txt",
}
"""Locks of other tools, with the command that writes one as a requirements file with hashes."""
_OF_LOCK = {"Pipfile": "Pipfile.lock"}
_CONFLICT = ("<<<<<<<", ">>>>>>>")


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundProject:
    """A project in a folder."""

    name: str
    """As its pyproject.toml has it; else that of its folder."""
    file: Path
    """The file that stands for it: pyproject.toml, else a lock or requirements.txt."""
    lock: Path | None
    """The lock that decides; None for a project that has none."""

    @property
    def told(self) -> str:
        """What it is, in one line."""
        decides = f"locked by {self.lock.as_posix()}" if self.lock else f"{self.file.as_posix()}, not locked"
        return f"Python project `{self.name}`, {decides}"


def find(folder: Path) -> FoundProject | None:
    """Return the project in a folder; None if it has none of Python's. The lock is that of the workspace around it."""
    project = folder / PROJECT
    if project.is_file():
        return FoundProject(name=_name(project) or folder.resolve().name, file=project, lock=_lock_of(folder))
    beside = [folder / name for name in (PYLOCK, *EXPORTS, *_OF_LOCK, "requirements.txt")]
    file = next((path for path in beside if path.is_file()), None)
    if file is None:
        return None
    return FoundProject(name=folder.resolve().name, file=file, lock=None if file.suffix == ".txt" else file)


def is_file_of_a_project(path: Path) -> bool:
    """Tell whether a file is not a requirements file, but a project's or a lock of some tool."""
    name = path.name
    pylock = name.startswith("pylock.") and name.endswith(".toml")
    return pylock or name in {PROJECT, UV_LOCK, *EXPORTS, *_OF_LOCK}


def lock_of(path: Path) -> Path | None:
    """Return the lock that decides for a file of a project; None without one."""
    lock = _lock_of(path.parent) if path.name == PROJECT else path.with_name(_OF_LOCK.get(path.name, path.name))
    return lock if lock and lock.is_file() else None


def lines(path: Path) -> tuple[str, ...]:
    """Return the requirements of a project or a lock, as lines of a requirements file. Raises UsageError."""
    name = _OF_LOCK.get(path.name, path.name)
    lock = _lock_of(path.parent) if name == PROJECT else path.with_name(name)
    return _lines(path.parent, lock, tuple(map(_state, (path, path.with_name(PROJECT), lock))))


@cache
def _lines(project: Path, lock: Path | None, _: object) -> tuple[str, ...]:
    """Return the lines for a state of the files: each target of a command asks for them."""
    return tuple(_of_lock(lock, project) if lock else _of_project(project / PROJECT))


def _state(path: Path | None) -> tuple[int, int] | None:
    if path is None or not path.is_file():
        return None
    about = path.stat()
    return about.st_mtime_ns, about.st_size


def _of_lock(path: Path, project: Path) -> Iterator[str]:
    """Yield the lines of a lock, for the project in a folder."""
    _refuse_conflicts(path)
    if path.name == UV_LOCK:
        yield from _of_uv(path, project)
    elif path.name in EXPORTS:
        command = EXPORTS[path.name]
        msg = f"{path.as_posix()} is a lock that its own tool must write as requirements"
        hint = f"`{command}`, and then name the file that it writes: -r requirements.txt"
        raise UsageError(msg, why=["it is not read here, and nothing newer is built in its place"], hint=hint)
    else:
        yield from _of_pylock(path)


def _lock_of(folder: Path) -> Path | None:
    """Return the lock beside a project, else the uv.lock of the workspace around it, up to the repository's root."""
    for name in (UV_LOCK, PYLOCK, *EXPORTS):
        if (path := folder / name).is_file():
            return path
    inside = folder.resolve()
    above = inside
    while not (above / ".git").exists() and above != above.parent:
        above = above.parent
        if (path := above / UV_LOCK).is_file() and _is_member(inside, above):
            return path
    return None


def _is_member(folder: Path, root: Path) -> bool:
    """Tell whether a folder is a member of the workspace of a project above it."""
    if not (root / PROJECT).is_file():
        return False
    workspace = project_files.read(Pyproject, root / PROJECT).tool.uv.workspace
    relative = PurePosixPath(folder.relative_to(root).as_posix())
    return any(relative.match(one) for one in workspace.members if one) and not any(
        relative.match(one) for one in workspace.exclude if one
    )


def _refuse_conflicts(path: Path) -> None:
    if path.is_file() and any(line.startswith(_CONFLICT) for line in texts.read(path).splitlines()):
        msg = f"{path.as_posix()} has conflict markers of git"
        raise UsageError(msg, hint="resolve the merge, and lock again")


# ---- uv.lock -------------------------------------------------------------------------------------------------------


def _of_uv(lock: Path, project: Path) -> Iterator[str]:
    """Yield what uv exports: the project's own dependencies without groups of development, and no local project."""
    folder = project if (project / PROJECT).is_file() else lock.parent
    if (folder / PROJECT).is_file() and _is_older(lock, folder / PROJECT):
        msg = f"{lock.as_posix()} is older than {(folder / PROJECT).as_posix()}, which asks for something else"
        raise UsageError(msg, hint="`uv lock` brings it up to date")
    exported = uv.project([
        *("export", "--frozen", "--no-emit-workspace", "--no-dev", "--format", "requirements.txt", "--no-header"),
        *("--no-annotate", "--offline", "--project", str(folder.resolve())),
    ])  # fmt: skip
    if exported.returncode:
        msg = f"{lock.as_posix()} cannot be read"
        hint = "a uv that is as new as the one that wrote it can: `uv export --frozen --no-emit-workspace`"
        raise UsageError(msg, why=uv.explanation(exported)[:4], hint=hint)
    yield from exported.stdout.replace("\\\n", " ").splitlines()


def _is_older(lock: Path, path: Path) -> bool:
    """Tell whether a project's dependencies are not those that uv locked for it. uv asks an interpreter for that."""
    about = project_files.read(Pyproject, path).project or ProjectTable()
    name = canonicalize_name(about.name or "")
    rows = [row for row in project_files.read(UvLock, lock).package if canonicalize_name(row.name) == name]
    if not rows or "dependencies" in about.dynamic:
        return False
    now = {_pair(_requirement(text, path)) for text in about.dependencies}
    then = {_pair(_requirement(f"{row.name}{row.specifier}", lock)) for row in rows[0].metadata.requires if row.always}
    return now != then


def _pair(requirement: Requirement) -> tuple[str, SpecifierSet]:
    return canonicalize_name(requirement.name), requirement.specifier


# ---- pylock.toml ---------------------------------------------------------------------------------------------------


def _of_pylock(path: Path) -> Iterator[str]:
    lock = project_files.read(Pylock, path)
    if lock.version.partition(".")[0] != "1":
        msg = f"{path.as_posix()} has the format `{lock.version}`, and 1.0 is known"
        raise UsageError(msg, hint="a newer layerwright may read it")
    for package in lock.packages:
        yield _of_package(package, path)


def _of_package(package: LockedPackage, path: Path) -> str:
    """Return one package of a pylock.toml with its hashes."""
    name, files = package.name, [*package.wheels, *([package.sdist] if package.sdist else [])]
    if any("sha256" not in file.hashes for file in files):
        msg = f"{path.as_posix()} has a package without the SHA-256 of a file: `{name}`"
        raise UsageError(msg)
    if not files or package.version is None:
        msg = f"{path.as_posix()}: `{name}` is a folder, a repository or an address, and no package of an index"
        raise UsageError(msg, hint=f"publish it to an index, or leave it out: packages without `{name}`")
    digests = sorted({file.hashes["sha256"] for file in files})
    marker = f" ; {package.marker}" if package.marker is not None else ""
    return " ".join([f"{name}=={package.version}{marker}", *(f"--hash=sha256:{digest}" for digest in digests)])


# ---- pyproject.toml ------------------------------------------------------------------------------------------------


def _of_project(path: Path) -> Iterator[str]:
    """Yield what a project without a lock needs."""
    document = project_files.read(Pyproject, path)
    project = document.project
    if project is None:
        tool = "Poetry" if document.tool.poetry is not None else "a tool of its own"
        msg = f"{path.as_posix()} lists its dependencies for {tool}"
        hint = f"lock it, and name the lock's export: `{EXPORTS['poetry.lock']}`; or move them to [project] (PEP 621)"
        raise UsageError(msg, hint=hint)
    if "dependencies" in project.dynamic:
        msg = f"{path.as_posix()}: its backend works out the dependencies, which would run on this host"
        raise UsageError(msg, hint="`uv lock` or `pip-compile` writes them into a lock; name that")
    yield from (str(_requirement(text, path)) for text in project.dependencies)
    if not project.dependencies:
        msg = f"{path.as_posix()} has no dependencies, so there is nothing to put into a layer"
        raise UsageError(msg, hint="a layer holds what a function imports and does not bring itself")


def _name(path: Path) -> str | None:
    try:
        project = project_files.read(Pyproject, path).project
    except UsageError:
        return None
    return project.name if project else None


def _requirement(text: str, path: Path) -> Requirement:
    try:
        return pep508.parsed(text)
    except InvalidRequirement:
        msg = f"{path.as_posix()}: `{credentials.redact(text)}` is not a valid requirement"
        raise UsageError(msg) from None
