"""The requirements of the pip steps of a target."""

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from builder.base.errors import LayerwrightError, UsageError
from builder.model.recipes import Loaded
from builder.model.steps import Pip
from builder.model.steps.project import ProjectChoice
from builder.model.target import Target
from builder.packages import projects
from builder.packages.ecosystem import Request
from builder.packages.projects import ProjectRequest
from builder.packages.pypi import requirements_file
from builder.packages.pypi.names import of_line
from builder.packages.pypi.resolve import Wanted


def steps(request: Request) -> list[tuple[int, Pip]]:
    """Return the pip steps of a request with their numbers."""
    return [(number, step) for number, step in request.steps if isinstance(step, Pip)]


def wanted(request: Request) -> Wanted:
    """Return the requirements of the steps of a request, as a query for uv."""
    loaded, target = request.loaded, request.target
    pips = [step for _, step in steps(request)]
    never = [step for step in pips if step.wheels == "never"]
    sources = frozenset(name for step in never for name in names(loaded, step))
    followed = tuple(each for step in pips if (each := projects.followed(loaded, step)))
    _refuse_excluded((*followed, *(each for step in pips if (each := _of_file(loaded, step)))), target)
    return Wanted(
        requirements=tuple(target.expand(text) for step in pips for text in step.requirements),
        files=tuple(loaded.file(step.file) for step in pips if step.file),
        projects=followed,
        locked=bool(pips) and all(_is_locked(loaded, step) for step in pips),
        sources=sources if request.may_compile else frozenset(),
        wheels_only=not request.may_compile or all(step.wheels == "only" for step in pips),
    )


def names(loaded: Loaded, step: Pip) -> Iterator[str]:
    """Yield the packages that a step names itself."""
    named = [loaded.file(step.file)] if step.file else []
    project = projects.followed(loaded, step)
    of_files = requirements_file.read(named, (), [project] if project else []).requirements
    yield from map(of_line, (*step.requirements, *of_files))


def lock_of_project(loaded: Loaded) -> Path | None:
    """Return the lock of the project that a recipe follows, if it alone decides on the packages."""
    pips = [step for step in loaded.recipe.step if isinstance(step, Pip)]
    return _lock(loaded, pips[0]) if pips and all(_is_locked(loaded, step) for step in pips) else None


def _is_locked(loaded: Loaded, step: Pip) -> bool:
    """Tell whether the lock of a project decides on all that a step installs."""
    return not (step.requirements or step.file) and _lock(loaded, step) is not None


def _lock(loaded: Loaded, step: Pip) -> Path | None:
    project = projects.followed(loaded, step)
    if project is None:
        return None
    from builder.packages.pypi import projects as of_python

    found = of_python.find(project)
    return found.lock if found else None


def _of_file(loaded: Loaded, step: Pip) -> ProjectRequest | None:
    """Return the project whose own file or lock a step names as its requirements file; None for another file."""
    if not step.file:
        return None
    from builder.packages.pypi import projects as of_python

    path = loaded.file(step.file)
    if not of_python.is_file_of_a_project(path):
        return None
    return projects.requested(path.parent, ProjectChoice(file=path.name))


def _refuse_excluded(followed: Iterable[ProjectRequest], target: Target) -> None:
    """Raise UsageError for a runtime whose Python a project does not accept, or that its lock is not for."""
    for project in followed:
        from builder.packages.pypi import projects as of_python
        from builder.packages.pypi.locks import targets

        _, lock = of_python.files_of(project)
        accepted = of_python.requires_python(project)
        for runtime in target.runtimes:
            if runtime.python and not accepted.accept(runtime.python_full):
                fitting = of_python.newest(accepted)
                where = project.folder.as_posix()
                msg = f"{target.name}: {where} requires Python {accepted.text}, which {runtime.name} is not"
                way = f"build it with `--runtime {fitting.name}`"
                none = "no runtime of Lambda has such a Python: allow one in its `requires-python`, and lock again"
                raise UsageError(msg, hint=way if accepted.accept(fitting.python_full) else none)
            if lock and runtime.python:
                targets.refuse_other(lock, runtime, target.arch)


def local_inputs(loaded: Loaded) -> dict[str, str]:
    """Return the hashes of the folders that a recipe's packages are made of, by their paths in the repository."""
    found: dict[str, str] = {}
    for step in loaded.recipe.step:
        with contextlib.suppress(LayerwrightError):
            if isinstance(step, Pip):
                found.update(_local_inputs(loaded, step))
    return found


def _local_inputs(loaded: Loaded, step: Pip) -> dict[str, str]:
    project = projects.followed(loaded, step)
    files = [loaded.file(step.file)] if step.file else []
    plain = requirements_file.read(files, (), [project] if project else [])
    if not plain.places:
        return {}
    from builder.packages.pypi.local import realising  # only local packages need the backends

    folders = {address: place for address, place in plain.places.items() if place.folder}
    origins = realising.realised(plain.requirements, folders).origins.values()
    return {origin.address: origin.digest for origin in origins if origin.kind == "local"}
