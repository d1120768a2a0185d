"""The result of `layerwright plan`: what a build would do, with the reasons."""

from collections.abc import Iterator, Sequence
from typing import Any

from builder.cli import terminal
from builder.plan.outlook import Outlook
from builder.plan.plan import Plan

WAYS = {
    "emulated": "emulated: expect 6 to 12 times the time of a machine of that architecture",
    "accelerated": "accelerated: compilers, build tools and the Python of wheels run natively, the rest is emulated",
}
_COLUMNS = ("  package", "version", "route", "MB", "why")


def show(plans: Sequence[Plan], outlooks: Sequence[Outlook]) -> None:
    """Print plans, each with how the engine would compile it."""
    for index, (plan, outlook) in enumerate(zip(plans, outlooks, strict=True)):
        terminal.text("\n" if index else "")
        for line in (*_heading(plan), *_places(plan), *_compiling(plan, outlook)):
            terminal.line(line)
        if rows := _rows(plan):
            terminal.table(_COLUMNS, rows, numbers=("MB",))


def _heading(plan: Plan) -> Iterator[str]:
    runtime = plan.target.base
    yield f"{plan.target.name}  ({runtime.os.title}, {plan.route}, {'locked' if plan.locked else 'not locked'})"
    bytecode = f"Python {plan.interpreter}" if plan.interpreter else "left to Lambda"
    yield f"  image {runtime.images(plan.target.arch)['run']}   bytecode {bytecode}   digest {plan.digest[:16]}"


def _places(plan: Plan) -> Iterator[str]:
    """Yield where packages come from because a file says so: a pull request may have changed it."""
    yield from (f"  packages from {place}, as files say" for place in plan.named_places)


def _compiling(plan: Plan, outlook: Outlook) -> Iterator[str]:
    """Yield where and in which mode the container's parts are compiled; nothing for a plan without a container."""
    if plan.container is None:
        return
    yield f"  compiled in {plan.container.image.reference}"
    yield f"  compiled {WAYS.get(str(outlook.mode), outlook.mode)}{f' on {outlook.node}' if outlook.node else ''}"
    for stage in outlook.slow:
        yield f"  emulated {stage}"


def _rows(plan: Plan) -> list[tuple[str, ...]]:
    packages = [
        (f"  {row['name']}", row["version"], row["route"], _size(row["bytes"]), row["reason"])
        for row in plan.as_json()["packages"]
    ]
    return [*packages, *((f"  {copied.to}", "", "copy", "", copied.source) for copied in plan.copied)]


def _size(count: int | None) -> str:
    return terminal.mb(count) if count else ""


def document(plans: Sequence[Plan], outlooks: Sequence[Outlook]) -> dict[str, Any]:
    """Return the JSON document of plans."""
    pairs = zip(plans, outlooks, strict=True)
    return {"plans": [{**plan.as_json(), **outlook.as_json()} for plan, outlook in pairs]}
