"""The requirements of the pip steps of a target."""

from collections.abc import Iterator

from builder.model.recipes import Loaded
from builder.model.steps import Pip
from builder.packages.ecosystem import Request
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
    return Wanted(
        requirements=tuple(target.expand(text) for step in pips for text in step.requirements),
        files=tuple(loaded.file(step.file) for step in pips if step.file),
        sources=sources if request.may_compile else frozenset(),
        wheels_only=not request.may_compile or all(step.wheels == "only" for step in pips),
    )


def names(loaded: Loaded, step: Pip) -> Iterator[str]:
    """Yield the packages that a step names itself."""
    of_file = requirements_file.read([loaded.file(step.file)]).requirements if step.file else ()
    yield from map(of_line, (*step.requirements, *of_file))
