"""Extension modules, and whether this interpreter will import them."""

import re
from collections import defaultdict
from collections.abc import Iterator

from builder.layer.checks.model import ERROR, WARNING, Finding, Subject, check
from builder.layer.slim import SITE_PACKAGES
from builder.model.architectures import Architecture
from builder.model.runtimes import Runtime

_TAGGED = re.compile(r"^(?P<module>[^.]+)\.(?P<tag>cpython-\d+[a-z]*(?:-[\w-]+)?|pypy\d+-[\w-]+|abi3|abi3t)\.so$")


def accepted(tag: str, runtime: Runtime, arch: Architecture) -> bool:
    """Tell whether the runtime's import system looks for that suffix (importlib.machinery.EXTENSION_SUFFIXES)."""
    version = runtime.python
    if version is None:
        return False
    own = f"cpython-{version[0]}{version[1]}"
    return tag in {"abi3", own, f"{own}-{arch.machine}-linux-gnu"}


def _modules(subject: Subject) -> dict[tuple[str, str], list[tuple[str, str]]]:
    """Return (path, tag) of the tagged extension modules, by folder and module name."""
    found: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for entry in subject.tree:
        match = _TAGGED.match(entry.name) if SITE_PACKAGES.match(entry.path) else None
        if match:
            found[entry.parent, match["module"]].append((entry.path, match["tag"]))
    return found


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


@check("foreign-abi", "Modules for other interpreters are dead weight, and a sign that two installs were mixed.")
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
