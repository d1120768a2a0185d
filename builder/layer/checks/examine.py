"""The subject of checks: what the files of a layer tell, put together."""

from collections.abc import Mapping
from functools import partial

from builder.base import allocator
from builder.layer import derived
from builder.layer.checks import platforms, reading, remembering
from builder.layer.checks.model import Subject
from builder.layer.checks.reading import NOTHING
from builder.layer.installed import Installed
from builder.layer.linking import Linker
from builder.layer.store import Store
from builder.layer.tree import Tree
from builder.model import libraries
from builder.model.architectures import Architecture
from builder.model.runtimes import Runtime


def examine(  # noqa: PLR0913  what, where, and what is known of it
    tree: Tree,
    runtimes: tuple[Runtime, ...],
    architectures: tuple[Architecture, ...],
    *,
    packages: tuple[Installed, ...],
    own: bool,
    directories: Mapping[str, int] | None = None,
    store: Store | None = None,
) -> Subject:
    """Read every file of a tree once, and return the subject for checks; not those that `store` remembers.

    Raises BadArchiveError for a file that cannot be unpacked; a damaged ELF file is noted in the subject.
    """
    allocator.give_back()
    wanted = reading.wanted(tree, own=own)
    told = derived.of_all(wanted, remembering.FACTS, store, partial(reading.read_all, architectures=architectures))
    found = [(entry.path, one) for entry, one in zip(wanted, told, strict=True) if one != NOTHING]
    elves = {path: one.elf for path, one in found if one.elf}
    sonames = libraries.certain(runtimes, architectures)
    return Subject(
        tree=tree,
        runtimes=runtimes,
        architectures=architectures,
        packages=packages,
        own=own,
        zip_bytes=None,
        elves=elves,
        damaged={path: one.damage for path, one in found if one.damage},
        directories=directories or {},
        sonames=sonames,
        linker=Linker(elves, tree.links(), sonames),
        spare=platforms.spare(elves),
        packed={path: one.packed for path, one in found if one.packed},
        odd={path: one.odd for path, one in found if one.odd},
        tokens={path: one.token for path, one in found if one.token},
        opened={path: one.opened for path, one in found if one.opened},
        jars={path: one.jar for path, one in found if one.jar},
        store=store,
    )
