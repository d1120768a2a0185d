"""What people write who have no layerwright: a Dockerfile that runs pip in the build image, and `zip -r9`."""

import os
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import Run, process
from builder.model.images import Image

_DOCKERFILE = """\
FROM --platform={platform} {image} AS system
RUN --mount=type=secret,id=ca LD_LIBRARY_PATH= dnf install -y {packages}
FROM system AS compile
ARG AGAIN
RUN --mount=type=secret,id=ca --mount=type=cache,target=/root/.cache/pip,id=by-hand-{arch} \\
    rm -rf /root/.cache/pip/wheels && \\
    CARGO_HTTP_CAINFO=/run/secrets/ca PIP_CERT=/run/secrets/ca \\
    pip install --no-binary {name} --target /opt/python {name}=={version}
RUN mkdir -p /opt/lib && find /opt/python -name '*.so' | xargs ldd | awk '$3 ~ /^\\// {{ print $3 }}' | sort -u | \\
    while read -r lib; do cp -L "$lib" /opt/lib; done
FROM scratch
COPY --from=compile /opt /
"""
"""pip keeps what it downloads and would keep the wheel, too: that one is taken away."""


@dataclass(frozen=True, kw_only=True)
class ByHand:
    """A Python package compiled without layerwright, from an installed system and a warm cache of downloads."""

    folder: Path
    image: Image
    platform: str
    packages: tuple[str, ...]
    name: str
    version: str

    def prepare(self) -> None:
        """Install the system's packages; the engine keeps that step."""
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder / "context").mkdir(parents=True)
        text = _DOCKERFILE.format(
            platform=self.platform,
            image=self.image.reference,
            packages=" ".join(self.packages or ("gcc",)),
            arch=self.platform.rpartition("/")[2],
            name=self.name,
            version=self.version,
        )
        (self.folder / "context" / "Dockerfile").write_text(text)
        self._build("--target=system", "--output=type=cacheonly")

    def run(self, limit: float | None = None) -> Run:
        """Compile, bring out and zip; what has not ended after `limit` seconds is stopped."""
        out = self.folder / "out"
        shutil.rmtree(out, ignore_errors=True)
        built = self._build(f"--build-arg=AGAIN={uuid.uuid4().hex}", f"--output={out}", limit=limit)
        if built.stopped:
            return built
        zipped = process(["zip", "-q", "-r", "-9", "out.zip", "."], cwd=out)
        return Run(wall=built.wall + zipped.wall, cpu=built.cpu + zipped.cpu)

    def _build(self, *more: str, limit: float | None = None) -> Run:
        ca = os.environ.get("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt")
        command = ["docker", "buildx", "build", "--quiet", "--provenance=false", f"--secret=id=ca,src={ca}", *more]
        return process([*command, self.folder / "context"], cwd=self.folder, limit=limit)
