"""The files of a layer, joined from the results of all its steps, before slimming."""

import dataclasses
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from builder.base.errors import BuildError
from builder.building.artifacts import Artifact
from builder.layer import tree
from builder.layer.tree import Entry, Tree
from builder.model.libraries import LICENSE_TEXTS
from builder.model.recipes import Loaded
from builder.plan.container import TREE
from builder.plan.plan import Plan


def assemble(loaded: Loaded, plan: Plan, artifacts: Mapping[str, Artifact], work: Path) -> Tree:
    """Return the files of a layer. `artifacts` are those of its container, by stage; `work` is an empty folder.

    Raises BuildError if there are none.
    """
    content = artifacts[TREE].files("opt") if TREE in artifacts else tree.Tree(())
    for resolution in plan.resolutions:
        content = resolution.assemble(content, artifacts, work)
    libraries = list(_libraries(plan, artifacts, content))
    content = content.with_entries(libraries)
    if plan.recipe.libraries.license:
        content = content.with_entries(_license_texts(artifacts, {entry.name for entry in libraries}))
    content = content.with_entries(
        tree.from_file(loaded.file(copied.source), copied.to, executable=copied.executable) for copied in plan.copied
    )
    if not len(content):
        msg = f"{plan.target.name}: the steps leave the layer empty"
        raise BuildError(msg, hint="scripts put files below $PREFIX, which is /opt")
    return content


def _libraries(plan: Plan, artifacts: Mapping[str, Artifact], content: Tree) -> Iterator[Entry]:
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


def _license_texts(artifacts: Mapping[str, Artifact], sonames: Collection[str]) -> Iterator[Entry]:
    """Yield the license texts of bundled libraries, once per package."""
    seen: set[str] = set()
    for artifact in artifacts.values():
        rows = [row for row in artifact.libraries()["added"] if row["soname"] in sonames]
        owners = {row["package"] for row in rows if "package" in row}
        for entry in artifact.files("out/licences"):
            path = f"{LICENSE_TEXTS}{entry.path}"
            if entry.path.partition("/")[0] in owners and path not in seen:
                seen.add(path)
                yield dataclasses.replace(entry, path=path)
