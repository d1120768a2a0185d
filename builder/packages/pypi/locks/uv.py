"""uv.lock, as uv's own export reads it."""

import re
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from builder.base.errors import UsageError
from builder.model.steps.project import ProjectChoice
from builder.packages.projects import ProjectRequest
from builder.packages.pypi import project_files, pyproject, uv
from builder.packages.pypi.project_files import ProjectTable, Pyproject, Requires, UvLock, UvMetadata

_Asked = frozenset[tuple[str | None, str, SpecifierSet]]
"""What a project asks for: extra or group, name, versions."""
_LOCAL = re.compile(r"(?P<editable>-e )?(?P<path>\.{1,2}(?:/[^\s;]*)?)(?P<rest>\s*;.*)?")
"""A line of a folder, relative to that of the lock."""


def lines(lock: Path, request: ProjectRequest, choice: ProjectChoice) -> Iterator[str]:
    """Yield what uv exports: the project's own dependencies, chosen groups and extras; members that it needs."""
    folder = request.folder if request.file(pyproject.NAME).is_file() else lock.parent
    path = request.inside(folder / pyproject.NAME)
    if path.is_file() and _is_older(lock, path, choice):
        msg = f"{lock.as_posix()} is older than {path.as_posix()}, which asks for something else"
        where = "" if folder.resolve() == Path.cwd() else f" --project {shlex.quote(folder.as_posix())}"
        raise UsageError(msg, hint=f"`uv lock{where}` brings it up to date")
    exported = uv.project([
        *("export", "--frozen", "--no-default-groups", "--format", "requirements.txt", "--no-header", "--no-annotate"),
        *("--offline", "--project", str(folder.resolve()), *([] if choice.with_project else ["--no-emit-project"])),
        *(part for name in choice.groups for part in ("--group", name)),
        *(part for name in choice.no_groups for part in ("--no-group", name)),
        *(part for name in choice.extras for part in ("--extra", name)),
    ])  # fmt: skip
    if exported.returncode:
        msg = f"{lock.as_posix()} cannot be read"
        hint = "a uv that is as new as the one that wrote it can: `uv export --frozen --no-emit-workspace`"
        raise UsageError(msg, why=uv.explanation(exported)[:4], hint=hint)
    located = [_located(line, lock, request) for line in exported.stdout.replace("\\\n", " ").splitlines()]
    if choice.with_project and not any(folder.resolve().as_posix() in line.split() for line in located):
        msg = f"{path.as_posix()} is no package, so there is nothing of it to install: it has no [build-system]"
        raise UsageError(msg, hint="give it one, or leave out --with-project")
    yield from located


def _located(line: str, lock: Path, request: ProjectRequest) -> str:
    """Return a line with the absolute path of a folder: uv writes it relative to that of the lock."""
    local = _LOCAL.fullmatch(line.strip())
    if local is None:
        return line
    folder = request.inside(lock.parent / local["path"])
    if not folder.is_dir():
        msg = f"{lock.as_posix()} names the folder `{local['path']}`, which does not exist"
        raise UsageError(msg, hint="check it out, or take it out of the project and run `uv lock`")
    return f"{local['editable'] or ''}{folder.resolve().as_posix()}{local['rest'] or ''}"


def _is_older(lock: Path, path: Path, choice: ProjectChoice) -> bool:
    """Tell whether a project's dependencies are not those that uv locked for it. uv asks an interpreter for that."""
    document = project_files.read(Pyproject, path)
    about = document.project or ProjectTable()
    name = canonicalize_name(about.name or "")
    rows = [row for row in project_files.read(UvLock, lock).package if canonicalize_name(row.name) == name]
    if not rows or "dependencies" in about.dynamic:
        return False
    return _now(document, path, choice) != _then(rows[0].metadata, lock, choice)


def _now(document: Pyproject, path: Path, choice: ProjectChoice) -> _Asked:
    about = document.project or ProjectTable()
    tables: list[tuple[str | None, Iterable[str]]] = [(None, about.dependencies)]
    tables += [(extra, about.extras[extra]) for extra in choice.extras]
    own = {_row(extra, pyproject.requirement(text, path)) for extra, texts in tables for text in texts}
    groups = {_row(group, each) for group in choice.groups for each in pyproject.of_group(document, path, group)}
    return frozenset(own | groups)


def _then(metadata: UvMetadata, lock: Path, choice: ProjectChoice) -> _Asked:
    extras = {None, *map(canonicalize_name, choice.extras)}
    named: dict[str | None, str] = {canonicalize_name(extra): extra for extra in choice.extras}
    own = {_row(named.get(each.extra), _locked(each, lock)) for each in metadata.requires if each.extra in extras}
    groups = {canonicalize_name(name): rows for name, rows in metadata.groups.items()}
    chosen = {
        _row(group, _locked(each, lock)) for group in choice.groups for each in groups.get(canonicalize_name(group), ())
    }
    return frozenset(own | chosen)


def _locked(row: Requires, lock: Path) -> Requirement:
    return pyproject.requirement(f"{row.name}{row.specifier}", lock)


def _row(part: str | None, requirement: Requirement) -> tuple[str | None, str, SpecifierSet]:
    return part, canonicalize_name(requirement.name), requirement.specifier
