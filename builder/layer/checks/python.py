"""Checks of Python modules: extension modules for the interpreter, imports of pruned modules."""

import re
from collections import defaultdict
from collections.abc import Iterator

from builder.layer.checks.model import ERROR, WARNING, Finding, Subject, check
from builder.layer.slim import SITE_PACKAGES
from builder.model.architectures import Architecture
from builder.model.runtimes import Runtime

_TAGGED = re.compile(r"^(?P<module>[^.]+)\.(?P<tag>cpython-\d+[a-z]*(?:-[\w-]+)?|pypy\d+-[\w-]+|abi3|abi3t)\.so$")


def accepted(tag: str, runtime: Runtime, arch: Architecture) -> bool:
    """Tell whether the interpreter of a runtime imports that suffix (importlib.machinery.EXTENSION_SUFFIXES)."""
    version = runtime.python
    if version is None:
        return False
    versioned = f"cpython-{version[0]}{version[1]}"
    return tag in {"abi3", versioned, f"{versioned}-{arch.machine}-linux-gnu"}


def _modules(subject: Subject) -> dict[tuple[str, str], list[tuple[str, str]]]:
    """Return path and tag of the tagged extension modules, by folder and module name."""
    modules: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for entry in subject.tree:
        match = _TAGGED.match(entry.name) if SITE_PACKAGES.match(entry.path) else None
        if match:
            modules[entry.parent, match["module"]].append((entry.path, match["tag"]))
    return modules


def _missing(tags: list[tuple[str, str]], subject: Subject) -> list[str]:
    return [
        f"{runtime.name} on {arch.name}"
        for runtime in subject.runtimes
        for arch in subject.architectures
        if runtime.python and not any(accepted(tag, runtime, arch) for _, tag in tags)
    ]


@check(
    "python-abi", "An extension module's suffix names the one interpreter that imports it; any other ignores the file."
)
def python_abi(subject: Subject) -> Iterator[Finding]:
    for tags in _modules(subject).values():
        missing = _missing(tags, subject)
        if missing:
            path, tag = tags[0]
            yield Finding(
                check="python-abi",
                severity=ERROR,
                path=path,
                message=f"is for {tag}; {', '.join(missing)} cannot import it",
                hint="install the wheels of that runtime's Python version and architecture",
            )


@check("foreign-abi", "Modules for other interpreters are dead weight, and a sign of two mixed installations.")
def foreign_abi(subject: Subject) -> Iterator[Finding]:
    if not any(runtime.python for runtime in subject.runtimes):
        return
    for tags in _modules(subject).values():
        if _missing(tags, subject):
            continue  # python-abi's case
        for path, tag in tags:
            if not any(accepted(tag, r, a) for r in subject.runtimes for a in subject.architectures):
                yield Finding(
                    check="foreign-abi",
                    severity=WARNING,
                    path=path,
                    message=f"is for {tag}, which {', '.join(r.name for r in subject.runtimes)} never imports",
                    hint="remove it; install into an empty folder",
                )


_IMPORT = re.compile(rb"(?:^|\n)(?:from|import) ([\w.]+)")


@check("pruned-import", "A module that imports a pruned module at its top fails, too.")
def pruned_import(subject: Subject) -> Iterator[Finding]:
    gone = {_dotted(path): path for path in subject.pruned if path.endswith(".py") and SITE_PACKAGES.match(path)}
    if not gone:
        return
    here = {_dotted(entry.path) for entry in subject.tree if entry.path.endswith(".py")}
    clues = {_first_missing(name, here).encode() for name in gone}
    for entry in subject.tree:
        if entry.link is not None or not entry.path.endswith(".py") or not SITE_PACKAGES.match(entry.path):
            continue
        source = entry.content.read()
        if not any(clue in source for clue in clues):
            continue
        for imported in _imports(source, entry.path):
            if imported in gone and imported not in here:
                yield Finding(
                    check="pruned-import",
                    severity=WARNING,
                    path=entry.path,
                    message=f"imports {imported}, which the recipe prunes",
                    hint=f'`keep = ["{gone[imported]}"]` under [slim] leaves it in',
                )


def _first_missing(name: str, here: set[str]) -> str:
    """Return the first part of a pruned name that no remaining module has: `tests` of `pandas.tests.common`."""
    parts = name.split(".")
    remaining = next((count for count in range(len(parts) - 1, 0, -1) if ".".join(parts[:count]) in here), 0)
    return parts[remaining]


def _dotted(path: str) -> str:
    """Return the dotted name of a module, as in import statements."""
    inside = SITE_PACKAGES.sub("", path).removesuffix(".py").removesuffix("/__init__")
    return inside.replace("/", ".")


def _imports(source: bytes, path: str) -> Iterator[str]:
    """Yield the modules that a module imports unconditionally: in statements at the beginning of a line."""
    package = SITE_PACKAGES.sub("", path).split("/")[:-1]
    for name in {match.decode("ascii", errors="replace") for match in _IMPORT.findall(source)}:
        level = len(name) - len(name.lstrip("."))
        if not level:
            yield name
        elif level <= len(package):
            yield ".".join([*package[: len(package) - level + 1], *filter(None, [name.lstrip(".")])])
