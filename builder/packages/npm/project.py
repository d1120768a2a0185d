"""A folder with a package.json, the lock that decides on its packages, and the workspace around it."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from builder.base import contained
from builder.base.errors import UsageError
from builder.base.frozen import dataclass
from builder.packages.npm import packlist

MANIFEST = "package.json"
_PARENT = re.compile(r"(?<=[^ |@])>(?!=)")
"""What separates a package from the one that it belongs to, in rules of pnpm; ranges have the sign as well."""
_RANGE, _RANGE_OF_PARENT = re.compile("(?<=[^/])@"), re.compile("(?<=[^/])@[^/]*(?=/)")


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeProject:
    """A folder with a package.json, and its lock."""

    manifest: Path
    lock: Path
    repository: Path
    """No local package is outside of it."""
    itself: bool = False
    """Whether the project is a package of the layer, as well as what it needs."""

    @property
    def root(self) -> Path:
        """The folder of the lock, which is that of the workspace if there is one."""
        return self.lock.parent

    @property
    def member(self) -> str:
        """The path of the folder in the workspace of the lock; empty for its root."""
        relative = self.manifest.parent.resolve().relative_to(self.root.resolve()).as_posix()
        return "" if relative == "." else relative

    @property
    def where(self) -> str:
        """The lock, in messages."""
        return self.lock.as_posix()

    def described(self, folder: str) -> Mapping[str, Any]:
        """Return the package.json of a folder of the workspace; an empty one if there is none."""
        return packlist.described(self.root / folder)

    def stale(self, why: list[str], command: str) -> UsageError:
        """Return the error for a lock that was made for other packages than those of its package.json."""
        msg = f"{self.where} does not fit its {MANIFEST}"
        return UsageError(msg, why=why, hint=f"`{command}` in {self.root.as_posix()} brings it up to date")


def production(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Return what a package.json asks for, without what the package is developed with."""
    return _tables(manifest, "dependencies", "optionalDependencies")


def optional(manifest: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of the packages that a package.json can do without."""
    return frozenset(_tables(manifest, "optionalDependencies"))


def development(manifest: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of the packages that a package is developed with, and of those that it wants beside it."""
    return frozenset(_tables(manifest, "devDependencies", "peerDependencies"))


def peers(manifest: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of the packages that a package.json wants beside it."""
    return frozenset(_tables(manifest, "peerDependencies"))


def replaced(manifest: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of the packages for which the package.json of a project chooses versions by rules."""
    pnpm = manifest.get("pnpm")
    tables = [manifest.get("overrides"), manifest.get("resolutions")]
    tables.append(pnpm.get("overrides") if isinstance(pnpm, dict) else None)
    return frozenset(name for table in tables for name in _selected(table))


def _selected(table: object) -> Iterator[str]:
    """Yield the names that rules are for: `name`, `name@range`, `parent>name`, `parent/name`, and rules in tables."""
    for key, value in table.items() if isinstance(table, dict) else ():
        yield selected(str(key))
        yield from _selected(value)


def selected(key: str) -> str:
    """Return the name of the package that a rule is for."""
    last = _PARENT.split(key)[-1]
    path = _RANGE.split(_RANGE_OF_PARENT.sub("", last))[0].split("/")
    return "/".join(path[-2:] if path[-2:-1] and path[-2].startswith("@") else path[-1:])


def _tables(manifest: Mapping[str, Any], *kinds: str) -> dict[str, str]:
    tables = (manifest.get(kind) for kind in kinds)
    return {str(name): str(spec) for table in tables if isinstance(table, dict) for name, spec in table.items()}


def members(root: Path) -> list[str]:
    """Return the folders of the members that the `workspaces` of a package.json match, relative to its folder."""
    listed = packlist.described(root).get("workspaces")
    if isinstance(listed, dict):  # Yarn's other form, with `nohoist`
        listed = listed.get("packages")
    return matched(root, [str(each) for each in listed] if isinstance(listed, list) else [])


def matched(root: Path, patterns: list[str]) -> list[str]:
    """Return the folders with a package.json that patterns match, where `!` before one takes folders back."""
    taken: set[Path] = set()
    for each in patterns:
        pattern = each.removeprefix("!").removeprefix("./").rstrip("/")
        found = {path.parent for path in contained.matching(root, f"{pattern}/{MANIFEST}")}
        taken = taken - found if each.startswith("!") else taken | found
    folders = (each.relative_to(root) for each in taken)
    return sorted(each.as_posix() for each in folders if "node_modules" not in each.parts and each.parts)
