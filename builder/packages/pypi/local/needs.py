"""What local packages need, against the lock of their project: it may be older than a package that gained something."""

from collections.abc import Collection, Iterator, Mapping

from packaging.markers import InvalidMarker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from builder.model import pep508
from builder.packages.pypi import markers
from builder.packages.pypi.local.realising import Realised, chosen_extras

Locked = Mapping[str, str | None]


def missing(local: Realised, environment: Mapping[str, str], exempt: Collection[str]) -> list[str]:
    """Return what local packages need in an environment and the lock lacks or has in another version.

    `exempt` are packages that the tool of the lock replaces, or leaves out, whoever asks for them.
    """
    asked = list(_asked(local, environment))
    locked: Locked = {canonicalize_name(each.name): _version(each, local) for each in asked}
    return [
        text
        for each in asked
        if canonicalize_name(each.name) in local.packages
        for text in _missing(each, local, locked, environment, exempt)
    ]


def _asked(local: Realised, environment: Mapping[str, str]) -> Iterator[Requirement]:
    for line in local.requirements:
        try:
            each = pep508.parsed(line.partition(" --hash=")[0])
        except InvalidRequirement:  # an address without a name
            continue
        if _holds(each, environment, ""):
            yield each


def _version(requirement: Requirement, local: Realised) -> str | None:
    """Return the version of a line; None if only its file tells that."""
    if requirement.url:
        package = local.packages.get(canonicalize_name(requirement.name))
        return package.version if package else None
    return next((each.version for each in requirement.specifier if each.operator == "=="), None)


def _missing(
    asked: Requirement, local: Realised, locked: Locked, environment: Mapping[str, str], exempt: Collection[str]
) -> Iterator[str]:
    package = local.packages[canonicalize_name(asked.name)]
    requires = [pep508.parsed(text) for text in package.requires]
    own = [each for each in requires if canonicalize_name(each.name) == canonicalize_name(package.name)]
    extras = ("", *chosen_extras(asked.extras, own))
    for each in requires:
        name = canonicalize_name(each.name)
        if each in own or name in exempt or not any(_holds(each, environment, extra) for extra in extras):
            continue
        version = locked.get(name)
        if name not in locked:
            yield f"{package.name} needs `{_plain(each)}`"
        elif version and not each.url and not each.specifier.contains(version, prereleases=True):
            yield f"{package.name} needs `{_plain(each)}`, and the lock has {version}"


def _holds(requirement: Requirement, environment: Mapping[str, str], extra: str) -> bool:
    """Tell whether a requirement counts; uv refuses one whose marker compares what cannot be compared."""
    try:
        return requirement.marker is None or markers.holds(requirement.marker, {**environment, "extra": extra})
    except InvalidMarker:
        return False


def _plain(requirement: Requirement) -> str:
    return f"{requirement.name}{requirement.specifier}"
