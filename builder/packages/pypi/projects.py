"""Projects and the locks of other tools, as lines of requirements. The lock decides, or the project is refused.

uv's own export reads uv.lock; pylock.toml is read here (PEP 751); what a project without a lock needs stands in its
pyproject.toml (PEP 621). Locks of other tools are refused with the command by which these export them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from builder.base import credentials, texts
from builder.base.errors import UsageError
from builder.packages.pypi import uv

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


def lines(path: Path) -> Iterator[str]:
    """Yield the requirements of a project or a lock, as lines of a requirements file. Raises UsageError."""
    name = _OF_LOCK.get(path.name, path.name)
    if name == PROJECT and (lock := _lock_of(path.parent)):
        yield from _of_lock(lock, path.parent)
    elif name == PROJECT:
        yield from _of_project(path)
    else:
        yield from _of_lock(path.with_name(name), path.parent)


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
    workspace = _toml(root / PROJECT).get("tool", {}).get("uv", {}).get("workspace", {})
    members, excluded = ([str(one) for one in workspace.get(key, [])] for key in ("members", "exclude"))
    relative = PurePosixPath(folder.relative_to(root).as_posix())
    return any(map(relative.match, members)) and not any(map(relative.match, excluded))


def _refuse_conflicts(path: Path) -> None:
    if path.is_file() and any(line.startswith(_CONFLICT) for line in texts.read(path).splitlines()):
        msg = f"{path.as_posix()} has conflict markers of git"
        raise UsageError(msg, hint="resolve the merge, and lock again")


# ---- uv.lock -------------------------------------------------------------------------------------------------------


def _of_uv(lock: Path, project: Path) -> Iterator[str]:
    """Yield what uv exports: the project's own dependencies without groups of development, and no local project."""
    folder = project if (project / PROJECT).is_file() else lock.parent
    if (folder / PROJECT).is_file() and _is_older(lock, _toml(folder / PROJECT)):
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


def _is_older(lock: Path, project: Mapping[str, Any]) -> bool:
    """Tell whether a project's dependencies are not those that uv locked for it. uv asks an interpreter for that."""
    about = project.get("project", {})
    name = canonicalize_name(str(about.get("name", "")))
    rows = [row for row in _toml(lock).get("package", []) if canonicalize_name(str(row.get("name", ""))) == name]
    if not rows or "dependencies" in about.get("dynamic", []):
        return False
    locked = rows[0].get("metadata", {}).get("requires-dist", [])
    now = {_pair(Requirement(text)) for text in about.get("dependencies", [])}
    then = {
        (canonicalize_name(row["name"]), SpecifierSet(row.get("specifier", "")))
        for row in locked
        if "extra ==" not in row.get("marker", "")
    }
    return now != then


def _pair(requirement: Requirement) -> tuple[str, SpecifierSet]:
    return canonicalize_name(requirement.name), requirement.specifier


# ---- pylock.toml ---------------------------------------------------------------------------------------------------


def _of_pylock(path: Path) -> Iterator[str]:
    document = _toml(path)
    if (version := str(document.get("lock-version", ""))).partition(".")[0] != "1":
        msg = f"{path.as_posix()} has the format `{version}`, and 1.0 is known"
        raise UsageError(msg, hint="a newer layerwright may read it")
    for row in document.get("packages", []):
        yield _of_row(row, path)


def _of_row(row: Mapping[str, Any], path: Path) -> str:
    """Return one package of a pylock.toml with its hashes."""
    try:
        name, version = str(row["name"]), row.get("version")
        files = [*row.get("wheels", []), *([row["sdist"]] if "sdist" in row else [])]
        digests = sorted({str(file["hashes"]["sha256"]) for file in files})
    except (KeyError, TypeError, AttributeError) as error:
        msg = f"{path.as_posix()} has a package without its name or the SHA-256 of a file"
        raise UsageError(msg, why=[str(error)]) from None
    if not files or version is None:
        msg = f"{path.as_posix()}: `{name}` is a folder, a repository or an address, and no package of an index"
        raise UsageError(msg, hint=f"publish it to an index, or leave it out: packages without `{name}`")
    marker = f" ; {row['marker']}" if "marker" in row else ""
    return " ".join([f"{name}=={version}{marker}", *(f"--hash=sha256:{digest}" for digest in digests)])


# ---- pyproject.toml ------------------------------------------------------------------------------------------------


def _of_project(path: Path) -> Iterator[str]:
    """Yield what a project without a lock needs."""
    document = _toml(path)
    project = document.get("project")
    if not isinstance(project, dict):
        tool = "Poetry" if "poetry" in document.get("tool", {}) else "a tool of its own"
        msg = f"{path.as_posix()} lists its dependencies for {tool}"
        hint = f"lock it, and name the lock's export: `{EXPORTS['poetry.lock']}`; or move them to [project] (PEP 621)"
        raise UsageError(msg, hint=hint)
    if "dependencies" in project.get("dynamic", []):
        msg = f"{path.as_posix()}: its backend works out the dependencies, which would run on this host"
        raise UsageError(msg, hint="`uv lock` or `pip-compile` writes them into a lock; name that")
    needed = project.get("dependencies", [])
    for text in needed:
        try:
            yield str(Requirement(str(text)))
        except InvalidRequirement:
            msg = f"{path.as_posix()}: `{credentials.redact(str(text))}` is not a valid requirement"
            raise UsageError(msg) from None
    if not needed:
        msg = f"{path.as_posix()} has no dependencies, so there is nothing to put into a layer"
        raise UsageError(msg, hint="a layer holds what a function imports and does not bring itself")


def _name(path: Path) -> str | None:
    try:
        found = _toml(path).get("project", {}).get("name")
    except (UsageError, AttributeError):
        return None
    return found if isinstance(found, str) else None


def _toml(path: Path) -> dict[str, Any]:
    try:
        return texts.parse_toml(texts.read(path))
    except texts.MalformedError as error:
        msg = f"{path.as_posix()} is not valid TOML"
        raise UsageError(msg, why=[str(error)]) from error
