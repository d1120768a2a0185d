"""The stand-ins for Amazon's images: where they are, pins for them, sources that a test machine can get."""

import hashlib
import os
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

REGISTRY = os.environ.get("LAYERWRIGHT_STANDIN_REGISTRY", "127.0.0.1:5001")
"""Host and port, and a folder in it, if they are not at its top."""
NEWER = f"{REGISTRY}/newer-glibc"
"""Images of Python with Debian 12's glibc, that functions run in; no images to build in."""
STORAGE = Path("/var/lib/layerwright-standin")
"""What `make standin` keeps."""
GLIBC = "2.31"
"""Debian 11's; Amazon Linux 2023 has 2.34."""
NEWER_GLIBC = "2.36"
"""Debian 12's."""
RUNTIMES = (
    *("python3.13", "python3.14", "provided.al2023", "nodejs22.x", "nodejs24.x", "java21", "ruby3.3"),
    *("provided.al2", "python3.11"),  # Amazon Linux 2
)
"""What there are stand-ins for."""
DEBIAN = {
    # The same bytes as upstream's release, by their hash; Debian's pool is what a machine without a web reaches.
    "71b8d6e8f5fe81f6c6d0d110e3892251f6ce76ed095abd315e26e6e1193af3af": "pool/main/j/jq/jq_1.8.2.orig.tar.gz",
    "b3d1575b2218badc3549d6977524bb0f8c468c6528eebc8967bbe3078cf2cace": "pool/main/q/qpdf/qpdf_12.2.0.orig.tar.gz",
    "b4447faf61a8786a9b211d58d4103d85d47fd3a5dd418d5a6bc525d41db54ccc": (
        "pool/main/l/leptonlib/leptonlib_1.86.0.orig.tar.gz"
    ),
    "f2fb34ca035b6d087a42875a35a7a5c4155fa9979c6132365b1e5a28ebc3fc11": (
        "pool/main/t/tesseract/tesseract_5.5.0.orig.tar.gz"
    ),
    "464beb5e7bf0c311e68b45ae2f04e9cc2af88851abb4082231742a74d97b524c": "pool/main/f/ffmpeg/ffmpeg_8.1.2.orig.tar.xz",
    "ddfe36cab873794038ae2c1210557ad34857a4b6bdc515785d1da9e175b1da1e": "pool/main/l/lame/lame_3.100.orig.tar.gz",
    "65c1d2f78b9f2fb20082c38cbe47c951ad5839345876e46941612ee87f9a7ce1": "pool/main/o/opus/opus_1.5.2.orig.tar.gz",
    "34f9ea6ff8636f2c9241153b9114eefa9e65674a45318ae1ef95bb5f31c53bb2": (
        "pool/main/b/busybox/busybox_1.38.0.orig.tar.bz2"
    ),
    "537512904744b35e232912055ccf8ec66d768639ff3abe5788d90d792ec5f48b": "pool/main/l/lz4/lz4_1.10.0.orig.tar.gz",
}


def missing() -> str | None:
    """Return why tests with containers cannot run here, or None."""
    if shutil.which("docker") is None:
        return "docker is not installed; `sudo make engine` does that"
    if subprocess.run(["docker", "info"], capture_output=True, check=False).returncode:
        return "the Docker daemon does not run; `sudo make engine` starts it"
    try:
        host, _, folder = REGISTRY.partition("/")
        urllib.request.urlopen(
            f"http://{host}/v2/{folder}{'/' * bool(folder)}lambda/python/tags/list", timeout=5
        ).close()
    except (urllib.error.URLError, OSError):
        return "there are no stand-ins; `sudo make standin` makes them"
    return None


def environment(pins: Path) -> dict[str, str]:
    """Return the variables that make layerwright use the stand-ins."""
    return {"LAYERWRIGHT_REGISTRY": REGISTRY, "LAYERWRIGHT_PINS": str(pins)}


def pin(pins: Path) -> None:
    """Pin the stand-ins, through the product's own command."""
    from builder.authoring.pin import pin as pin_images
    from builder.base.emitter import Events
    from builder.model.runtimes import runtime

    pin_images([runtime(name) for name in RUNTIMES], write=True, events=Events())
    assert any(pins.iterdir())


def fill(cache: Path) -> None:
    """Put upstream's sources into a cache of sources: from Debian's pool, once for all runs."""
    folder = cache / "sources"
    folder.mkdir(parents=True, exist_ok=True)
    for sha256, path in DEBIAN.items():
        if not (folder / sha256).exists():
            shutil.copyfile(_upstream(sha256, path), part := folder / f"{sha256}.{os.getpid()}")
            part.replace(folder / sha256)


def _upstream(sha256: str, path: str) -> Path:
    kept = STORAGE / "upstream" / sha256
    kept.parent.mkdir(exist_ok=True)
    if not kept.exists() or hashlib.sha256(kept.read_bytes()).hexdigest() != sha256:
        part = kept.with_name(f"{sha256}.{os.getpid()}")
        with urllib.request.urlopen(f"{mirror()}{path}", timeout=60) as source, part.open("wb") as target:
            shutil.copyfileobj(source, target)
        part.replace(kept)
    return kept


def mirror() -> str:
    """Return the Debian mirror that this machine is set up with."""
    asked = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"]
    listed = subprocess.run(asked, capture_output=True, encoding="utf-8", check=True).stdout.split()
    return next(line for line in listed if "security" not in line)


@contextmanager
def daemon(*, size: str | None = None) -> Iterator[Path]:
    """Run a second Docker daemon in a folder of its own, on a small disk if `size` says so; `d.sock` is there."""
    folder = Path(tempfile.mkdtemp(prefix="lw-"))  # the names of sockets may not be long
    data = folder / "data"
    data.mkdir(parents=True)
    if size:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(data)], check=True)
    host = f"unix://{folder}/d.sock"
    # A bridge of its own: without one, the daemon would take away that of the first.
    bridge = f"lw{os.getpid() % 1_000_000}"
    subprocess.run(["ip", "link", "add", bridge, "type", "bridge"], check=True)
    subprocess.run(["ip", "addr", "add", f"10.213.{os.getpid() % 250}.1/24", "dev", bridge], check=True)
    (folder / "daemon.json").write_text('{"features": {"containerd-snapshotter": true}}', encoding="utf-8")
    command = [
        *("dockerd", f"--data-root={data}", f"--exec-root={folder}/exec", f"--pidfile={folder}/pid", f"--host={host}"),
        *(f"--bridge={bridge}", "--iptables=false", "--ip6tables=false", f"--config-file={folder}/daemon.json"),
    ]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            for _ in range(150):
                asked = subprocess.run(["docker", "--host", host, "info"], capture_output=True, check=False)
                if asked.returncode == 0:
                    break
                try:
                    process.wait(0.2)
                except subprocess.TimeoutExpired:
                    continue
                raise RuntimeError((folder / "log").read_text(encoding="utf-8")[-2000:])
            yield folder
        finally:
            process.terminate()
            process.wait(30)
            subprocess.run(["ip", "link", "delete", bridge], check=False)
            if size:
                subprocess.run(["umount", "--lazy", str(data)], check=False)
            shutil.rmtree(folder, ignore_errors=True)
