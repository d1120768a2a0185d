"""The packages of a project and what each of them needs, whichever tool's lock says so.

A lock of npm describes folders, those of pnpm and Yarn describe packages. All are read as this graph, and `layout.py`
makes folders of it that Node.js resolves by its own rules.
"""

from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from typing import Any

from builder.base.errors import UsageError
from builder.base.frozen import dataclass
from builder.model.architectures import Architecture

PLATFORM = ("os", "cpu", "libc")
"""Keys of package.json with lists of platforms."""
_TARBALLS = (".tgz", ".tar.gz", ".tar")


@dataclass(frozen=True, kw_only=True, slots=True)
class Need:
    """One package that another needs, under the name by which it asks for it."""

    to: str
    """The key of a node."""
    optional: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class PackageNode:
    """One package of a graph."""

    key: str
    """Unique in its graph; what it says is the lock's own."""
    name: str
    """As it is published, which an alias differs from."""
    version: str
    integrity: str = ""
    """Empty for a package that is a folder, and where the lock has no digest of the registry's file."""
    resolved: str = ""
    """The address of its tarball, or the path of a tarball; empty where the registry tells it."""
    folder: str = ""
    """Relative to the lock's folder, for a package that is a folder of the project."""
    needs: Mapping[str, Need] = field(default_factory=dict)
    platform: Mapping[str, Any] = field(default_factory=dict)
    """`os`, `cpu` and `libc`, as in package.json."""
    scripted: bool = False
    bundled: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Rows of the packages inside of its tarball, by their paths below its folder."""

    @property
    def tarball(self) -> str | None:
        """The path of its tarball beside the project; None for others."""
        is_packed = not self.folder and self.resolved.startswith("file:")
        return self.resolved.removeprefix("file:") if is_packed else None

    @property
    def is_local(self) -> bool:
        """Whether it is a folder or a tarball of the project, and no registry's."""
        return bool(self.folder) or self.tarball is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class Graph:
    """All packages of a lock. `needs` are those of the project itself, without what it is developed with."""

    needs: Mapping[str, Need]
    nodes: Mapping[str, PackageNode]
    asked: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """What the package.json of each folder asked for when it was locked; the folders are relative to the lock's."""
    complete: bool = True
    """Whether the lock tells install scripts, platforms and digests; else the registry is asked for them."""

    def on(self, arch: Architecture) -> "Graph":
        """Return the graph for Linux with glibc: optional packages for other platforms are left out."""
        fitting = {key for key, node in self.nodes.items() if fits(node.platform, arch)}

        def kept(needs: Mapping[str, Need]) -> dict[str, Need]:
            return {name: need for name, need in needs.items() if need.to in fitting or not need.optional}

        return replace(
            self,
            needs=kept(self.needs),
            nodes={key: replace(node, needs=kept(node.needs)) for key, node in self.nodes.items()},
        )

    def reached(self) -> Iterator[PackageNode]:
        """Yield the nodes that the project needs, each once."""
        seen: set[str] = set()
        queue = [need.to for need in self.needs.values()]
        while queue:
            key = queue.pop()
            if key not in seen:
                seen.add(key)
                yield self.nodes[key]
                queue += [need.to for need in self.nodes[key].needs.values()]


def is_tarball(path: str) -> bool:
    """Tell whether the path of a local package is that of a tarball, and not of a folder."""
    return path.endswith(_TARBALLS)


def named(text: str) -> tuple[str, str]:
    """Return the name of a package, which may have a scope, and what stands behind the `@` after it."""
    name, _, rest = text[1:].partition("@")
    return text[:1] + name, rest


def fits(row: Mapping[str, Any], arch: Architecture) -> bool:
    """Return whether a package can be installed on Linux with glibc on an architecture."""
    here = ("linux", arch.npm, "glibc")
    return all(_allows(row.get(key), value) for key, value in zip(PLATFORM, here, strict=True))


def _allows(listed: Any, value: str) -> bool:  # noqa: ANN401
    """Return whether npm's list allows a value. It has allowed names, or denied ones with `!`."""
    if not listed or listed == ["any"]:
        return True
    denied = [name[1:] for name in listed if name.startswith("!")]
    return value not in denied if denied else value in listed


def refuse_cycles(graph: Graph, where: str) -> None:
    """Raise UsageError for folders of the project that need each other in a circle."""
    done: set[str] = set()

    def visit(key: str, above: tuple[str, ...]) -> None:
        if key in above:
            circle = [*above[above.index(key) :], key]
            msg = f"{where}: local packages need each other in a circle"
            raise UsageError(
                msg,
                why=[" -> ".join(graph.nodes[each].name for each in circle)],
                hint="move what both need into a third package",
            )
        if key in done:
            return
        for need in graph.nodes[key].needs.values():
            if graph.nodes[need.to].folder:
                visit(need.to, (*above, key))
        done.add(key)

    for need in graph.needs.values():
        if graph.nodes[need.to].folder:
            visit(need.to, ())
