"""Files of the package index whose name and SHA-256 are known: found again, downloaded, and verified."""

from pathlib import Path

from builder.base import fetch
from builder.base.errors import BuildError
from builder.packages.pypi import sdist, uv
from builder.packages.pypi.dist import Dist
from builder.packages.pypi.pylock import candidates

_OUTPUT = ("--no-deps", "--universal", "--no-header", "--format", "pylock.toml", "--quiet")


def file(dist: Dist, name: str, version: str, python: str) -> Path:
    """Return the path of a wheel or an sdist, downloaded if it is not cached.

    `python` is a version that the package supports. Raises BuildError if the index has another file of that name, or
    none.
    """
    if cached := fetch.known(dist.sha256):
        return cached
    if not dist.filename.endswith(".whl"):
        return sdist.file(dist, name, version)
    located = dist if dist.url else _wheel(dist, name, version, python)
    return fetch.cached(str(located.url), dist.sha256, dist.filename)


def _wheel(dist: Dist, name: str, version: str, python: str) -> Dist:
    finished = uv.run(["compile", "-", "--python-version", python, *_OUTPUT, *uv.NO_CODE], stdin=f"{name}=={version}\n")
    if finished.returncode:
        raise uv.fail(finished, f"the index has no {dist.filename}")
    wheels = [wheel for candidate in candidates(finished.stdout) for wheel in candidate.wheels]
    found = next((wheel for wheel in wheels if wheel.filename == dist.filename), None)
    if found is None:
        msg = f"the index no longer has {dist.filename}"
        raise BuildError(msg, hint=f"place a copy of the file at {fetch.store() / dist.sha256}")
    if found.sha256 != dist.sha256:
        msg = f"hash mismatch: the index has another {dist.filename}"
        why = [f"known     sha256:{dist.sha256}", f"offered   sha256:{found.sha256}"]
        raise BuildError(msg, why=why, hint="is this the index that you mean, and is it in order?")
    return found
