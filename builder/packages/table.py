"""The table of ecosystems, and functions that join the results of all of them."""

from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

from builder.base.errors import UsageError
from builder.base.values import STORED, StoredAs, untrusted
from builder.layer.installed import Installed
from builder.layer.tree import Tree
from builder.model.recipes import Loaded
from builder.model.steps import Step
from builder.packages import projects
from builder.packages.ecosystem import Ecosystem
from builder.packages.projects import FoundProject, ProjectRequest
from builder.packages.resolution import Resolution

_FOLDERS = ("pypi", "npm", "rubygems", "maven", "cargo", "go")
"""Each folder has a module `ecosystem` with one `ECOSYSTEM`. Their files are added to a layer in this order."""
ECOSYSTEMS: tuple[Ecosystem, ...] = tuple(
    import_module(f"builder.packages.{folder}.ecosystem").ECOSYSTEM for folder in _FOLDERS
)


def of_step(step: Step) -> Ecosystem | None:
    """Return the ecosystem of a step; None for a step without packages."""
    return next((ecosystem for ecosystem in ECOSYSTEMS if isinstance(step, ecosystem.step)), None)


def of_recipe(loaded: Loaded) -> list[Ecosystem]:
    """Return the ecosystems of a recipe, in the order of the table."""
    steps = loaded.recipe.step
    return [ecosystem for ecosystem in ECOSYSTEMS if any(isinstance(step, ecosystem.step) for step in steps)]


def lock_names(ecosystems: Iterable[Ecosystem] = ECOSYSTEMS) -> frozenset[str]:
    """Return the names of the locks that may lie beside a recipe."""
    return frozenset(name for ecosystem in ecosystems for name in ecosystem.locks)


def environment() -> frozenset[str]:
    """Return the names of the host's variables that tools of ecosystems read in containers."""
    return frozenset(name for ecosystem in ECOSYSTEMS for name in ecosystem.environment)


def installed(content: Tree) -> tuple[Installed, ...]:
    """Return the packages in anybody's layer."""
    return tuple(package for ecosystem in ECOSYSTEMS for package in ecosystem.installed(content))


def leftovers() -> dict[str, Sequence[str]]:
    """Return the leftovers of all ecosystems: patterns by the name of the rule."""
    rules: dict[str, list[str]] = {}
    for rule, patterns in _leftovers():
        rules.setdefault(rule, []).extend(patterns)
    return dict(rules)


def store(resolution: Resolution) -> dict[str, Any]:
    """Return a resolution of any ecosystem as JSON."""
    documents = ((ecosystem.name, ecosystem.store(resolution)) for ecosystem in ECOSYSTEMS)
    return next({"ecosystem": name, **document} for name, document in documents if document is not None)


def restore(document: object) -> Resolution:
    """Return the resolution that `store` wrote. Raises UsageError or UntrustedError for what it never writes."""
    name = document.get("ecosystem") if isinstance(document, dict) else None
    for ecosystem in ECOSYSTEMS:
        if ecosystem.name == name and isinstance(document, dict):
            return ecosystem.restore({key: value for key, value in document.items() if key != "ecosystem"})
    raise untrusted(STORED, name, "the name of an ecosystem")


StoredResolution = Annotated[Resolution, StoredAs(plain=True, parse=restore, write=store)]


def _leftovers() -> Iterator[tuple[str, Sequence[str]]]:
    for ecosystem in ECOSYSTEMS:
        yield from ecosystem.leftovers.items()


def is_file_of_a_project(path: Path) -> bool:
    """Tell whether a file stands for a project, or is its lock."""
    return any(path.match(mark) for ecosystem in ECOSYSTEMS for mark in ecosystem.marks)


def project(request: ProjectRequest) -> FoundProject:
    """Return the project in a folder. Raises UsageError if there is none, or several and none is named."""
    named = [each for each in ECOSYSTEMS if request.choice.file in each.marks]
    every = [each for ecosystem in named or ECOSYSTEMS if (each := ecosystem.project(request))]
    found = [each for each in every if not each.is_program] or every  # parts of packages are compiled with them
    if len(found) == 1:
        return found[0]
    folder = request.folder.as_posix()
    if not found:
        raise _none(folder, request)
    msg = f"{folder} has several projects: {' and '.join(each.told for each in found)}"
    ways = " or ".join(f"`--from {_deciding(each)}`" for each in found)
    raise UsageError(msg, hint=f"name the file of one: {ways}")


def _deciding(found: FoundProject) -> str:
    """Return the file in the folder of a project that decides: its lock, if that is there."""
    beside = found.lock and found.lock.resolve().parent == found.request.folder.resolve()
    return found.lock.name if found.lock and beside else found.file.name


def _none(folder: str, request: ProjectRequest) -> UsageError:
    """Return the error for a folder without a project that makes a layer by itself."""
    for ecosystem in ECOSYSTEMS:
        marks = [mark for mark in ecosystem.marks if (request.folder / mark).is_file()]
        if marks:
            uses = ecosystem.step.__name__.lower()
            msg = f"{folder} has {marks[0]}, which makes no layer by itself"
            hint = f'a recipe with a step `uses = "{uses}"` builds it: docs/recipes.md has an example'
            return UsageError(msg, hint=hint)
    marks = [mark for ecosystem in ECOSYSTEMS for mark in ecosystem.marks if "*" not in mark]
    msg = f"{folder} has no project: no {', '.join(marks)} or requirements.txt"
    return UsageError(msg, hint="name a recipe, a folder with a project, or packages with --pip or --npm")


def files_beside_locks(loaded: Loaded) -> Iterator[str]:
    """Yield a warning for each file that a recipe names to decide on a project that has a lock, which does."""
    for step in loaded.recipe.step:
        request = projects.followed(loaded, step)
        if request and request.choice.file and (ecosystem := of_step(step)):
            found = ecosystem.project(request)
            if found and found.beside_lock:
                yield f"{found.beside_lock}; leave out `from`"


def project_inputs(loaded: Loaded) -> dict[str, str]:
    """Return what decides the packages of the projects that a recipe follows: a SHA-256 by a name in reasons."""
    return {
        name: digest
        for step in loaded.recipe.step
        if (ecosystem := of_step(step)) and (request := projects.followed(loaded, step))
        for name, digest in ecosystem.project_inputs(request).items()
    }


def local_inputs(loaded: Loaded) -> dict[str, str]:
    """Return the hashes of the folders that packages of a recipe are made of, by their paths in the repository."""
    found = (ecosystem.local_inputs(loaded) for ecosystem in of_recipe(loaded))
    return {name: digest for each in found for name, digest in each.items()}
