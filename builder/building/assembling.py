"""The files of a layer, put together from everything that its steps gave; nothing is left out yet."""

import dataclasses
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from builder.base.errors import BuildError
from builder.building import compiling
from builder.building.artifacts import Made
from builder.layer import tree
from builder.layer.tree import Entry, Tree
from builder.model.libraries import LICENSE_TEXTS
from builder.model.recipes import Loaded
from builder.packages import languages
from builder.packages.pypi.install import install
from builder.packages.rubygems import gems
from builder.plan.container import TREE
from builder.plan.plan import Plan


def assemble(loaded: Loaded, plan: Plan, made: Mapping[str, Made], work: Path) -> Tree:
    """Put the files of all steps together."""
    content = made[TREE].files("opt") if TREE in made else tree.Tree(())
    target = plan.target
    if plan.routes:
        inside = plan.container
        built = compiling.wheels(inside, made, work / "wheels") if inside else {}
        pinned = [built.get(one.package.name, one.package) for one in plan.routes]
        install(pinned, target.base, target.arch, work / "python")
        content = content.with_entries(tree.from_folder(work / "python", "python"))
    if node := plan.node:
        if not node.scripts:
            content = content.with_entries(languages.node_tree(node, target.arch))
        content = content.without(lambda entry: languages.for_others(entry.path, node, target.architectures))
    if rubies := plan.gems:
        content = gems.linked(content.with_entries(gems.entries(rubies, target.base)), rubies, target.arch)
    content = content.with_entries(languages.jar_entries(plan.jars))
    brought = list(_libraries(plan, made, content))
    content = content.with_entries(brought)
    if plan.recipe.libraries.license:
        content = content.with_entries(_licences(made, {entry.name for entry in brought}))
    content = content.with_entries(
        tree.from_file(loaded.file(one.source), one.to, executable=one.executable) for one in plan.copied
    )
    if not len(content):
        msg = f"{target.name}: the steps leave the layer empty"
        raise BuildError(msg, hint="scripts put files below $PREFIX, which is /opt")
    return content


def _libraries(plan: Plan, made: Mapping[str, Made], content: Tree) -> Iterator[Entry]:
    """Yield the libraries that Lambda lacks, which the containers found beside what they made."""
    rules = plan.recipe.libraries
    there = content.paths()
    for one in made.values():
        wanted = one.with_needed({*rules.dlopen, *(() if isinstance(rules.bundle, str) else rules.bundle)})
        for entry in one.files("out/lib"):
            path = f"lib/{entry.path}"
            if path not in there and (rules.bundle == "auto" or entry.path in wanted):
                yield dataclasses.replace(entry, path=path)


def _licences(made: Mapping[str, Made], sonames: Collection[str]) -> Iterator[Entry]:
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
