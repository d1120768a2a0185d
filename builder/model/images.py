"""References of container images: registry, name, and the digest from `images/pins.toml`."""

import re
from functools import cache
from pathlib import Path
from typing import Annotated

from builder.base import environment, files, locks, texts
from builder.base.errors import UsageError
from builder.base.frozen import dataclass
from builder.base.values import stored
from builder.model import facts
from builder.model.architectures import Architecture
from builder.model.runtimes import Runtime

AMAZON = "public.ecr.aws"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]*")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
REGISTRY = re.compile(r"^[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[a-z0-9._-]+)*$")


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    """A container image, pinned where `digest` is set."""

    name: Annotated[str, stored(_NAME, "the name of an image")]
    """Name with registry and tag: `public.ecr.aws/lambda/python:3.13-arm64`."""
    digest: Annotated[str, stored(_DIGEST, "the digest of an image")] | None
    """`sha256:...` of the pinned manifest or index; None without a pin."""

    @property
    def reference(self) -> str:
        """Reference in a Dockerfile. Engines use the digest if it has both; the tag is for readers."""
        return f"{self.name}@{self.digest}" if self.digest else self.name


def registry() -> str:
    """Return the registry of Amazon's images: LAYERWRIGHT_REGISTRY, a mirror with an optional prefix, or Amazon's."""
    given = environment.value("LAYERWRIGHT_REGISTRY").strip().rstrip("/")
    if given and not REGISTRY.match(given):
        msg = f"LAYERWRIGHT_REGISTRY={given} is not a valid registry"
        raise UsageError(
            msg, hint="use host:port/prefix without a scheme, for example `mirror.example.com:5000/amazon`"
        )
    return given or AMAZON


def pins_file() -> Path:
    """Return the file of pins for the registry in use. A mirror has its own file, because its images may differ."""
    where = registry()
    return facts.own_folder() / (
        "pins.toml" if where == AMAZON else f"pins.{re.sub(r'[^A-Za-z0-9.-]', '_', where)}.toml"
    )


def named(path: str) -> str:
    """Return the whole name of an image: below the registry, unless its path begins with a host as only own ones do."""
    host = path.partition("/")[0]
    return path if "." in host or ":" in host else f"{registry()}/{path}"


def image(path: str) -> Image:
    """Return an image by its path, for example `lambda/python:3.13-arm64`."""
    return Image(name=named(path), digest=_pins(pins_file()).get(path))


def run_image(runtime: Runtime, arch: Architecture) -> Image:
    """Return the image that functions run in."""
    return image(runtime.images(arch)["run"])


def build_image(runtime: Runtime, arch: Architecture) -> Image:
    """Return the image that layers are compiled in."""
    return image(runtime.images(arch)["build"])


@cache
def _pins(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        table = texts.parse_toml(texts.read(path)).get("image", {})
        return {str(name): str(digest) for name, digest in table.items()}
    except texts.MalformedError as error:
        msg = f"{path} is not valid TOML"
        raise UsageError(msg, why=[str(error)], hint="`layerwright images pin` writes it again") from error


def pinned() -> dict[str, str]:
    """Return the pinned digests for the registry in use, by image path below it."""
    return dict(_pins(pins_file()))


def pin(digests: dict[str, str]) -> None:
    """Add digests to the pins, by image path below the registry."""
    file = pins_file()
    files.writable(file.parent)
    with locks.exclusive(file, lambda: None):
        forget()
        with files.replacing(file) as draft:
            write_pins(draft, {**pinned(), **digests})
    forget()


def write_pins(path: Path, digests: dict[str, str]) -> None:
    """Write a file of pins, which maps image paths with tags to digests."""
    lines = [f'"{name}" = "{digest}"' for name, digest in sorted(digests.items())]
    header = f"# Digests of the images in {registry()}, written by `layerwright images pin`.\n\n[image]\n"
    path.write_text(header + "\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def forget() -> None:
    """Clear the cache of pins, after a change of files or environment."""
    _pins.cache_clear()
