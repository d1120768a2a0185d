"""The route of each package: the first that works, with the reason."""

from typing import Literal

from builder.base.errors import BuildError
from builder.base.frozen import dataclass
from builder.model.target import Target
from builder.packages.pypi import tags
from builder.packages.pypi.dist import Candidate, Dist
from builder.packages.pypi.install import Pinned
from builder.packages.pypi.local.place import Origin
from builder.packages.pypi.resolve import Wanted, best


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """One package of a plan, with the way to its files."""

    package: Pinned
    """The file to install; the sdist of a compiled package."""
    kind: Literal["wheel", "compile"]
    """`wheel`: prebuilt, without a container. `compile`: from the sdist, in the build image."""
    reason: str
    size: int | None
    """Size of the download in bytes; None if the index does not state it."""
    sdist: Dist | None = None
    """The sdist of a compiled package; None for a wheel."""
    origin: Origin | None = None
    """The folder or the repository that it was made of."""


def route(candidate: Candidate, target: Target, wanted: Wanted) -> Route:
    """Return the route of a package. Raises BuildError, with existing and fitting tags, if there is none."""
    wheel = best(candidate, target.base, target.arch)
    if wheel:
        reason = f"of {candidate.origin.address}, pure Python" if candidate.origin else _reason(wheel.filename, target)
        return _route(candidate, wheel, kind="wheel", reason=reason)
    if candidate.sdist and not wanted.wheels_only:
        cause = f"no wheel fits {target.base.os.title}"
        cause = candidate.by_container.reason if candidate.by_container else cause
        cause = "requested" if candidate.name in wanted.sources else cause
        return _route(candidate, candidate.sdist, kind="compile", reason=f"{cause}; from its sdist, in the build image")
    existing = tags.seen([wheel.filename for wheel in candidate.wheels]) or ["none"]
    msg = f"no wheel of {candidate.name} {candidate.version} fits {target.base.name} on {target.arch.name}"
    why = [f"it has wheels for: {', '.join(existing)}", f"required: {tags.fitting(target.base, target.arch)}"]
    raise BuildError(msg, why=why)


def _route(candidate: Candidate, dist: Dist, *, kind: Literal["wheel", "compile"], reason: str) -> Route:
    return Route(
        package=Pinned(
            name=candidate.name,
            version=candidate.version,
            filename=dist.filename,
            sha256=dist.sha256,
            direct=dist.url if candidate.bound else candidate.direct,
        ),
        kind=kind,
        reason=reason,
        size=dist.size,
        sdist=dist if kind == "compile" else None,
        origin=candidate.origin,
    )


def _reason(filename: str, target: Target) -> str:
    python, abi, platform = filename.removesuffix(".whl").split("-")[-3:]
    if platform == "any":
        return "pure Python wheel"
    newest = platform.split(".")[0]
    kind = "abi3 wheel" if abi == "abi3" else f"{python} wheel"
    return f"{kind} for {newest} fits {target.base.os.title} (up to manylinux_2_{target.base.os.manylinux})"
