"""A new recipe for packages that the user names: versions pinned, on all current runtimes that take them."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from builder.authoring.draft_recipe import RecipeDraft, layer_table, require_name
from builder.base import cache_paths
from builder.base.errors import BuildError, UsageError, near
from builder.engine.failure import package_names
from builder.model.architectures import ARCHITECTURES, architecture
from builder.model.runtimes import runtime
from builder.model.target import targets
from builder.packages.command_line import ANY_LANGUAGE, CommandLinePackages, Draft, Drafting
from builder.packages.pypi import requirement_lines
from builder.plan import adhoc
from builder.plan.adhoc import AdhocRequest
from builder.plan.planning import plan

_PROGRAMS = """\
for program in /opt/bin/*; do
    [ ! -f "$program" ] || timeout 20 "$program" --version </dev/null >/dev/null || [ $? -lt 126 ]
done
for library in /opt/lib/*.so*; do
    [ ! -f "$library" ] || [ -z "$(LD_PRELOAD="$library" env true 2>&1)" ]
done
[ -n "$(ls /opt)" ]
"""
EVERYTHING = {"shell": _PROGRAMS}
"""A [[test]] that starts every program of a layer and loads every library. Exit codes from 126 on are those of programs
that are missing, cannot be loaded, or end by a signal; the loader tells what it cannot load."""
_NO_REQUIREMENT = ("-", ".", "/")
FOR_COMPILERS = ("include/", "lib/*.a", "lib/*.la", "lib/cmake/", "lib/pkgconfig/")
"""Patterns of what only compilers read."""


def draft(request: AdhocRequest, name: str, *, compiling: bool) -> RecipeDraft:
    """Return a recipe for packages: of an ecosystem, or of the operating system alone.

    Raises UsageError for a name or packages that are not valid. If a package would have to be compiled, and what that
    needs of the system is neither named nor found out by `compiling`, raises BuildError: only its author knows.
    """
    require_name(name)
    require_known(request)
    if any(request.specs.values()) or request.files:
        return _of_packages(request, name, compiling=compiling)
    if request.system_packages:
        return _of_system(request, name)
    msg = "a new recipe needs at least one package"
    raise UsageError(msg, hint=f"for example `layerwright new {name} --pip {name}`")


def _of_packages(request: AdhocRequest, name: str, *, compiling: bool) -> RecipeDraft:
    beside = {file.name: _plain_file(file) for file in request.files.values()}
    packages = adhoc.named_packages(request)
    prebuilt = packages.prefers_prebuilt and not (compiling or request.system_packages)
    architectures = request.architectures or tuple(ARCHITECTURES)
    chosen = request.runtimes or _preferred(request, packages.language)
    chosen = chosen or _runtimes(packages, architectures, prebuilt=prebuilt)
    resolving = dataclasses.replace(request, name=name, runtimes=chosen, architectures=architectures)
    loaded = adhoc.recipe(resolving)
    drafted = _drafted(packages, resolving, prebuilt=prebuilt)
    system = [{"uses": "packages", "install": sorted(request.system_packages)}] if request.system_packages else []
    return RecipeDraft(
        name=name,
        tables={
            "layer": layer_table(
                name,
                drafted.version or loaded.recipe.layer.version,
                description=drafted.summary,
                license_=drafted.license,
                homepage=drafted.homepage,
            ),
            "targets": _targets(request.runtimes or _reading(drafted, chosen), architectures, drafted.split_by),
            "step": [*system, drafted.step],
            "slim": {"prune": list(drafted.prune), "keep-imported": True} if drafted.prune else {},
            "test": [drafted.test],
        },
        beside=beside,
    )


def for_programs(request: AdhocRequest) -> tuple[str, ...]:
    """Return the runtimes of a layer of programs: those that are named or preferred, else the custom one."""
    return (
        request.runtimes
        or _preferred(request, ANY_LANGUAGE)
        or tuple(each.name for each in adhoc.current(ANY_LANGUAGE))
    )


def _preferred(request: AdhocRequest, language: str) -> tuple[str, ...]:
    """Return the preferred runtimes of a language; for programs, all of them that have the newest system."""
    if language != ANY_LANGUAGE:
        return adhoc.of_language(request.preferred, language)
    newest = adhoc.current(ANY_LANGUAGE)[-1].os
    return tuple(name for name in request.preferred if runtime(name).os == newest)


def _reading(drafted: Draft, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the runtimes that are new enough for packages."""
    oldest = drafted.oldest
    return names if oldest is None else tuple(name for name in names if int(runtime(name).series) >= oldest)


def _drafted(packages: CommandLinePackages, request: AdhocRequest, *, prebuilt: bool) -> Draft:
    loaded = adhoc.recipe(request)
    planned = plan(loaded, targets(loaded.recipe)[0], wheels_only=prebuilt)
    with cache_paths.workspace() as work:
        (resolution,) = planned.resolutions
        return packages.draft(Drafting(resolution=resolution, folder=work))


def _targets(
    runtimes: tuple[str, ...], architectures: tuple[str, ...], split_by: tuple[str, ...] | None
) -> Mapping[str, Any]:
    split = {} if split_by is None else {"split-by": list(split_by)}
    return {"runtimes": list(runtimes), "architectures": list(architectures), **split}


def _runtimes(packages: CommandLinePackages, architectures: tuple[str, ...], *, prebuilt: bool) -> tuple[str, ...]:
    """Return the current runtimes, where asked for those on which nothing has to be compiled.

    Raises BuildError if there is none, with the reason of the newest.
    """
    found: list[str] = []
    refused: BuildError | None = None
    for candidate in adhoc.current(packages.language):
        try:
            for arch in architectures if prebuilt else ():
                packages.require_prebuilt(candidate, architecture(arch))
        except BuildError as error:
            refused = error
        else:
            found.append(candidate.name)
    if not found:
        msg = f"no current {packages.title} runtime has prebuilt packages for all that is named"
        why = (refused.what, *refused.why) if refused else ()
        hint = refused.hint if refused else None
        raise BuildError(msg, why=why, hint=f"{hint}; --try finds out what compiling needs" if hint else None)
    return tuple(found)


def _plain_file(file: Path) -> bytes:
    """Return the content of a requirements file that can lie beside a recipe. UsageError for one that names files."""
    if not file.is_file():
        msg = f"there is no file {file}"
        raise UsageError(msg)
    others = [
        line.told("") for line in requirement_lines.read(file, shown=True) if line.text.startswith(_NO_REQUIREMENT)
    ]
    if others:
        msg = f"{file} names files, folders or settings, so a copy of it is not the same"
        hint = f"`layerwright new NAME --from {file}` follows the file where it is"
        raise UsageError(msg, why=others, hint=hint)
    return file.read_bytes()


# ---- packages of the operating system ------------------------------------------------------------------------------


def _of_system(request: AdhocRequest, name: str) -> RecipeDraft:
    """Return a recipe for programs and libraries of the operating system, which go into the layer."""
    chosen = for_programs(request)
    packages = sorted(request.system_packages)
    title = runtime(chosen[0]).os.title
    return RecipeDraft(
        name=name,
        tables={
            "layer": layer_table(
                name, "1", description=f"{', '.join(packages)} of {title}", license_="see its packages"
            ),
            "targets": _targets(chosen, request.architectures or tuple(ARCHITECTURES), ("arch",)),
            "step": [{"uses": "packages", "install": packages, "layer": True}],
            "slim": {"prune": [*FOR_COMPILERS, "share/"]},
            "test": [EVERYTHING],
        },
    )


def require_known(request: AdhocRequest) -> None:
    """Raise UsageError for packages that the operating systems of the runtimes are not known to have."""
    systems = {runtime(name).os.name for name in request.runtimes} or {adhoc.current(ANY_LANGUAGE)[-1].os.name}
    unknown = [
        f"{system} has no package `{name}`{near(name, listed)}"
        for system in sorted(systems)
        if (listed := package_names(system))
        for name in request.system_packages
        if name not in listed
    ]
    if unknown:
        msg = "a package of --packages is not known"
        raise UsageError(msg, why=unknown, hint="`dnf provides '*/NAME'` in Amazon Linux tells what brings a file")
