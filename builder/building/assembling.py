"""The files of a layer, joined from the results of all its steps, before slimming."""

import dataclasses
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from builder.base.errors import BuildError
from builder.base.values import RelativePath, untrusted
from builder.building import remembered
from builder.layer import tree
from builder.layer.hashed import hashed
from builder.layer.store import Store
from builder.layer.tree import Entry, Tree
from builder.model.libraries import LICENSE_TEXTS
from builder.model.recipes import Loaded
from builder.packages.resolution import Resolution
from builder.plan.container import TREE
from builder.plan.plan import Plan

if TYPE_CHECKING:
    from builder.building.artifacts import Artifact


def assemble(loaded: Loaded, plan: Plan, artifacts: "Mapping[str, Artifact]", work: Path, store: Store) -> Tree:
    """Return the files of a layer. `artifacts` are those of its container, by stage; `work` is an empty folder.

    All files have digests. Raises BuildError if there are none, UntrustedError for a path that leaves /opt.
    """
    compiled = {stage: artifact.sha256 for stage, artifact in artifacts.items()}
    content = remembered.packages(plan, compiled, store, lambda: _of_packages(plan, artifacts, work))
    libraries = list(_libraries(plan, artifacts, content))
    content = content.with_entries(libraries)
    if plan.recipe.libraries.license:
        content = content.with_entries(_license_texts(artifacts, {entry.name for entry in libraries}))
    copies = [
        tree.from_file(loaded.file(copied.source), copied.to, executable=copied.executable) for copied in plan.copied
    ]
    content = content.with_entries(_parsed(tree.of(copies), f"the folder of {loaded.name}"))
    if not len(content):
        msg = f"{plan.target.name}: the steps leave the layer empty"
        markers = "a marker may exclude every requirement on this target; lists of requirements may be empty"
        hint = "scripts put files below $PREFIX, which is /opt" if plan.container else markers
        raise BuildError(msg, hint=hint)
    return hashed(content)


def _of_packages(plan: Plan, artifacts: "Mapping[str, Artifact]", work: Path) -> Tree:
    """Return what containers and packages put into a layer."""
    content = _parsed(artifacts[TREE].files("opt"), "the container") if TREE in artifacts else tree.Tree(())
    for resolution in plan.resolutions:
        content = _parsed(resolution.assemble(content, artifacts, work), _archives(resolution))
    return content


def _archives(resolution: Resolution) -> str:
    kinds = sorted({package.ecosystem for package in resolution.packages})
    return f"an archive of the {' and '.join(kinds)} packages"


def _parsed(content: Tree, sender: str) -> Tree:
    """Return the content if each path is one below /opt, and no longer than file systems take. Raises UntrustedError.

    Names in archives come from their publishers, and this is the one place that all of them pass on the way to a zip.
    """
    for entry in content:
        if RelativePath.parse(entry.path, sender) != entry.path:
            raise untrusted(sender, entry.path, "a path in its shortest form")
    return content


def _libraries(plan: Plan, artifacts: "Mapping[str, Artifact]", content: Tree) -> Iterator[Entry]:
    """Yield the libraries to bundle: those that artifacts need and the runtime does not have."""
    rules = plan.recipe.libraries
    named = {*rules.dlopen, *(() if isinstance(rules.bundle, str) else rules.bundle)}
    paths = content.paths()
    for artifact in artifacts.values():
        closure = artifact.with_dependencies(named)
        for entry in artifact.files("out/lib"):
            path = f"lib/{entry.path}"
            if path not in paths and (rules.bundle == "auto" or entry.path in closure):
                yield dataclasses.replace(entry, path=path)


def _license_texts(artifacts: "Mapping[str, Artifact]", sonames: Collection[str]) -> Iterator[Entry]:
    """Yield the license texts of bundled libraries, once per package."""
    seen: set[str] = set()
    for artifact in artifacts.values():
        owners = {row.package for row in artifact.libraries().added if row.soname in sonames}
        for entry in artifact.files("out/licences"):
            path = f"{LICENSE_TEXTS}{entry.path}"
            if entry.path.partition("/")[0] in owners and path not in seen:
                seen.add(path)
                yield dataclasses.replace(entry, path=path)
