"""Packages of Node.js and Java: what a target gets of them, and their files as a part of the layer."""

import hashlib
import io
import json
import os
import re
import shutil
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from builder.base import cache_paths, locks
from builder.base.errors import UsageError
from builder.layer import tree
from builder.layer.tree import Entry, OnDisk, Tree
from builder.model.architectures import Architecture
from builder.model.recipes import MAVEN_LOCK, NPM_LOCK, Loaded
from builder.model.steps import Maven, Npm, Step
from builder.model.target import Target
from builder.packages.maven import maven_lock
from builder.packages.maven import mvn as maven_index
from builder.packages.maven.maven_lock import Jar
from builder.packages.npm import npm as npm_index
from builder.packages.npm import npm_rows, package_lock
from builder.packages.npm.package_lock import Node

S = TypeVar("S", bound=Step)
_INSTALLS = 50
"""Installed sets of Node.js packages that the cache keeps; those that were not used for longest go first."""
_PREBUILT = re.compile(r"^/node_modules/.*/prebuilds/(?P<platform>[^/]+)/(?P<name>[^/]+)$")


def step_of(kind: type[S], chosen: Sequence[tuple[int, Step]], target: Target) -> S | None:
    """Return the one step of a kind: one lock and one node_modules cannot serve two."""
    found = [step for _, step in chosen if isinstance(step, kind)]
    if len(found) > 1:
        msg = f'{target.name}: two steps say `uses = "{found[0].uses}"`'
        raise UsageError(msg, hint="name all packages in one step, so that they are resolved together")
    return found[0] if found else None


# ---- Node.js -------------------------------------------------------------------------------------------------------


def manifest(loaded: Loaded, step: Npm, target: Target) -> str:
    """Return the text of the package.json for a target."""
    return package_lock.manifest(
        step, target, loaded.file(step.file).read_text(encoding="utf-8") if step.file else None
    )


def node(loaded: Loaded, target: Target, chosen: Sequence[tuple[int, Step]], *, wheels_only: bool) -> Node | None:
    """Decide which Node.js packages a target gets. Asks the registry where there is no lock."""
    step = step_of(Npm, chosen, target)
    if step is None:
        return None
    text = manifest(loaded, step, target)
    path = loaded.lock_named(NPM_LOCK)
    locked = path is not None and path.is_file()
    kept = path.read_text(encoding="utf-8") if path and locked else None
    where = path.as_posix() if path and locked else NPM_LOCK
    npm_rows.check(text, kept, loaded.file(step.file).as_posix() if step.file else "packages", where)
    lock = npm_index.lock(text, None) if kept is None else kept
    if stale := _stale(text, lock):
        msg = f"the {NPM_LOCK} of {loaded.name} does not fit its recipe"
        raise UsageError(msg, why=stale, hint=f"`layerwright lock {loaded.name}` brings it up to date")
    found = package_lock.packages(lock, target.arch, where)
    return Node(
        manifest=text,
        lock=lock,
        packages=found,
        scripts=package_lock.scripts(found, step, target, allowed=not wheels_only),
        folder=package_lock.folder(step, target),
        locked=locked,
    )


def _stale(text: str, lock: str) -> list[str]:
    """Compare what is asked for with what the lock was made for; npm itself would tell the same, later."""
    try:
        asked = json.loads(text).get("dependencies", {})
        kept = json.loads(lock)["packages"][""].get("dependencies", {})
    except (ValueError, KeyError, TypeError, AttributeError):
        return []  # told by whoever reads it next
    changed = sorted(name for name in {*asked, *kept} if asked.get(name) != kept.get(name))
    return [f"{name}: the recipe asks for {asked.get(name)}, the lock is for {kept.get(name)}" for name in changed]


def node_modules(planned: Node, arch: Architecture) -> Path:
    """Return a folder with node_modules as npm installs it without running any script; kept in the cache.

    The same lock gives the same files, so that they are fetched and unpacked once for all targets and days.
    """
    inputs = [planned.manifest, planned.lock, arch.name]
    key = hashlib.sha256(json.dumps(inputs).encode()).hexdigest()
    path = cache_paths.cache() / "npm" / key
    with locks.exclusive(path, lambda: None):
        if not (path / "package.json").is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(path, ignore_errors=True)
            with cache_paths.workspace() as work:
                npm_index.install(planned.manifest, planned.lock, arch, work / "installed")
                (work / "installed").replace(path)
            for old in sorted(path.parent.iterdir(), key=lambda one: one.stat().st_mtime)[:-_INSTALLS]:
                shutil.rmtree(old, ignore_errors=True)
        os.utime(path)
    return path


def node_tree(planned: Node, arch: Architecture) -> Tree:
    """Return the files of packages without install scripts, as they lie in the layer."""
    folder = node_modules(planned, arch) / "node_modules"
    return tree.from_folder(folder, f"{planned.folder}/node_modules")


def for_others(path: str, planned: Node, architectures: Sequence[Architecture]) -> bool:
    """Tell whether a file is a prebuilt module for another system, as prebuildify lays them out in `prebuilds`."""
    match = _PREBUILT.match(path.removeprefix(planned.folder))
    if match is None:
        return False
    own = {f"linux-{arch.npm}" for arch in architectures}
    return match["platform"] not in own or ".musl." in match["name"]


def node_archive(planned: Node, arch: Architecture, path: Path) -> None:
    """Write node_modules and package.json as a tar for the build context; the same files give the same bytes."""
    folder = node_modules(planned, arch)
    with tarfile.open(path, "w") as archive:
        for entry in tree.from_folder(folder):
            info = tarfile.TarInfo(entry.path)
            info.mode = entry.mode
            if entry.link is not None:
                info.type, info.linkname = tarfile.SYMTYPE, entry.link
                archive.addfile(info)
            else:
                data = entry.content.read()
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))


# ---- Java ----------------------------------------------------------------------------------------------------------


def jars(loaded: Loaded, target: Target, chosen: Sequence[tuple[int, Step]]) -> tuple[tuple[Jar, ...], bool]:
    """Decide which jars a target gets, and tell whether a lock says so. Asks the repository where there is none."""
    step = step_of(Maven, chosen, target)
    if step is None:
        return (), True
    wanted = [target.expand(text) for text in step.artifacts]
    path = loaded.lock_named(MAVEN_LOCK)
    if path is None or not path.is_file():
        return tuple(
            Jar(coordinates=name, sha256=sha256) for name, sha256 in maven_index.resolve(wanted).items()
        ), False
    found = maven_lock.read(path.read_text(encoding="utf-8"), path.as_posix())
    if stale := maven_lock.unfit(found, wanted):
        msg = f"the {MAVEN_LOCK} of {loaded.name} does not fit its recipe"
        raise UsageError(msg, why=stale, hint=f"`layerwright lock {loaded.name}` brings it up to date")
    return found, True


def jar_entries(planned: Sequence[Jar]) -> Iterator[Entry]:
    """Yield the jars as they lie in the layer: flat, because the runtime's class path does not look deeper."""
    files = maven_index.jars({one.coordinates: one.sha256 for one in planned})
    for name, one in maven_lock.names(planned).items():
        path = files[one.coordinates]
        yield Entry(path=f"java/lib/{name}", mode=tree.PLAIN, content=OnDisk(path=path, size=path.stat().st_size))
