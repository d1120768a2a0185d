"""uv for containers: a static program, so that one of the engine's architecture runs in images of any other."""

import zipfile
from pathlib import Path

from builder import places
from builder.errors import BuildError
from builder.index import fetch, uv
from builder.index.pylock import candidates
from builder.model.architectures import Architecture


def binary(arch: Architecture) -> Path:
    """Return the program for a machine, of the same version as the uv that plans; fetched once."""
    version = uv.version()
    path = places.cache() / "tools" / f"uv-{version}-{arch.machine}"
    if path.is_file():
        return path
    arguments = ["compile", "-", "--no-deps", "--python-version", "3.12", "--universal", *uv.NO_CODE]
    finished = uv.run([*arguments, "--format", "pylock.toml", "--no-header", "--quiet"], stdin=f"uv=={version}\n")
    found = candidates(finished.stdout)[0].wheels if finished.returncode == 0 else ()
    wheel = next((one for one in found if "musllinux" in one.filename and arch.machine in one.filename), None)
    if wheel is None:
        raise uv.fail(finished, f"the index has no static uv {version} for {arch.machine}")
    kept = fetch.cached(str(wheel.url), wheel.sha256, wheel.filename)
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(kept) as archive, places.replacing(path) as part:
        name = next((name for name in archive.namelist() if name.endswith("/scripts/uv")), None)
        if name is None:
            msg = f"{wheel.filename} holds no uv"
            raise BuildError(msg)
        part.write_bytes(archive.read(name))
    return path
