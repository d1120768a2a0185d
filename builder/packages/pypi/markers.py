"""The environment of markers (PEP 508) in Lambda."""

from collections.abc import Collection, Iterator, Mapping

from packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.version import InvalidVersion, Version

from builder.model.architectures import ARCHITECTURES, Architecture
from builder.model.runtimes import Runtime, runtimes
from builder.model.target import Target


def environment(target: Target) -> dict[str, str]:
    """Return the marker environment of a target."""
    return environment_of(target.base, target.arch)


def environment_of(runtime: Runtime, arch: Architecture) -> dict[str, str]:
    """Return the marker environment of a runtime."""
    return {
        "implementation_name": "cpython",
        "implementation_version": runtime.python_full,
        "os_name": "posix",
        "platform_machine": arch.machine,
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": runtime.python_full,
        "python_version": runtime.series,
        "sys_platform": "linux",
        "extra": "",
    }


def among(where: Collection[tuple[str, str]], everywhere: Collection[tuple[str, str]]) -> str | None:
    """Return the shortest marker that matches exactly these environments; None if all match.

    An environment is a version of Python and a machine.
    """
    if set(where) == set(everywhere):
        return None
    clauses = []
    for series in sorted({series for series, _ in where}, key=Version):
        machines = {machine for python, machine in where if python == series}
        clause = f'python_version == "{series}"'
        if machines != {machine for python, machine in everywhere if python == series}:
            clause += f' and platform_machine == "{min(machines)}"'
        clauses.append(clause)
    return clauses[0] if len(clauses) == 1 else " or ".join(f"({c})" if " and " in c else c for c in clauses)


def everywhere() -> Iterator[tuple[Runtime, Architecture]]:
    """Yield each runtime of Python on each architecture."""
    pythons = (runtime for runtime in runtimes().values() if runtime.language == "python")
    yield from ((runtime, arch) for runtime in pythons for arch in ARCHITECTURES.values())


def anywhere(marker: Marker, **more: str) -> bool:
    """Tell whether a marker holds in an environment of Lambda, with these variables besides. Raises InvalidMarker."""
    return any(holds(marker, {**environment_of(runtime, arch), **more}) for runtime, arch in everywhere())


def applies(marker: Marker | None, target: Target) -> bool:
    """Tell whether a marker holds for a target. Raises InvalidMarker for one that compares what cannot be compared."""
    return marker is None or holds(marker, environment(target))


def holds(marker: Marker, variables: Mapping[str, str]) -> bool:
    """Tell whether a marker holds in an environment. Raises InvalidMarker as `applies`."""
    try:
        return marker.evaluate(dict(variables))
    except (UndefinedComparison, UndefinedEnvironmentName, InvalidVersion, RecursionError) as error:
        raise InvalidMarker(str(marker)) from error
