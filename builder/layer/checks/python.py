"""Checks of Python modules: extension modules for the interpreter, imports of pruned modules."""

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterator

from builder.layer import pruned_imports
from builder.layer.checks.model import Subject, check
from builder.layer.findings import ERROR, WARNING, Finding
from builder.layer.names import SITE_PACKAGES
from builder.layer.pruned_requires import PrunedImport
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


def _kept(found: PrunedImport) -> str:
    """Return the pattern that keeps what is imported: a file, or a package with all that it has."""
    return f"{posixpath.dirname(found.file)}/" if found.whole else found.file


@check("pruned-import", "A module that imports a pruned module at its top fails, too.")
def pruned_import(subject: Subject) -> Iterator[Finding]:
    for found in pruned_imports.find(subject.tree, subject.pruned, subject.store):
        when, every = "", ", `keep-imported = true` all of this kind"
        if found.lazily:
            when, every = " at the first use of its name", ""
        if found.whole:
            every = ""
        yield Finding(
            check="pruned-import",
            severity=WARNING,
            path=found.path,
            message=f"imports {found.name}{when}, which the recipe prunes",
            hint=f'`keep = ["{_kept(found)}"]` under [slim] leaves it in{every}',
        )
