"""What decides the packages of a project that a recipe follows, for the reasons to build it again."""

from collections.abc import Iterator

from builder.base import files
from builder.base.errors import UsageError
from builder.packages.projects import ProjectRequest, shown
from builder.packages.pypi import projects, requirements_file
from builder.packages.pypi.requirements_file import Plain


def of(request: ProjectRequest) -> dict[str, str]:
    """Return the SHA-256 of what is taken of a project, by the path of its lock or else of its file.

    What other members of a workspace need changes nothing. Of a project that is refused, it is that of its files.
    """
    try:
        plain = requirements_file.read((), (), [request])
        name = shown(request, projects.deciding(request))
        return {name: files.sha256_of("\n".join(_lines(plain, request)).encode())}
    except UsageError:
        marks = (*projects.MARKS, projects.REQUIREMENTS)
        present = [path for mark in marks if (path := request.folder / mark).is_file()]
        return {shown(request, path): files.sha256(path) for path in present}


def _lines(plain: Plain, request: ProjectRequest) -> Iterator[str]:
    """Yield all lines, with addresses that are the same wherever the repository lies."""
    root = (request.root or request.folder).resolve().as_uri()
    for line in (*plain.requirements, *plain.constraints, *plain.options):
        yield line.replace(root, "file:")
