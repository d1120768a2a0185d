"""`python bake.py REGISTRY SOURCES CONTEXT`: print what of the stand-ins `docker buildx bake` is to build.

Each image and each interpreter has a key, a digest of what it is made of. The registry has what was made under its key,
so an edit of one file builds the images that have it. Prints nothing when everything is there.

An image of a key that is there gets its name, if another one has it, which other files made.
"""

import hashlib
import json
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parents[1] / "standin"
ARCHES = {"amd64": "x86_64", "arm64": "arm64"}
FILES = {
    "provided": (),
    "python": ("bootstrap", "bootstrap.py"),
    "nodejs": ("bootstrap-nodejs", "node-runtime.mjs"),
    "java": ("bootstrap-java", "java-client.xml"),
    "ruby": ("bootstrap-ruby", "ruby-runtime.rb"),
}
"""What only the images that run functions have, by language."""
MANAGERS = {"Dockerfile": "microdnf", "al2.Dockerfile": "yum"}
"""What each system's Dockerfile installs as its package manager."""
GLIBC = "glibc.Dockerfile"
"""Of images that functions run in, with a newer glibc than Debian 11's."""
IMAGES = {*MANAGERS, GLIBC}
"""The Dockerfiles of images under Amazon's names; the others are of what these are made of."""
SHARED = {"run": ("lambda-entrypoint.sh", "root.sh"), "build": ("root.sh",)}
RPMS = ("rpms.Dockerfile", "packages.tsv", "rpms.py", "extras.sh", "triggers.py")
"""What the RPMs are made of, which all images are."""
AL2 = "al2.Dockerfile"
MANIFESTS = (
    "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json"
)


@dataclass(frozen=True)
class Image:
    """A stand-in: its name in the registry, without the architecture."""

    target: str
    name: str
    tag: str
    language: str
    series: str = ""
    dockerfile: str = "Dockerfile"
    args: Mapping[str, str] = field(default_factory=dict)


def images(versions: Mapping[str, str]) -> Iterable[Image]:
    yield from _pair("provided", "al2023", "provided.al2023")
    for series in _series(versions, "python"):
        yield from _pair("python", series, f"python{series}", PYTHON=series)
    for series in _series(versions, "node"):
        yield from _pair("nodejs", series, f"nodejs{series}.x", NODE=series)
    yield from _pair("java", "21", "java21")
    yield from _pair("ruby", "3.3", "ruby3.3")
    yield from _pair("provided", "al2", "provided.al2", AL2)
    for series in _series(read("versions.al2"), "python"):
        yield from _pair("python", series, f"python{series}", AL2, PYTHON=series)


def _pair(language: str, series: str, runtime: str, dockerfile: str = "Dockerfile", **args: str) -> Iterable[Image]:
    yield Image(f"run-{language}", f"lambda/{language}", series, language, series, dockerfile, args)
    yield Image(f"build-{language}", f"sam/build-{runtime}", "latest", language, series, dockerfile, args)


def _series(versions: Mapping[str, str], language: str) -> list[str]:
    return [name.partition("_")[2] for name in versions if name.startswith(f"{language}_")]


def read(name: str) -> dict[str, str]:
    """Return what a file of `name=value` lines has."""
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


@dataclass(frozen=True)
class Bake:
    """Targets of one call of bake, which builds them side by side."""

    registry: str
    sources: Path
    context: str
    targets: dict[str, dict[str, object]] = field(default_factory=dict)

    def interpreter(self, language: str, series: str, arch: str) -> tuple[str, str]:
        """Return the context that has an interpreter, and its key; it becomes a target if the registry has it not."""
        source = self.sources / f"{language}{series}.orig.tar.xz"
        dockerfile = "coreutils.Dockerfile" if language == "coreutils" else "interpreters.Dockerfile"
        made = _key(self.file(dockerfile), source.read_bytes() if source.exists() else b"")
        tag = f"{series}-{arch}-{made}"
        if digest(self.registry, f"standin/{language}", tag):
            return f"docker-image://{self.registry}/standin/{language}:{tag}", made
        name = _name(f"{language}-{series}-{arch}")
        self.targets[name] = {
            "context": self.context,
            "dockerfile": dockerfile,
            "target": language,
            "platforms": [f"linux/{arch}"],
            "args": {"REGISTRY": self.registry, "PYTHON": series},
            "tags": [f"{self.registry}/standin/{language}:{tag}"],
        }
        return f"target:{name}", made

    def packages(self, arch: str) -> tuple[dict[str, str], str]:
        """Return the contexts that have the RPMs and what installs them, and the key of both."""
        coreutils, key = self.interpreter("coreutils", "8.32", arch)
        made = _key(*map(self.file, RPMS), key.encode())
        found = {}
        for name, platform in (("maker", "amd64"), ("rpms", arch)):
            tag = f"al2023-{platform}-{made}"
            if digest(self.registry, f"standin/{name}", tag):
                found[name] = f"docker-image://{self.registry}/standin/{name}:{tag}"
                continue
            found[name] = f"target:{name}-{platform}"
            self.targets[f"{name}-{platform}"] = {
                "context": self.context,
                "dockerfile": "rpms.Dockerfile",
                "target": name,
                "platforms": [f"linux/{platform}"],
                "args": {"REGISTRY": self.registry},
                "contexts": {"coreutils": coreutils} if name == "rpms" else {},
                "tags": [f"{self.registry}/standin/{name}:{tag}"],
            }
        return found, made

    def file(self, name: str) -> bytes:
        """Return a file of the stand-ins."""
        return (HERE / name).read_bytes()

    def image(self, image: Image, arch: str) -> str:
        """Add an image, under its name and under its key, if the registry has not this key. Return the key."""
        contexts, rpms = self.packages(arch)
        made = ""
        if image.language in {"python", "ruby"}:
            contexts[image.language], made = self.interpreter(image.language, image.series, arch)
        kind = image.target.partition("-")[0]
        own = FILES[image.language] if kind == "run" else ("engine.sh",)
        names = [*SHARED[kind], MANAGERS[image.dockerfile], *own]
        inputs = self.file(image.dockerfile) + self.file("versions") + rpms.encode()
        key = _key(inputs, made.encode(), *map(self.file, names))
        tag = f"{image.tag}-{ARCHES[arch]}"
        if self.named(image.name, tag, key):
            return key
        self.targets[_name(f"{image.name}-{tag}")] = {
            "context": self.context,
            "dockerfile": image.dockerfile,
            "target": image.target,
            "platforms": [f"linux/{arch}"],
            "args": {"REGISTRY": self.registry, **image.args},
            "contexts": contexts,
            "tags": [f"{self.registry}/{image.name}:{tag}", f"{self.registry}/{image.name}:{tag}-{key}"],
        }
        return key

    def newer(self, image: Image, arch: str, base: str) -> None:
        """Add an image of the key `base` with a newer glibc, in a folder of the registry, if that has it not."""
        name, tag = f"newer-glibc/{image.name}", f"{image.tag}-{ARCHES[arch]}"
        package = self.sources / f"libc6-{arch}.deb"
        key = _key(self.file(GLIBC), package.read_bytes() if package.exists() else b"", base.encode())
        if self.named(name, tag, key):
            return
        target = _name(f"{image.name}-{tag}")
        there = f"docker-image://{self.registry}/{image.name}:{tag}-{base}"
        self.targets[_name(f"{name}-{tag}")] = {
            "context": self.context,
            "dockerfile": GLIBC,
            "platforms": [f"linux/{arch}"],
            "contexts": {"run": f"target:{target}" if target in self.targets else there},
            "tags": [f"{self.registry}/{name}:{tag}", f"{self.registry}/{name}:{tag}-{key}"],
        }

    def named(self, name: str, tag: str, key: str) -> bool:
        """Tell whether the registry has an image of this key, and give it its name, if another one has it."""
        found = digest(self.registry, name, f"{tag}-{key}")
        if not found or found == digest(self.registry, name, tag):
            return bool(found)
        repository = f"{self.registry}/{name}"
        command = ["docker", "buildx", "imagetools", "create", f"--tag={repository}:{tag}", f"{repository}:{tag}-{key}"]
        subprocess.run(command, capture_output=True, check=True)
        return True


def digest(registry: str, name: str, tag: str) -> str | None:
    """Return the digest of an image, or None if the registry has it not."""
    request = urllib.request.Request(f"http://{registry}/v2/{name}/manifests/{tag}", headers={"Accept": MANIFESTS})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return str(answer.headers["Docker-Content-Digest"])
    except urllib.error.HTTPError:
        return None


def _key(*parts: bytes) -> str:
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()[:16]


def _name(text: str) -> str:
    return re.sub(r"[^a-z0-9_-]", "-", text)


def main(registry: str, sources: str, context: str) -> None:
    """Print the definition, if anything is to be built."""
    bake = Bake(registry=registry, sources=Path(sources), context=context)
    for image in images(read("versions")):
        for arch in ARCHES:
            key = bake.image(image, arch)
            if image.target == "run-python" and image.dockerfile != AL2:
                bake.newer(image, arch, key)
    if any(target["dockerfile"] in IMAGES for target in bake.targets.values()):
        groups = {name: {"targets": targets} for name, targets in _groups(bake.targets) if targets}
        print(json.dumps({"group": groups, "target": bake.targets}, indent=1))  # noqa: T201


def _groups(targets: Mapping[str, Mapping[str, object]]) -> Iterator[tuple[str, list[str]]]:
    """Yield what is built side by side: what images are made of, and then those of one architecture at a time."""
    images = [name for name, target in targets.items() if target["dockerfile"] in IMAGES]
    yield "1", [name for name in targets if name not in images]
    for number, arch in enumerate(ARCHES, 2):
        yield str(number), [name for name in images if targets[name]["platforms"] == [f"linux/{arch}"]]


if __name__ == "__main__":
    main(*sys.argv[1:])
