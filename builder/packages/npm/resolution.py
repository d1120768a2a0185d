"""The Node.js packages of one target: as npm installs them, with install scripts only in a container."""

import hashlib
import io
import json
import re
import tarfile
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any, ClassVar

from builder.base import cache_paths, records
from builder.base.frozen import dataclass
from builder.base.values import StoredFolder, StoredPath
from builder.layer import tree
from builder.layer.tree import Tree
from builder.model.architectures import Architecture
from builder.model.target import Target
from builder.packages.npm import headers, npm
from builder.packages.npm.local import LocalPackage, Own
from builder.packages.npm.package_lock import NodePackage, StoredName
from builder.packages.resolution import Block, CompiledPart, Package, StageOutput

ARCHIVE = "npm.tar"
"""The file in the build context with the packages as installed by npm, before their scripts run."""
_PREBUILT = re.compile(r"^/node_modules/.*/prebuilds/(?P<platform>[^/]+)/(?P<name>[^/]+)$")


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeModules:
    """All Node.js packages of a target."""

    target: Target
    step: int
    manifest: str
    """The text of package.json."""
    lock: str
    """The text of package-lock.json."""
    installs: tuple[NodePackage, ...]
    scripts: tuple[StoredName, ...]
    """Names of the packages whose install scripts run, in the build image."""
    folder: StoredPath
    """The folder of the layer that contains node_modules."""
    locked: bool
    local: tuple[LocalPackage, ...] = ()
    """Packages of the project itself."""
    project: StoredFolder | None = field(default=None, compare=False)
    """The folder with the settings of its registries; None for the current one. It is not part of the layer."""
    warnings: tuple[str, ...] = ()
    uses: ClassVar[str] = "npm"
    prebuilt: ClassVar[str] = "npm"
    named_places: ClassVar[tuple[str, ...]] = ()
    has_bytecode: ClassVar[bool] = False
    compiles: ClassVar[tuple[CompiledPart, ...]] = ()

    @property
    def own(self) -> Own:
        """What the project adds to the packages of registries."""
        return Own(packages=self.local, project=self.project)

    @property
    def packages(self) -> tuple[Package, ...]:
        return tuple(self._row(package) for package in self.installs)

    def _row(self, package: NodePackage) -> Package:
        runs = package.name in self.scripts
        own = next((each for each in self.local if each.integrity == package.integrity), None)
        if own:
            return self._local(package, own, runs=runs)
        return Package(
            name=package.name,
            version=package.version,
            ecosystem="npm",
            route="compile" if runs else "npm",
            reason="its install script runs in the build image, without network" if runs else "as published",
            file=package.path,
            integrity=package.integrity,
        )

    def _local(self, package: NodePackage, own: LocalPackage, *, runs: bool) -> Package:
        reason = f"local, {own.path}"
        return Package(
            name=package.name,
            version=package.version,
            ecosystem="npm",
            route="compile" if runs else "local",
            reason=f"{reason}; its install script runs in the build image" if runs else reason,
            file=package.path,
            sha256=own.sha256,
            integrity=package.integrity,
            local=own.path,
        )

    @property
    def blocks(self) -> tuple[tuple[int, Block], ...]:
        if not self.scripts:
            return ()
        block = Block(
            template="npm",
            title=f"step {self.step}: install scripts of {' '.join(self.scripts)}",
            values={"names": list(self.scripts), "to": self.folder},
            inputs=(self.manifest, self.lock, self.scripts, self.folder),
            because=f"{', '.join(self.scripts)}: install scripts run in a container, without network; a recipe with "
            f"`skip-scripts = {json.dumps(self.scripts)}` runs none, for packages that work without",
        )
        return ((self.step, block),)

    def inputs(self) -> list[Any]:
        return [self.manifest, self.lock, self.scripts, self.folder]

    def write(self, context: Path, stages: frozenset[str], machine: Architecture) -> None:  # noqa: ARG002  Node.js of the image runs it
        if self.scripts and "tree" in stages:
            _archive(self.installed(), context / ARCHIVE)
            headers.write(self.target, context)

    def assemble(self, content: Tree, artifacts: Mapping[str, StageOutput], work: Path) -> Tree:  # noqa: ARG002  kept in the cache
        if not self.scripts:
            modules = tree.from_folder(self.installed() / "node_modules", f"{self.folder}/node_modules")
            content = content.with_entries(modules)
        return content.without(lambda entry: self._for_others(entry.path))

    def _for_others(self, path: str) -> bool:
        """Return whether a file is a module for another platform, in the layout of prebuildify."""
        match = _PREBUILT.match(path.removeprefix(self.folder))
        if match is None:
            return False
        platforms = {f"linux-{arch.npm}" for arch in self.target.architectures}
        return match["platform"] not in platforms or ".musl." in match["name"]

    def installed(self) -> Path:
        """Return a folder with node_modules as npm installs it without running any script; kept in the cache.

        The same lock gives the same files, so that they are fetched and unpacked once for all targets and days. npm
        verifies what it unpacks; a record of the result is compared at each use, and a damaged set is installed again.
        """
        arch = self.target.arch
        key = hashlib.sha256(json.dumps([self.manifest, self.lock, arch.name]).encode()).hexdigest()

        def install(part: Path) -> None:
            npm.install(self.manifest, self.lock, arch, part, self.own)

        return records.made(cache_paths.folder("npm") / key, install)


def _archive(folder: Path, path: Path) -> None:
    """Write node_modules and package.json as a tar for the build context; the same files give the same bytes."""
    with tarfile.open(path, "w") as archive:
        for entry in tree.from_folder(folder).without(lambda entry: entry.path == records.IN_FOLDER):
            info = tarfile.TarInfo(entry.path)
            info.mode = entry.mode
            if entry.link is not None:
                info.type, info.linkname = tarfile.SYMTYPE, entry.link
                archive.addfile(info)
            else:
                data = entry.content.read()
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))


RESOLUTION = NodeModules
