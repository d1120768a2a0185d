"""The newest releases of single packages, with the hashes of their wheels, for the tools of layerwright."""

from collections.abc import Iterable, Mapping, Sequence

from builder.packages.pypi import uv
from builder.packages.pypi.dist import Candidate
from builder.packages.pypi.pylock import candidates

_OUTPUT = ("--format", "pylock.toml", "--no-header", "--quiet")


def newest(requirements: Iterable[str], python: str) -> dict[str, str]:
    """Return the newest versions that fit each other, with all that they need, and run on Linux with a Python."""
    arguments = ["--python-version", python, "--python-platform", "linux"]
    return {found.name: found.version for found in _resolve(requirements, arguments)}


def wheels(versions: Mapping[str, str]) -> dict[str, tuple[tuple[str, str], ...]]:
    """Return file name and SHA-256 of every wheel of exact versions, sorted, by package."""
    pinned = [f"{name}=={version}" for name, version in versions.items()]
    found = _resolve(pinned, ["--no-deps", "--universal", "--python-version", "3.12"])
    return {each.name: tuple(sorted((wheel.filename, wheel.sha256) for wheel in each.wheels)) for each in found}


def _resolve(requirements: Iterable[str], arguments: Sequence[str]) -> tuple[Candidate, ...]:
    text = "".join(f"{requirement}\n" for requirement in requirements)
    finished = uv.run(["compile", "-", *arguments, *uv.NO_CODE, *_OUTPUT], stdin=text)
    if finished.returncode:
        raise uv.fail(finished, "the index has no wheels of the tools")
    return candidates(finished.stdout)
