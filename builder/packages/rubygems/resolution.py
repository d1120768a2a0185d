"""The gems of one target: precompiled if they load in Lambda, else compiled in a container."""

import json
import re
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import field
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar

from builder.base import credentials
from builder.base.credentials import StoredAddress
from builder.base.frozen import dataclass
from builder.base.values import stored, untrusted
from builder.layer import tree
from builder.layer.tree import Entry, Tree
from builder.model.architectures import Architecture
from builder.model.fields import Option
from builder.model.runtimes import Runtime
from builder.model.target import Target
from builder.packages import source_folder
from builder.packages.resolution import Block, CompiledPart, Package, StageOutput
from builder.packages.rubygems import gemspec, index
from builder.packages.rubygems.own import OwnGem
from builder.packages.rubygems.spec import Spec, local_platform

ARCHIVE = "gems.tar"
"""The file in the build context with all gems and the order of their installation."""
_SERIES = re.compile(r"\d+\.\d+\.\d+")
_OTHER_ABI = re.compile(r"/(?P<abi>\d+\.\d+)/[^/]+\.so$")
"""Precompiled gems contain one library per Ruby, for example lib/nokogiri/3.3/nokogiri.so."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChosenGem:
    """One gem of a target."""

    spec: Spec
    compiled: bool
    reason: str
    options: tuple[Option, ...] = ()
    """Arguments for the configuration of its extension."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Gems:
    """All gems of a target, each after its dependencies."""

    target: Target
    step: int
    gems: tuple[ChosenGem, ...]
    series: Annotated[str, stored(_SERIES, "the ABI of a Ruby")]
    """The ABI of Ruby, which names the folder, for example `3.3.0`."""
    index: StoredAddress = field(compare=False)
    """The address of the index. It is not part of the layer."""
    locked: bool
    own: tuple[OwnGem, ...] = ()
    """Gems of the project itself: folders of it, and repositories of git at a commit."""
    unsummed: tuple[str, ...] = ()
    """The gems whose SHA-256 is the index's and not the lock's."""
    uses: ClassVar[str] = "gem"
    prebuilt: ClassVar[str] = "gems"
    named_places: ClassVar[tuple[str, ...]] = ()
    has_bytecode: ClassVar[bool] = False
    compiles: ClassVar[tuple[CompiledPart, ...]] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        if not self.unsummed:
            return ()
        names = ", ".join(self.unsummed)
        hint = "`bundle lock --add-checksums` adds them"
        return (f"the lock has no CHECKSUMS of {names}, so the index decides on their files; {hint}",)

    @property
    def compiled(self) -> tuple[ChosenGem, ...]:
        return tuple(gem for gem in self.gems if gem.compiled)

    @property
    def packages(self) -> tuple[Package, ...]:
        rows = [*map(_row, self.gems), *map(_own_row, self.own)]
        return tuple(sorted(rows, key=lambda row: row.name))

    @property
    def blocks(self) -> tuple[tuple[int, Block], ...]:
        names = [gem.spec.full_name for gem in self.compiled]
        if not names:
            return ()
        block = Block(
            template="gem",
            title=f"step {self.step}: extensions of {' '.join(names)}",
            values={"names": names},
            inputs=(self.series, self._rows),
            because="; ".join(
                f"{gem.spec.full_name} is compiled in a container: {gem.reason}" for gem in self.compiled
            ),
        )
        return ((self.step, block),)

    @property
    def _rows(self) -> list[Any]:
        return [[gem.spec.sha256, gem.spec.full_name, gem.compiled, gem.options] for gem in self.gems]

    def inputs(self) -> list[Any]:
        own = [[gem.full_name, gem.sha256, gem.specification()] for gem in self.own]
        return [self.series, self._rows, *([own] if own else [])]

    def write(self, context: Path, stages: frozenset[str], machine: Architecture) -> None:  # noqa: ARG002  Ruby of the image runs it
        if not self.compiled or "tree" not in stages:
            return
        order = [{"file": f"{gem.spec.full_name}.gem", "options": gem.options} for gem in self.gems]
        source_folder.archive(self._members(order), context / ARCHIVE)

    def _members(self, order: list[dict[str, Any]]) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
        yield source_folder.member("order.json", json.dumps(order).encode())
        for gem in self.gems:
            yield source_folder.member(f"{gem.spec.full_name}.gem", index.fetched(gem.spec, self.index).read_bytes())

    def assemble(self, content: Tree, artifacts: Mapping[str, StageOutput], work: Path) -> Tree:  # noqa: ARG002  gems are in the cache
        return self._linked(content.with_entries([*self._entries(), *self._own_entries()]))

    def _entries(self) -> Iterator[Entry]:
        """Yield the files of gems that are not compiled, and the specifications of all."""
        root = f"ruby/gems/{self.series}"
        for gem in self.gems:
            name = gem.spec.full_name
            metadata = described(gem.spec, self.index)
            text = gemspec.text(metadata, gem.spec.version, gem.spec.platform)
            yield tree.from_data(f"{root}/specifications/{name}.gemspec", text.encode())
            if gem.compiled:
                continue
            for file in gemspec.contents(index.fetched(gem.spec, self.index), f"{name}.gem"):
                path = f"{root}/gems/{name}/{file.path}"
                if not other_abi(file.path, self.target.base):
                    yield tree.from_data(path, file.data) if file.link is None else tree.from_link(path, file.link)
            if gemspec.extensions(metadata):  # without it, Ruby considers the extension not compiled
                complete = f"{root}/extensions/{gem.spec.platform}/{self.series}/{name}/gem.build_complete"
                yield tree.from_data(complete, b"")

    def _own_entries(self) -> Iterator[Entry]:
        """Yield the files and the specifications of the gems of the project itself."""
        root = f"ruby/gems/{self.series}"
        for gem in self.own:
            specification = gem.specification().encode()
            yield tree.from_data(f"{root}/specifications/{gem.full_name}.gemspec", specification)
            for path, data in gem.contents():
                yield tree.from_data(f"{root}/gems/{gem.full_name}/{path}", data)

    def _linked(self, content: Tree) -> Tree:
        """Replace the second copy of each extension by a link. RubyGems writes one to `extensions`, one to the gem."""
        root = f"ruby/gems/{self.series}"
        there = {entry.path: entry for entry in content}
        double: list[Entry] = []
        for gem in self.compiled:
            name = gem.spec.full_name
            prefix = f"{root}/extensions/{local_platform(self.target.arch)}/{self.series}/{name}/"
            for path in gemspec.require_paths(described(gem.spec, self.index)):
                double += _doubles(there, prefix, f"{root}/gems/{name}/{path}/")
        return content.with_entries(double)


def _row(gem: ChosenGem) -> Package:
    return Package(
        name=gem.spec.name,
        version=gem.spec.version,
        ecosystem="gem",
        route="compile" if gem.compiled else "gem",
        reason=gem.reason,
        file=f"{gem.spec.full_name}.gem",
        sha256=gem.spec.sha256,
    )


def _own_row(gem: OwnGem) -> Package:
    origin = f"git, {gem.path} at {gem.revision}" if gem.revision else f"local, {gem.path}"
    return Package(
        name=gem.name,
        version=gem.version,
        ecosystem="gem",
        route="git" if gem.revision else "local",
        reason=credentials.redact(origin),
        file=gem.full_name,
        sha256=gem.sha256,
        local=None if gem.revision else gem.path,
        git=credentials.redact(gem.path) if gem.revision else None,
        commit=gem.revision,
    )


@cache
def described(spec: Spec, address: str) -> dict[str, Any]:
    """Return the metadata of a gem. Cached, since plan and build read it several times."""
    file = f"{spec.full_name}.gem"
    metadata = gemspec.metadata(index.fetched(spec, address), file)
    if metadata["name"] != spec.name:
        sender = f"the index of gems at {credentials.redact(address)}"
        raise untrusted(sender, metadata["name"], f"the name in {file}, {spec.name}")
    return metadata


def other_abi(name: str, runtime: Runtime) -> bool:
    """Return whether a library of a precompiled gem is for another Ruby than that of the runtime."""
    match = _OTHER_ABI.search(f"/{name}")
    return match is not None and match["abi"] != runtime.series.rpartition(".")[0]


def _doubles(there: Mapping[str, Entry], prefix: str, own: str) -> Iterator[Entry]:
    for path, entry in there.items():
        if not path.startswith(prefix) or not path.endswith(".so"):
            continue
        other = there.get(own + path.removeprefix(prefix))
        if other and other.link is None and other.content.read() == entry.content.read():
            up = "../" * path.removeprefix("ruby/gems/").count("/")
            yield tree.from_link(path, up + other.path.removeprefix("ruby/gems/"))


RESOLUTION = Gems
