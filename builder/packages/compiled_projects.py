"""Projects of programs: a folder that is compiled by a step with `path`, whose recipe lies beside it."""

from pathlib import Path

from builder.base.errors import UsageError
from builder.model.runtimes import supported
from builder.packages.projects import FoundProject, ProjectRequest, chosen


def found(request: ProjectRequest, *, uses: str, title: str, files: tuple[str, str]) -> FoundProject | None:
    """Return the project that a manifest marks; `files` are the manifest and its lock. None if there is none.

    Raises UsageError for groups and extras, which programs have not. The planning refuses one without its lock.
    """
    manifest, lock = (request.file(each) for each in files)
    if not manifest.is_file() or request.choice.file not in {None, *files}:
        return None
    choice = chosen(request, manifest, groups=(), extras=())
    if choice.with_project:
        msg = f"{manifest.as_posix()} makes a program, which is all that its layer has"
        raise UsageError(msg, hint="leave out `--with-project`")
    return FoundProject(
        request=request,
        uses=uses,
        language="",
        title=title,
        name=request.folder.resolve().name,
        file=manifest,
        lock=_present(lock),
        runtime=supported("provided")[-1].name,
        own_step={},
        is_program=True,
    )


def _present(path: Path) -> Path | None:
    return path if path.is_file() else None
