"""Headers of Node.js for build images that have none: of npm's packages of Node.js itself, by hash."""

import json
import shutil
from pathlib import Path

from builder.base import cache_paths, files, records
from builder.model import image_facts
from builder.model.architectures import Architecture
from builder.model.target import Target
from builder.model.tools import NodeHeaders, tools
from builder.packages.npm import npm

FOLDER = "headers"
"""In the build context."""


def pinned(target: Target) -> NodeHeaders | None:
    """Return the headers for the Node.js of a target; None if `images/tools.toml` has none of its version."""
    return tools().node_headers.get(target.base.series) if target.base.language == "nodejs" else None


def needed(target: Target) -> bool:
    """Tell whether the build image has none: a survey says so, or a build has failed for it."""
    image = _image(target)
    surveyed = image_facts.of(image)
    return bool(surveyed and not surveyed.node_headers) or _mark(image).exists()


def remember(target: Target) -> bool:
    """Keep that the build image has no headers; False if that was known already, or there are none to bring."""
    mark = _mark(_image(target))
    if mark.exists() or pinned(target) is None:
        return False
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.touch()
    return True


def write(target: Target, context: Path) -> None:
    """Write the headers into a build context, if the image needs them."""
    headers = pinned(target)
    if headers and needed(target):
        to = context / FOLDER / "include" / "node"
        left = shutil.ignore_patterns(records.IN_FOLDER)
        shutil.copytree(_fetched(headers, target.arch), to, ignore=left)


def _fetched(headers: NodeHeaders, arch: Architecture) -> Path:
    """Return the folder with the headers, fetched once. npm verifies the hash."""

    def install(part: Path) -> None:
        installed = part.with_name("installed")
        npm.install(*_locked(headers, arch), arch, installed)
        files.move(installed / "node_modules" / _package(arch) / "include" / "node", part)

    return records.made(cache_paths.folder("tools") / f"node-headers-{headers.version}-{arch.npm}", install)


def _locked(headers: NodeHeaders, arch: Architecture) -> tuple[str, str]:
    """Return a manifest and its lock, which name that one package."""
    name, version = _package(arch), headers.version
    wanted = {"dependencies": {name: version}}
    row = {"version": version, "integrity": headers.integrity(arch)}
    locked = {"lockfileVersion": 3, "requires": True, "packages": {"": wanted, f"node_modules/{name}": row}}
    return json.dumps(wanted), json.dumps(locked)


def _package(arch: Architecture) -> str:
    return f"node-linux-{arch.npm}"


def _image(target: Target) -> str:
    return target.base.images(target.arch)["build"]


def _mark(image: str) -> Path:
    return cache_paths.folder("tools") / "without-headers" / image.replace("/", "_")
