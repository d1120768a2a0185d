"""Node.js packages of a command line, with or without a version."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from builder.base.frozen import dataclass
from builder.layer import tree
from builder.layer.elf import MAGIC
from builder.layer.tree import Tree
from builder.model.architectures import Architecture
from builder.model.runtimes import Runtime
from builder.packages.command_line import CommandLinePackages, Draft, Drafting
from builder.packages.npm import installed


@dataclass(frozen=True, kw_only=True, slots=True)
class NpmPackages(CommandLinePackages):
    """Packages of `--npm`: `name` for the newest version, or `name@version`."""

    language: ClassVar[str] = "nodejs"
    title: ClassVar[str] = "Node.js"
    texts: Sequence[str]

    @property
    def name(self) -> str | None:
        return self._first[0].removeprefix("@")

    @property
    def description(self) -> str | None:
        return " ".join(self.texts)

    @property
    def step(self) -> Mapping[str, Any]:
        return {"uses": "npm", "packages": [_with_version(text) for text in self.texts]}

    def version(self, runtime: Runtime, arch: Architecture) -> str:  # noqa: ARG002  the same on all targets
        return re.sub(r"[^A-Za-z0-9.+_-]", "", self._first[1]) or "1"

    def draft(self, drafting: Drafting) -> Draft:
        from builder.packages.npm.resolution import NodeModules

        resolution = drafting.resolution
        if not isinstance(resolution, NodeModules):  # another step's
            raise TypeError
        content = Tree(tuple(tree.from_folder(resolution.installed() / "node_modules", "nodejs/node_modules")))
        versions = {name: drafting.versions[name] for name in map(_name, self.texts)}
        first = next(iter(versions))
        about = installed.asked_for(content)
        facts = about.get(first, {})
        native = any(entry.link is None and entry.content.head(len(MAGIC)) == MAGIC for entry in content)
        paths = content.paths()
        entries = [name for name in versions if installed.has_entry(name, about.get(name, {}), paths)]
        return Draft(
            summary=" ".join(str(facts.get("description") or "").split()),
            license=declared if isinstance(declared := facts.get("license"), str) else "",
            step={
                "uses": "npm",
                "packages": [
                    f"{name}@{'{version}' if name == first else version}" for name, version in versions.items()
                ],
            },
            test={"node": _test(versions, entries)},
            version=versions[first],
            split_by=None if native or resolution.scripts else (),
        )

    @property
    def _first(self) -> tuple[str, str]:
        name, _, version = _with_version(self.texts[0]).rpartition("@")
        return name, version


def _with_version(text: str) -> str:
    return text if "@" in text[1:] else f"{text}@latest"


def _name(text: str) -> str:
    return _with_version(text).rpartition("@")[0]


def _test(versions: Mapping[str, str], entries: Sequence[str]) -> str:
    """Return a module that imports packages and compares the versions of all."""
    lines = [
        "import assert from 'node:assert/strict';",
        "import { readFileSync } from 'node:fs';",
        *(f"import '{name}';" for name in entries),
        "const version = (name) => JSON.parse(readFileSync(`/opt/nodejs/node_modules/${name}/package.json`)).version;",
        *(f"assert.equal(version('{name}'), '{version}');" for name, version in versions.items()),
    ]
    return "\n".join([*lines, ""])
