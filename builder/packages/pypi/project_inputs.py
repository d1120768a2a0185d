"""What decides the packages of a project that a recipe follows, for the reasons to build it again."""

from collections.abc import Iterator
from pathlib import Path

from builder.packages.projects import ProjectRequest, inputs
from builder.packages.pypi import projects, requirements_file
from builder.packages.pypi.requirements_file import Plain


def of(request: ProjectRequest) -> dict[str, str]:
    """Return the SHA-256 of what is taken of a project, as `packages.projects.inputs`."""
    return inputs(request, lambda: _taken(request))


def _taken(request: ProjectRequest) -> tuple[Path, Iterator[str]]:
    return projects.deciding(request), _lines(requirements_file.read((), (), [request]), request)


def _lines(plain: Plain, request: ProjectRequest) -> Iterator[str]:
    """Yield all lines, with addresses that are the same wherever the repository lies."""
    root = (request.root or request.folder).resolve().as_uri()
    for line in (*plain.requirements, *plain.constraints, *plain.options):
        yield line.replace(root, "file:")
