"""The environment of markers (PEP 508) in Lambda."""

from packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.version import InvalidVersion

from builder.model.target import Target


def environment(target: Target) -> dict[str, str]:
    """Return the marker environment of a target."""
    series = target.base.series
    return {
        "implementation_name": "cpython",
        "implementation_version": target.base.python_full,
        "os_name": "posix",
        "platform_machine": target.arch.machine,
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": target.base.python_full,
        "python_version": series,
        "sys_platform": "linux",
        "extra": "",
    }


def applies(marker: Marker | None, target: Target) -> bool:
    """Tell whether a marker holds for a target. Raises InvalidMarker for one that compares what cannot be compared."""
    try:
        return marker is None or marker.evaluate(environment(target))
    except (UndefinedComparison, UndefinedEnvironmentName, InvalidVersion, RecursionError) as error:
        raise InvalidMarker(str(marker)) from error
