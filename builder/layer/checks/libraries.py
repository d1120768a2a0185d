"""Checks whether shared libraries and programs are found, and whether the layer's own copy is the one found."""

from collections.abc import Iterator

from builder.layer import linking, optional_imports
from builder.layer.checks.binaries import loaded
from builder.layer.checks.model import Subject, check
from builder.layer.elf import Elf
from builder.layer.findings import ERROR, WARNING, Finding
from builder.model import libraries


@check(
    "unresolved-library",
    "A library that neither the layer nor Lambda has ends in `cannot open shared object file` at the first import.",
)
def unresolved_library(subject: Subject) -> Iterator[Finding]:
    lost = _lost(subject)
    for path, elf in subject.fitting():
        for soname in elf.needed:
            if finding := _unresolved(subject, path, elf, soname, lost.get((path, soname))):
                yield finding
    here = subject.tree.paths() if subject.dlopened else set()
    for soname in subject.dlopened:
        if f"{linking.LAYER_LIB}/{soname}" not in here and soname not in subject.sonames:
            yield Finding(
                check="unresolved-library",
                severity=ERROR,
                path=None,
                message=f"the recipe says that `{soname}` is opened at run time; neither the layer nor Lambda has it",
                hint="install the package that contains it, so that it is bundled into lib/",
            )


def _lost(subject: Subject) -> dict[tuple[str, str], str]:
    """Return the programs that do not start because a file does not find a library of the layer, by both."""
    programs = [path for path, elf in subject.fitting() if elf.program and elf.needed]
    return {needer: path for path in reversed(programs) for needer in subject.linker.lost_at_start(path)}


def _unresolved(subject: Subject, path: str, elf: Elf, soname: str, program: str | None) -> Finding | None:
    """Return the finding about a library that is not found. `program` does not start without it."""
    library = subject.linker.find(path, elf, soname)
    if library is None:
        if soname in libraries.maybe_absent_in(subject.runtimes):
            message = f"needs `{soname}`, which only Lambda's images are known to have, the managed runtime may not"
            hint = f'bundle it: `bundle = ["{soname}"]` under [libraries], or put it into lib/'
            return Finding(check="unresolved-library", severity=WARNING, path=path, message=message, hint=hint)
        names = ", ".join(runtime.name for runtime in subject.runtimes)
        certain = loaded(path, elf) or elf.program or subject.own
        optional = certain and elf.python_module and optional_imports.is_optional(path, subject.tree)
        severity = ERROR if certain and not optional else WARNING
        without = "; its package works without this file" if optional else ""
        message = f"needs `{soname}`, which neither the layer nor {names} on Lambda has{without}"
        hint = (
            "a build with a container engine takes it from what a `packages` step installs (`--packages` without a "
            "recipe); else put it into lib/ of the layer"
        )
        return Finding(check="unresolved-library", severity=severity, path=path, message=message, hint=hint)
    if library.how == linking.ELSEWHERE and (program or not subject.linker.already_loaded(soname)):
        # Some packages open their libraries before the import that needs them, which no ELF header shows.
        who = f" when {program} starts" if program and program != path else ""
        message = f"needs `{soname}`; the layer has it as {library.path}, where the loader does not look{who}"
        hint = "put it into lib/, or give the file an rpath that leads there (patchelf --force-rpath --set-rpath)"
        severity = ERROR if program else WARNING  # nothing opens a library before a program starts
        return Finding(check="unresolved-library", severity=severity, path=path, message=message, hint=hint)
    return None


@check(
    "shadowed-library",
    "/opt/lib comes last in LD_LIBRARY_PATH: a library that the system has, too, is never the layer's.",
)
def shadowed_library(subject: Subject) -> Iterator[Finding]:
    needing = linking.needers(dict(subject.fitting()))
    for path, elf in subject.fitting():
        soname = elf.soname or path.rpartition("/")[2]
        own_c_library = bool(libraries.C_LIBRARY.match(soname))
        if path.rpartition("/")[0] != linking.LAYER_LIB or soname not in subject.sonames:
            continue
        by_rpath: list[str] = []
        without: list[str] = []
        for needer in needing.get(soname, ()):
            library = subject.linker.find(needer, subject.elves[needer], soname)
            (by_rpath if library and library.how == linking.RPATH else without).append(needer)
        if own_c_library and by_rpath:
            yield Finding(
                check="shadowed-library",
                severity=ERROR,
                path=path,
                message=f"is part of a second C library; {by_rpath[0]} would load it beside the one that is running",
                hint="leave glibc's own libraries out of the layer",
            )
        elif without or not by_rpath:
            who = f"; {without[0]} gets the system's instead" if without else ""
            yield Finding(
                check="shadowed-library",
                severity=subject.suspicious if without else WARNING,
                path=path,
                message=f"is never used: {subject.os.title} has `{soname}` and finds its own first{who}",
                hint="leave it out, or give the files that need it a DT_RPATH (patchelf --force-rpath --set-rpath "
                "'$ORIGIN/../lib'); builds do that for what they compile",
            )


@check(
    "shadowed-command",
    "/opt/bin comes last in PATH: a program that the image has, too, is never the layer's.",
)
def shadowed_command(subject: Subject) -> Iterator[Finding]:
    commands = [libraries.commands(runtime.os.name, runtime.language) for runtime in subject.runtimes]
    in_every_image = frozenset.intersection(*commands)
    for entry in subject.tree:
        if entry.parent == "bin" and entry.name in in_every_image:
            yield Finding(
                check="shadowed-command",
                severity=WARNING,
                path=entry.path,
                message=f"is not what `{entry.name}` starts: {subject.os.title} has a program of that name before it",
                hint=f"call it as /opt/bin/{entry.name}, or rename it",
            )
