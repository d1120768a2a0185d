"""Checks of names, links and modes."""

import itertools
import posixpath
import re
import unicodedata
from array import array
from collections import defaultdict
from collections.abc import Iterator

from builder.base.host_names import folded
from builder.layer.checks import layout
from builder.layer.checks.model import Subject, check
from builder.layer.findings import ERROR, WARNING, Finding
from builder.layer.names import SITE_PACKAGES, parents
from builder.layer.patterns import Matcher
from builder.layer.tree import Entry
from builder.model.limits import MB

_READABLE, _RUNNABLE = 0o004, 0o005
_SYSTEM = re.compile(r"^/(?:usr|lib|lib64|bin|etc|var|tmp|dev|proc)(?:/|$)")
_PROGRAM = re.compile(r"^(?:bin/|extensions/[^/]+$|bootstrap$)")
_LEFTOVERS = {
    "version control": [".git/", ".hg/", ".svn/"],
    "traces of a desktop": [".DS_Store", "__MACOSX/", "Thumbs.db", "desktop.ini", "._*"],
    "static libraries": ["*.a", "*.la"],
    "caches": [".cache/", ".pytest_cache/", ".mypy_cache/", "**/node_modules/.cache/"],
}


@check("layer-path", "A runtime reads fixed directories of /opt; it never finds a file elsewhere.")
def layer_path(subject: Subject) -> Iterator[Finding]:
    unread: dict[str, list[Entry]] = defaultdict(list)
    read: list[str] = []
    stray = layout.stray_jars(subject.tree, subject.runtimes)
    for entry in subject.tree:
        if entry.path not in stray and any(layout.reads(runtime, entry.path) for runtime in subject.runtimes):
            read.append(entry.path)
        else:
            unread[entry.path if entry.path in stray else _group(entry.path)].append(entry)
    paths = subject.tree.paths()
    found = layout.usable(read)
    if not found and layout.only_documents(paths):
        yield _unread(
            subject, min(paths, default=""), list(subject.tree), "the layer has nothing that a function can use", ERROR
        )
        return
    pythons = [runtime for runtime in subject.runtimes if runtime.language == "python"]
    if folder := next(filter(None, (layout.hidden(paths, runtime) for runtime in pythons)), None):
        found.discard("python")
        inside = [entry for entry in subject.tree if entry.path.startswith(folder)]
        yield _unread(subject, folder, inside, layout.belongs(folder), ERROR)
    wrong: dict[str, list[str]] = defaultdict(list)
    for group, entries in sorted(unread.items()):
        place = layout.misplaced(layout.Group(name=group, entries=entries), subject.runtimes)
        if place and (place.language not in found if place.language != layout.ANY else not found):
            wrong[place.advice].append(group)
        else:
            advice = place.advice if place else _advice(entries[0].path, subject)
            yield _unread(subject, group, entries, advice, subject.suspicious)
    for advice, groups in wrong.items():
        yield _unread(subject, groups[0], [entry for group in groups for entry in unread[group]], advice, ERROR)


def _unread(subject: Subject, path: str, entries: list[Entry], advice: str, severity: str) -> Finding:
    names = ", ".join(runtime.name for runtime in subject.runtimes)
    total = sum(entry.size for entry in entries)
    return Finding(
        check="layer-path",
        severity=severity,
        path=path,
        message=f"{names} never looks there ({len(entries)} files, {total / MB:.1f} MB)",
        hint=advice,
    )


def _group(path: str) -> str:
    """Return the directory for which one finding stands, instead of one for each of its files."""
    match = SITE_PACKAGES.match(path)
    return match.group(0) if match else path.split("/", maxsplit=1)[0] + ("/" if "/" in path else "")


def _advice(path: str, subject: Subject) -> str:
    folders = " ".join(dict.fromkeys(pattern for runtime in subject.runtimes for pattern in runtime.directories))
    return f"it is found only by code that names /opt/{path.split('/', maxsplit=1)[0]}; the runtime reads {folders}"


@check("permissions", "The function runs as another user: it must be able to read every file and to execute programs.")
def permissions(subject: Subject) -> Iterator[Finding]:
    for path, mode in subject.directories.items():
        if mode and mode & _RUNNABLE != _RUNNABLE:
            yield _permission(path, mode, "a directory that others cannot enter", "755")
    for entry in subject.tree:
        if entry.link is not None:
            continue
        if entry.mode and not entry.mode & _READABLE:
            yield _permission(entry.path, entry.mode, "a file that others cannot read", "644")
        elif _needs_execution(entry, subject) and entry.mode & _RUNNABLE != _RUNNABLE:
            yield _permission(entry.path, entry.mode, "a program that others cannot execute", "755")


def _needs_execution(entry: Entry, subject: Subject) -> bool:
    """Tell whether Lambda or a shell executes a file: extensions and `bootstrap` always, of bin/ only programs."""
    if not _PROGRAM.match(entry.path):
        return False
    always = not entry.path.startswith("bin/")
    elf = subject.elves.get(entry.path)
    return always or (elf is not None and elf.interpreter is not None) or entry.content.head(2) == b"#!"


def _permission(path: str, mode: int, what: str, needed: str) -> Finding:
    shown = f"mode {mode & 0o7777:o}" if mode else "no unix mode, as zips made on Windows have"
    hint = f"store it in the zip with mode {needed}"
    return Finding(check="permissions", severity=ERROR, path=path, message=f"is {what} ({shown})", hint=hint)


@check("symlink-escape", "A link that leaves the layer leads to another file, or to none, on Lambda's hosts.")
def symlink_escape(subject: Subject) -> Iterator[Finding]:
    links = {entry.path: _pointed(entry) for entry in subject.tree if entry.link is not None}
    if not links:
        return
    paths = subject.tree.paths() | {part for path in subject.tree.paths() for part in parents(path)}
    for path, pointed in links.items():
        problem, severity = _link_problem(path, pointed, links, paths, subject)
        if problem:
            hint = "use relative links that point into the layer"
            yield Finding(check="symlink-escape", severity=severity, path=path, message=problem, hint=hint)


def _pointed(entry: Entry) -> str:
    """Return the absolute target of a link in a layer that is extracted to /opt."""
    return posixpath.normpath(posixpath.join("/opt", entry.parent, entry.link or ""))


def _link_problem(
    path: str, pointed: str, links: dict[str, str], paths: set[str], subject: Subject
) -> tuple[str | None, str]:
    if not pointed.startswith("/opt/"):
        of_system = _SYSTEM.match(pointed) is not None
        return f"points to {pointed}, outside /opt", subject.suspicious if of_system else ERROR
    if _loops(path, links):
        return "points to itself, directly or through other links", ERROR
    inside = pointed.removeprefix("/opt/")
    through = next((part for part in parents(inside) if part in links), None)
    if inside not in paths and through is None:
        return f"points to {pointed}, which the layer does not have", subject.suspicious
    return None, WARNING


def _loops(path: str, links: dict[str, str]) -> bool:
    seen = {path}
    while path in links:
        path = links[path].removeprefix("/opt/")
        if path in seen:
            return True
        seen.add(path)
    return False


@check("leftovers", "Files that nothing in Lambda reads count against the size limit and the cold start.")
def leftovers(subject: Subject) -> Iterator[Finding]:
    every = Matcher([pattern for patterns in _LEFTOVERS.values() for pattern in patterns])
    suspects = [entry for entry in subject.tree if every.match_file(entry.path)]
    for what, patterns in _LEFTOVERS.items():
        spec = Matcher(patterns)
        matching = [entry for entry in suspects if spec.match_file(entry.path)]
        if matching:
            total = sum(entry.size for entry in matching)
            yield Finding(
                check="leftovers",
                severity=WARNING,
                path=matching[0].path,
                message=f"{what}: {len(matching)} files, {total / MB:.1f} MB",
                hint=f"prune {' '.join(patterns)}",
            )


@check(
    "case-collision",
    "Names that differ only in case, or in how accents are composed, are one file where a Mac or Windows unpacks them.",
)
def case_collision(subject: Subject) -> Iterator[Finding]:
    names: dict[str, list[str]] = {}
    for path in _twins(subject):
        names.setdefault(folded(path), []).append(path)
    for paths in names.values():
        if len(paths) > 1:
            message = f"differs only in {_difference(paths)} from {', '.join(paths[1:])}"
            hint = "rename one if the layer is unpacked anywhere else than in Lambda"
            yield Finding(check="case-collision", severity=WARNING, path=paths[0], message=message, hint=hint)


def _twins(subject: Subject) -> Iterator[str]:
    """Yield the paths that may be one with another. Numbers take a tenth of the memory of the folded paths of all."""
    ordered = sorted(array("q", (hash(folded(entry.path)) for entry in subject.tree)))
    twice = {one for one, other in itertools.pairwise(ordered) if one == other}
    if twice:
        yield from (entry.path for entry in subject.tree if hash(folded(entry.path)) in twice)


def _difference(paths: list[str]) -> str:
    composed = {unicodedata.normalize("NFC", path) for path in paths}
    return "how its accents are composed" if len(composed) == 1 else "case"
