"""The check of what code opens by name: libraries and programs that neither the layer nor Lambda has."""

import re
from collections.abc import Collection, Iterator
from dataclasses import replace

from builder.base.frozen import dataclass
from builder.layer import import_graph, python_loads
from builder.layer.checks.model import Subject, check
from builder.layer.findings import WARNING, Finding
from builder.layer.names import SITE_PACKAGES, TEST_DATA
from builder.layer.python_loads import OpenedName
from builder.model import libraries
from builder.model.loaded_by_name import known

_BUNDLED = re.compile(r"-[0-9a-f]{8}(?=\.)")
"""What auditwheel adds to the names of libraries that it copies into a wheel."""

_COMMANDS = re.compile(r"/(?:bin|_?cli|scripts)/|/(?:_?cli|__main__)\.\w+$")
"""Commands of packages, for the terminals of developers: functions start no programs by them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _There:
    """What the names of a layer are looked for in."""

    libraries: Collection[str]
    """Files of libraries, of the layer and of Lambda."""
    programs: Collection[str]
    runtimes: str


@check(
    "loaded-by-name",
    "A library that code opens by its name, or a program that it starts, shows in no header: it is missed at run time.",
)
def loaded_by_name(subject: Subject) -> Iterator[Finding]:
    if not (subject.opened or any(jar.opens for jar in subject.jars.values())):
        return
    there = _there(subject)
    yield from _of_python(subject, there)
    for path, names in subject.opened.items():
        if path.endswith(".py"):
            continue
        found = [each for each in names if not _is_there(each, there) and not TEST_DATA.search(path)]
        yield from (_finding(path, each, there) for each in found if not (each.program and _COMMANDS.search(path)))
    if any(runtime.language == "java" for runtime in subject.runtimes):
        yield from _of_java(subject, there)


def _of_python(subject: Subject, there: _There) -> Iterator[Finding]:
    used: dict[str, frozenset[str]] = {}
    for path, opened in sorted(subject.opened.items()):
        missing: dict[str, OpenedName] = {}
        for found in opened if path.endswith(".py") else ():
            if not _is_there(found, there) and not (found.program and _COMMANDS.search(path)):
                missing.setdefault(found.names[0], found)
        if not missing:
            continue
        if (root := _root(path)) not in used:
            ours = [entry for entry in subject.tree if _root(entry.path) == root]
            used[root] = import_graph.in_use(ours, subject.store)
        is_known = SITE_PACKAGES.sub("", path) in known().modules
        if is_known or path in used[root]:  # functions come to it, not only those who develop its package
            for found in missing.values():
                yield _finding(path, found, there)


def _of_java(subject: Subject, there: _There) -> Iterator[Finding]:
    """Yield the findings about libraries that are in no jar, either: code unpacks them from there."""
    packed = {name for jar in subject.jars.values() for name in jar.libraries}
    everywhere = replace(there, libraries={*there.libraries, *packed})
    paths = subject.tree.paths()
    for path, jar in subject.jars.items():
        for name, by in jar.opens.items():
            found = OpenedName(names=(name,))
            lost = name.startswith("/opt/") and name.removeprefix("/opt/") not in paths
            if lost or (python_loads.is_of_linux(name) and not _is_there(found, everywhere)):
                yield _finding(path, found, everywhere, f"class {by}")


def _root(path: str) -> str:
    """Return the top folder or module of the package that a file is of."""
    return SITE_PACKAGES.sub("", path).partition("/")[0]


def _there(subject: Subject) -> _There:
    commands = [libraries.commands(runtime.os.name, runtime.language) for runtime in subject.runtimes]
    return _There(
        libraries=subject.sonames
        | {_BUNDLED.sub("", entry.name, count=1) for entry in subject.tree if ".so" in entry.name},
        programs=frozenset.intersection(*commands) | {entry.name for entry in subject.tree if entry.parent == "bin"},
        runtimes=", ".join(runtime.name for runtime in subject.runtimes),
    )


def _is_there(found: OpenedName, there: _There) -> bool:
    if found.program:
        # Of programs that nobody knows, most are those of a developer's machine.
        return any(name not in known().programs or name in there.programs for name in found.names)
    return any(_is_optional(name) or _is_a_library(name, there.libraries) for name in found.names)


def _is_optional(name: str) -> bool:
    return known().does_without(name.removeprefix("lib").partition(".so")[0])


def _is_a_library(name: str, files: Collection[str]) -> bool:
    """Tell whether a library is there by its file, by a version of it, or by its name without `lib`."""
    if name in files:
        return True
    starts = (f"{name}.",) if ".so" in name else (f"lib{name}.so", f"{name}.so")
    return any(file.startswith(starts) for file in files)


def _finding(path: str, found: OpenedName, there: _There, where: str = "") -> Finding:
    name = found.names[0]
    named = " or ".join(f"`{each}`" for each in (found.names if found.program else [name]))
    where = where or (f"line {found.line}" if found.line else "")
    place = f" ({where})" if where else ""
    done = "starts the program" if found.program else "opens the library"
    return Finding(
        check="loaded-by-name",
        severity=WARNING,
        path=path,
        message=f"{done} {named}{place}, which neither the layer nor {there.runtimes} on Lambda has",
        hint=_of_program(name) if found.program else _of_library(name, is_python=path.endswith(".py")),
    )


def _of_program(name: str) -> str:
    program = known().programs[name]
    ways = [
        *([f"a layer of it: `layerwright build {program.recipe}` of the catalogue"] if program.recipe else []),
        *([f'`install = ["{program.package}"]` of a `packages` step brings it'] if program.package else []),
    ]
    return "; or ".join(ways) or f"put it into bin/ of the layer: Amazon Linux has no package with `{name}`"


def _of_library(name: str, *, is_python: bool) -> str:
    plain = name.removeprefix("lib").partition(".so")[0]
    package = next((package for start, package in known().libraries.items() if plain.startswith(start)), None)
    where = "in lib/ of the layer, the loader finds it by its file's name"
    where += "; find_library finds only what the system has" if is_python else ""
    return f'`install = ["{package}"]` of a `packages` step brings it; {where}' if package else where
