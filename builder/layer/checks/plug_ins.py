"""The check of what libraries open at run time: plug-ins, settings and data, which no header shows."""

from collections.abc import Iterator
from fnmatch import fnmatchcase

from builder.layer.checks.model import Subject, check
from builder.layer.findings import WARNING, Finding
from builder.layer.linking import LAYER_LIB
from builder.layer.tree import Entry
from builder.model.plugins import PlugIns, known


@check(
    "plug-ins",
    "Some libraries open plug-ins, settings or data at run time: without them, a function starts and its work fails.",
)
def plug_ins(subject: Subject) -> Iterator[Finding]:
    libraries = [entry for entry in subject.tree if entry.parent == LAYER_LIB]
    for opening in known():
        found = next((entry for entry in libraries if entry.name.startswith(opening.library)), None)
        if found and not _are_there(opening, subject):
            yield _finding(found, opening)


def _are_there(opening: PlugIns, subject: Subject) -> bool:
    return any(fnmatchcase(entry.path, pattern) for entry in subject.tree for pattern in opening.needs)


def _finding(library: Entry, opening: PlugIns) -> Finding:
    ways = [
        *(
            [f'a step `uses = "packages"` with `install = ["{opening.package}"]` and `layer = true`']
            if opening.package
            else []
        ),
        *(
            [f"the function sets {' or '.join(opening.variables)} to where they are in /opt"]
            if opening.variables
            else []
        ),
    ]
    return Finding(
        check="plug-ins",
        severity=WARNING,
        path=library.path,
        message=f"opens at run time what the layer has not: {opening.what}",
        hint="; ".join(ways) or "put them into the layer beside it",
    )
