"""The files of a layer, put together from everything that its steps gave; nothing is left out yet."""

import dataclasses
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from builder.base.errors import BuildError
from builder.base.values import RelativePath, untrusted
from builder.building.artifacts import Artifact
from builder.layer import tree
from builder.layer.tree import Entry, Tree
from builder.model.libraries import LICENSE_TEXTS
from builder.model.recipes import Loaded
from builder.packages.ecosystem import Resolution
from builder.plan.container import TREE
from builder.plan.plan import Plan


def assemble(loaded: Loaded, plan: Plan, made: Mapping[str, Artifact], work: Path) -> Tree:
    """Put the files of all steps together."""
    content = _parsed(made[TREE].files("opt"), "the container") if TREE in made else tree.Tree(())
    for resolution in plan.resolutions:
        content = _parsed(resolution.assemble(content, made, work), _archives(resolution))
    brought = list(_libraries(plan, made, content))
    content = content.with_entries(brought)
    if plan.recipe.libraries.license:
        content = content.with_entries(_licences(made, {entry.name for entry in brought}))
    copies = [tree.from_file(loaded.file(one.source), one.to, executable=one.executable) for one in plan.copied]
    content = content.with_entries(_parsed(tree.of(copies), f"the folder of {loaded.name}"))
    if not len(content):
        msg = f"{plan.target.name}: the steps leave the layer empty"
        raise BuildError(msg, hint="scripts put files below $PREFIX, which is /opt")
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


def _libraries(plan: Plan, made: Mapping[str, Artifact], content: Tree) -> Iterator[Entry]:
    """Yield the libraries that Lambda lacks, which the containers found beside what they made."""
    rules = plan.recipe.libraries
    there = content.paths()
    for one in made.values():
        wanted = one.with_dependencies({*rules.dlopen, *(() if isinstance(rules.bundle, str) else rules.bundle)})
        for entry in one.files("out/lib"):
            path = f"lib/{entry.path}"
            if path not in there and (rules.bundle == "auto" or entry.path in wanted):
                yield dataclasses.replace(entry, path=path)


def _licences(made: Mapping[str, Artifact], sonames: Collection[str]) -> Iterator[Entry]:
    """Yield the texts that belong to libraries that came along; each package's once."""
    seen: set[str] = set()
    for one in made.values():
        rows = [row for row in one.libraries()["added"] if row["soname"] in sonames]
        owners = {row["package"] for row in rows if "package" in row}
        for entry in one.files("out/licences"):
            path = f"{LICENSE_TEXTS}{entry.path}"
            if entry.path.partition("/")[0] in owners and path not in seen:
                seen.add(path)
                yield dataclasses.replace(entry, path=path)
