"""Layers that work, as they are: zips of published constructs, trees that npm installs, sets of jars."""

import io
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from builder.base import fetch
from builder.layer.reader import LayerZip
from builder.layer.tree import Tree, from_folder
from builder.model.architectures import X86_64, architecture
from builder.model.runtimes import runtime
from builder.packages.maven import mvn
from builder.packages.pypi.resolve import Wanted, best, resolve

CONSTRUCTS = {
    "aws-cdk-asset-kubectl-v20==2.1.4": "python3.13",
    "aws-cdk-asset-awscli-v1==2.2.296": "python3.13",
    "cdk-lambda-layer-curl==2.0.838": "python3.11",
    "cdk-lambda-layer-zip==2.0.377": "python3.13",
}
"""Packages of PyPI that hold the zip of a layer, by the runtime whose system it is for."""
NPM = (
    *("usb@2.15.0", "node-hid@3.2.0", "classic-level@3.0.0", "sodium-native@5.0.6", "zeromq@6.5.0", "bcrypt@6.0.0"),
    *("esbuild@0.25.9", "@parcel/watcher@2.5.1", "msgpackr-extract@3.0.3", "sharp@0.34.3", "@swc/core@1.13.5"),
    *("lightningcss@1.30.1", "@napi-rs/canvas@0.1.78", "@node-rs/argon2@2.0.2", "snappy@7.3.3", "lmdb@3.4.2"),
    *("koffi@2.14.0", "bufferutil@4.0.9", "utf-8-validate@6.0.5"),
)
"""Packages with files for several systems and processors, of which npm installs what is for this one."""
JARS = (
    *("com.github.luben:zstd-jni:1.5.7-4", "org.xerial:sqlite-jdbc:3.50.3.0", "net.java.dev.jna:jna:5.17.0"),
    *("org.xerial.snappy:snappy-java:1.1.10.8", "org.lz4:lz4-java:1.8.0", "org.fusesource.jansi:jansi:2.4.2"),
    *("org.conscrypt:conscrypt-openjdk-uber:2.5.2", "com.google.protobuf:protobuf-java:4.31.1"),
    *("io.netty:netty-tcnative-boringssl-static:2.0.72.Final", "org.postgresql:postgresql:42.7.7"),
)
"""Artifacts, with what they need."""


@dataclass(frozen=True, kw_only=True)
class RealLayer:
    """A layer, which is fetched when its tree is asked for."""

    name: str
    runtime: str
    fetch: Callable[[str, Path], Tree | Path]
    """Takes the name and a folder, and returns what npm or Maven puts into it, or a zip."""

    @contextmanager
    def opened(self) -> Iterator[Tree]:
        """Yield the content, which can be read in the block."""
        with tempfile.TemporaryDirectory() as folder:
            found = self.fetch(self.name, Path(folder))
            if isinstance(found, Tree):
                yield found
            else:
                with LayerZip(found) as layer:
                    yield layer.tree


def layer_zip(requirement: str, folder: Path) -> Path:
    """Extract the layer of a published construct: the wheel, the archive of the construct, the zip."""
    on = runtime("python3.13")
    name = requirement.split("==", maxsplit=1)[0].replace("_", "-")
    package = next(one for one in resolve(Wanted(requirements=(requirement,)), on, X86_64) if one.name == name)
    wheel = best(package, on, X86_64)
    assert wheel is not None
    with zipfile.ZipFile(fetch.into(folder, str(wheel.url), wheel.sha256, wheel.filename)) as archive:
        inner = next(one for one in archive.namelist() if one.endswith(".jsii.tgz"))
        with tarfile.open(fileobj=io.BytesIO(archive.read(inner))) as construct:
            data = construct.extractfile(next(one for one in construct.getmembers() if one.name.endswith(".zip")))
            assert data is not None
            path = folder / "layer.zip"
            path.write_bytes(data.read())
            return path


def node_tree(packages: Sequence[str], folder: Path, arch: str = "x86_64") -> Tree:
    """Return what npm installs of packages, without running anything of them."""
    cpu = architecture(arch).npm
    options = ("--ignore-scripts", "--no-audit", "--no-fund", "--os=linux", f"--cpu={cpu}", "--libc=glibc")
    command = ["npm", "install", "--silent", "--prefix", str(folder / "nodejs"), *options, *packages]
    subprocess.run(command, check=True, capture_output=True)
    return from_folder(folder).without(lambda entry: "/.bin/" in entry.path or entry.parent == "nodejs")


def java_tree(artifacts: Sequence[str], folder: Path) -> Tree:
    """Return the jars of artifacts and of what they need."""
    to = folder / "java" / "lib"
    to.mkdir(parents=True)
    for coordinates, path in mvn.jars(mvn.resolve(artifacts)).items():
        (to / f"{coordinates.partition(':')[2].replace(':', '-')}.jar").write_bytes(path.read_bytes())
    return from_folder(folder)


def _node(package: str, folder: Path) -> Tree:
    return node_tree([package], folder)


def _java(artifact: str, folder: Path) -> Tree:
    return java_tree([artifact], folder)


def every() -> Iterator[RealLayer]:
    """Yield all of them."""
    for requirement, on in CONSTRUCTS.items():
        yield RealLayer(name=requirement, runtime=on, fetch=layer_zip)
    yield from (RealLayer(name=package, runtime="nodejs22.x", fetch=_node) for package in NPM)
    yield from (RealLayer(name=artifact, runtime="java21", fetch=_java) for artifact in JARS)
