"""uv.lock, as uv's own export reads it."""

import re
from collections.abc import Iterator
from pathlib import Path

from builder.base.errors import UsageError
from builder.model.steps.project import ProjectChoice
from builder.packages.projects import ProjectRequest
from builder.packages.pypi import project_indexes, pyproject, uv
from builder.packages.pypi.locks import uv_asked

_OF_FORMAT = re.compile(r"schema version|[Pp]arse")
_LOCAL = re.compile(r"(?P<editable>-e )?(?P<path>\.{1,2}(?:/[^;]*?)?)(?P<rest>\s+;.*)?")
"""A line of a folder, relative to that of the lock."""


def lines(lock: Path, request: ProjectRequest, choice: ProjectChoice) -> Iterator[str]:
    """Yield what uv exports: the project's own dependencies, chosen groups and extras; members that it needs."""
    folder = request.folder if request.file(pyproject.NAME).is_file() else lock.parent
    path = request.inside(folder / pyproject.NAME)
    if path.is_file() and (
        differing := uv_asked.differences(lock, path, choice, project_indexes.named_of_uv(path, lock))
    ):
        msg = f"{lock.as_posix()} is older than {path.as_posix()}, which asks for something else"
        why = [f"what differs: {', '.join(differing)}"]
        raise UsageError(msg, why=why, hint=f"`uv lock{uv.of_project(folder)}` brings it up to date")
    exported = uv.project([
        *("export", "--frozen", "--no-default-groups", "--format", "requirements.txt", "--no-header", "--no-annotate"),
        *("--offline", "--project", str(folder.resolve()), *([] if choice.with_project else ["--no-emit-project"])),
        *(part for name in choice.groups for part in ("--group", name)),
        *(part for name in choice.no_groups for part in ("--no-group", name)),
        *(part for name in choice.extras for part in ("--extra", name)),
    ])  # fmt: skip
    if exported.returncode:
        raise _unread(lock, folder, uv.explanation(exported)[:4])
    located = [_located(line, lock, request) for line in exported.stdout.replace("\\\n", " ").splitlines()]
    if choice.with_project and not any(folder.resolve().as_uri() in line.split() for line in located):
        msg = f"{path.as_posix()} is no package, so there is nothing of it to install: it has no [build-system]"
        raise UsageError(msg, hint="give it one, or leave out --with-project")
    yield from located


def _unread(lock: Path, folder: Path, why: list[str]) -> UsageError:
    """Return the error for a lock that uv cannot export: of a newer format, or with a choice that it excludes."""
    if not any(_OF_FORMAT.search(text) for text in why):
        return UsageError(f"{lock.as_posix()} does not have what is asked for", why=why)
    command = f"uv export --frozen --no-emit-project{uv.of_project(folder)} -o requirements.txt"
    hint = f"a uv as new as the one that wrote it can: `{command}`, and `-r requirements.txt` then"
    return UsageError(f"{lock.as_posix()} cannot be read", why=why, hint=hint)


def _located(line: str, lock: Path, request: ProjectRequest) -> str:
    """Return a line with the address of a folder: uv writes it relative to that of the lock."""
    local = _LOCAL.fullmatch(line.strip())
    if local is None:
        return line
    folder = request.inside(lock.parent / local["path"])
    if not folder.is_dir():
        msg = f"{lock.as_posix()} names the folder `{local['path']}`, which does not exist"
        raise UsageError(msg, hint="check it out, or take it out of the project and run `uv lock`")
    return f"{local['editable'] or ''}{folder.resolve().as_uri()}{local['rest'] or ''}"
