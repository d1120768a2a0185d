"""Checks of the programs that Lambda starts: `bootstrap`, extensions, and scripts with their interpreter."""

import re
from collections.abc import Iterator

from builder.layer.checks.model import Subject, check
from builder.layer.findings import ERROR, WARNING, Finding
from builder.layer.tree import Entry
from builder.model import libraries

_STARTED = re.compile(r"^(?:bootstrap|bin/[^/]+|extensions/[^/]+)$")
_LINE = 256
_USUAL = ("/bin/", "/usr/bin/", "/usr/local/bin/", "/var/lang/bin/")
_ENV = re.compile(r"^/usr/bin/env\s+(?:-S\s+)?(?P<name>[^\s-][^\s]*)")


@check("script", "A script starts only if the kernel finds the interpreter that its first line names.")
def script(subject: Subject) -> Iterator[Finding]:
    for entry in subject.tree:
        if entry.link is not None or not _STARTED.match(entry.path):
            continue
        problem = _problem(entry, subject)
        if problem:
            message, hint = problem
            # A program in bin/ may never be started; Lambda starts the others itself.
            severity = subject.suspicious if entry.path.startswith("bin/") else ERROR
            yield Finding(check="script", severity=severity, path=entry.path, message=message, hint=hint)


def _problem(entry: Entry, subject: Subject) -> tuple[str, str] | None:
    if entry.path in subject.elves:
        return None
    line = entry.content.head(_LINE).partition(b"\n")[0]
    if not line.startswith(b"#!"):
        if entry.path.startswith("bin/"):
            return None
        return "is neither a program nor a script with `#!` in its first line", "begin it with `#!/bin/sh`, for example"
    if line.endswith(b"\r"):
        problem = "has Windows line endings: the kernel takes the carriage return for a part of the interpreter's name"
        return problem, "save it with LF as line ending"
    named = line[2:].decode("utf-8", errors="replace").strip()
    env = _ENV.match(named)
    path = env["name"] if env else named.split()[0] if named else ""
    if _found(path, subject):
        return None
    return (
        f"names the interpreter `{path}`, which neither the layer nor Lambda has",
        "add it to the layer, or name another",
    )


def _found(path: str, subject: Subject) -> bool:
    """Tell whether an interpreter is in the layer, or in the images of all runtimes."""
    name = path.rpartition("/")[2]
    if path.startswith("/opt/"):
        return path.removeprefix("/opt/") in subject.tree.paths()
    if "/" in path and not path.startswith(_USUAL):
        return False
    if "/" not in path and f"bin/{name}" in subject.tree.paths():
        return True
    return all(name in libraries.commands(runtime.os.name, runtime.language) for runtime in subject.runtimes)


@check("extension", "Lambda starts the files directly in extensions/, and ignores folders below it.")
def extension(subject: Subject) -> Iterator[Finding]:
    inside = [entry for entry in subject.tree if entry.path.startswith("extensions/")]
    if any(entry.parent == "extensions" for entry in inside):
        return  # the folders belong to the extension
    for entry in inside:
        if entry.mode & 0o111 or entry.content.head(2) == b"#!" or entry.path in subject.elves:
            yield Finding(
                check="extension",
                severity=ERROR if subject.own else WARNING,
                path=entry.path,
                message="lies in a folder below extensions/, where Lambda never starts it",
                hint="move it to extensions/ itself; its name is the extension's",
            )
