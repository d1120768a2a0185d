"""Workspaces: a folder whose package.json or pnpm-workspace.yaml names other folders, which are its members.

Their names are the workspace's own. A registry may have a package of the same name, which is somebody else's.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from builder.base import contained, texts
from builder.base.errors import UsageError
from builder.base.frozen import dataclass
from builder.packages.npm import package_lock, packlist, project
from builder.packages.npm.graph import named
from builder.packages.npm.locks import npm_lock, pnpm_lock, pnpm_settings, yarn_berry, yarn_classic
from builder.packages.projects import ProjectRequest

_ALIAS = "npm:"


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeWorkspace:
    """The folder of a workspace, and its members."""

    root: Path
    members: Mapping[str, str]
    """The folders of the packages, relative to the root, by the names in their package.json; the root is one."""

    def refuse(self, where: str, asked: Iterable[str]) -> None:
        """Raise UsageError if one of the packages that a registry would be asked for has the name of a member."""
        if own := sorted(set(asked) & self.members.keys()):
            folders = [f"{name} is the folder {self.members[name] or '.'} of {self.root.as_posix()}" for name in own]
            msg = f"{where} needs members of its workspace, and there is no lock that says what these need"
            why = [*folders, "a package of that name in a registry is another one"]
            raise UsageError(msg, why=why, hint=writes(self.root))


def command(root: Path) -> str:
    """Return what writes the lock of a folder: the command of the tool that its package.json names, or else npm's."""
    tool, _, version = str(packlist.described(root).get("packageManager") or "").partition("@")
    if tool == "pnpm" or (not tool and (root / pnpm_settings.WORKSPACE).is_file()):
        return pnpm_lock.LOCKS
    if tool == "yarn":
        return yarn_classic.LOCKS if version.startswith("1.") else yarn_berry.LOCKS
    return npm_lock.LOCKS


def writes(root: Path) -> str:
    """Return the hint that leads to a lock of a folder."""
    return f"`{command(root)}` in {root.as_posix()} writes one"


def members(root: Path) -> Iterator[str]:
    """Yield the folders of the members that a folder names, relative to it."""
    yield from project.members(root)
    yield from pnpm_settings.members(root)


def above(request: ProjectRequest) -> Iterator[Path]:
    """Yield the folders above a project up to the root of the repository, the nearest first."""
    inside = request.folder.resolve()
    end = request.root or contained.repository(inside)
    for folder in inside.parents if inside != end else ():
        yield folder
        if folder == end:
            break


def around(request: ProjectRequest) -> NodeWorkspace | None:
    """Return the workspace that a project is the root or a member of; None if it is in none."""
    inside = request.folder.resolve()
    for root in (inside, *above(request)):
        folders = ["", *members(root)]
        if len(folders) > 1 and inside.relative_to(root).as_posix() in (".", *folders):
            return NodeWorkspace(root=root, members={_name(root, folder): folder for folder in reversed(folders)})
    return None


def _name(root: Path, folder: str) -> str:
    path = root / folder
    return str(packlist.described(path).get("name") or path.name)


def asked(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Yield the packages that a package.json asks for, by the names that they have in a registry."""
    for name, spec in project.production(manifest).items():
        yield named(spec.removeprefix(_ALIAS))[0] if spec.startswith(_ALIAS) else name


def locked(lock: str) -> Iterator[str]:
    """Yield the packages of a lock of npm, by the names that they have in a registry."""
    for path, row in texts.parse_object(lock).get("packages", {}).items():
        if path:
            yield package_lock.name_of(path, row)
