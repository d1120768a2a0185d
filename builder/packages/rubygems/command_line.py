"""Gems of a command line, with or without a version."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from builder.base.errors import BuildError, UsageError
from builder.base.frozen import dataclass
from builder.layer.elf import MAGIC
from builder.layer.tree import Tree
from builder.model.architectures import Architecture
from builder.model.runtimes import Runtime
from builder.model.steps.gem_version import parse_gem
from builder.packages.command_line import CommandLinePackages, Draft, Drafting
from builder.packages.rubygems.resolution import ChosenGem, Gems, described


@dataclass(frozen=True, kw_only=True, slots=True)
class GemPackages(CommandLinePackages):
    """Gems of `--gem`: `name` for the newest version, or `name@version`, or `name@` and a requirement."""

    language: ClassVar[str] = "ruby"
    title: ClassVar[str] = "Ruby"
    texts: Sequence[str]

    @classmethod
    def parse(cls, texts: Sequence[str]) -> "GemPackages":
        """Raise UsageError for a text that is not a gem."""
        for text in texts:
            try:
                parse_gem(text)
            except ValueError as error:
                raise UsageError(str(error), hint="a name alone takes the newest version") from None
        return cls(texts=tuple(texts))

    @property
    def name(self) -> str | None:
        return self._names[0]

    @property
    def description(self) -> str | None:
        return " ".join(self.texts)

    @property
    def step(self) -> Mapping[str, Any]:
        return {"uses": "gem", "gems": list(self.texts)}

    def version(self, runtime: Runtime, arch: Architecture) -> str:  # noqa: ARG002  known once they are resolved
        return "1"

    @property
    def _names(self) -> list[str]:
        return [text.partition("@")[0] for text in self.texts]

    def draft(self, drafting: Drafting) -> Draft:
        resolution = drafting.resolution
        if not isinstance(resolution, Gems):  # another step's
            raise TypeError
        gems = {gem.spec.name: gem for gem in resolution.gems}
        named = [_named(name, gems) for name in self._names]
        first = described(named[0].spec, resolution.index)
        content = drafting.content()
        tests = [line for gem in named for line in _lines(gem, content, resolution)]
        return Draft(
            summary=" ".join(str(first.get("summary") or "").split()),
            license=" OR ".join(map(str, first.get("licenses") or ())),
            step={"uses": "gem", "gems": [f"{gem.spec.name}@{_version(gem, named[0])}" for gem in named]},
            test={"ruby": "\n".join([*tests, ""])},
            version=named[0].spec.version,
            homepage=str(first.get("homepage") or "") or None,
            split_by=None if resolution.compiled or _has_native(content) else ("runtime",),
        )


def _named(name: str, gems: Mapping[str, ChosenGem]) -> ChosenGem:
    """Return a gem of the layer. Raises BuildError for one that Ruby brings, which is left out."""
    if name not in gems:
        msg = f"{name} is part of Ruby, and left out of layers"
        raise BuildError(msg)
    return gems[name]


def _version(gem: ChosenGem, first: ChosenGem) -> str:
    return "{version}" if gem is first else gem.spec.version


def _lines(gem: ChosenGem, content: Tree, resolution: Gems) -> list[str]:
    """Return code that activates exactly this version of a gem and loads it."""
    name = gem.spec.name
    activated = f"gem '{name}', '{gem.spec.version}'"
    root = f"ruby/gems/{resolution.series}/gems/{gem.spec.full_name}/"
    files = {entry.path.removeprefix(root) for entry in content if entry.path.startswith(root)}
    candidates = (name, name.replace("-", "/"), name.replace("-", "_"))
    found = next((one for one in candidates if not files or f"lib/{one}.rb" in files), None)
    tops = sorted(path for path in files if re.fullmatch(r"lib/\w+\.rb", path))
    found = found or (tops[0].removeprefix("lib/").removesuffix(".rb") if tops else None)
    return [activated, *([f"require '{found}'"] if found else [])]


def _has_native(content: Tree) -> bool:
    return any(entry.link is None and entry.content.head(4) == MAGIC for entry in content)
