"""Containers of the stand-ins for single programs: files go in as a tar, and what is printed comes out."""

import fcntl
import io
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from builder.base import programs
from builder.engine.client import Engine
from kit.standin import REGISTRY

OLDEST = """FROM {image}
RUN LD_LIBRARY_PATH= dnf install -y findutils pypy3
"""
"""Debian 11's PyPy is Python 3.7, the oldest Python of a build image. The engine keeps the image by this text."""


@dataclass(frozen=True)
class Box:
    """An image, in which every run starts anew, without network."""

    image: str

    def run(self, script: str, files: Mapping[str, bytes | str] | None = None, code: int = 0) -> str:
        """Run a script of the shell with the container programs below /layerwright and files below /."""
        own = {f"layerwright/{path.relative_to(programs.folder())}": path.read_bytes() for path in programs.files()}
        command = [
            "docker",
            "create",
            "--network=none",
            "--user=root",
            "--entrypoint=/bin/sh",
            self.image,
            "-euc",
            script,
        ]
        name = subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout.strip()
        try:
            # The image may have no tar; the engine has.
            copy = ["docker", "cp", "-", f"{name}:/"]
            subprocess.run(copy, input=_tar({**own, **(files or {})}), capture_output=True, check=True)
            done = subprocess.run(["docker", "start", "--attach", name], capture_output=True, check=False)
        finally:
            subprocess.run(["docker", "rm", "--force", name], capture_output=True, check=True)
        assert done.returncode == code, done.stderr.decode()
        return (done.stdout + (done.stderr if code else b"")).decode()


def _tar(files: Mapping[str, bytes | str]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o755
            archive.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def standin(engine: Engine, name: str) -> Box:
    """Return the box of a stand-in of the engine's own architecture, for example of `sam/build-ruby3.3:latest`."""
    return Box(image=f"{REGISTRY}/{name}-{engine.architecture.name}")


def oldest_python(engine: Engine) -> Box:
    """Return a build image with `pypy3`, which is Python 3.7."""
    text = OLDEST.format(image=standin(engine, "sam/build-provided.al2023:latest").image)
    tag = "layerwright-tests/oldest-python"
    lock = Path(tempfile.gettempdir(), "layerwright-oldest-python.lock")
    with tempfile.TemporaryDirectory() as context, lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # two workers that export one image at a time disturb each other
        Path(context, "Dockerfile").write_text(text, encoding="utf-8")
        subprocess.run(["docker", "build", "--quiet", f"--tag={tag}", context], check=True, capture_output=True)
    return Box(image=tag)
