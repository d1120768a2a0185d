"""The settings of pnpm that decide on versions, in pnpm-workspace.yaml and package.json, and the copy in its lock.

pnpm writes them into pnpm-lock.yaml, and refuses a lock that has others, as is done here.
"""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from builder.base import texts
from builder.base.rules import Field
from builder.packages.npm import packlist
from builder.packages.npm import project as projects
from builder.packages.npm.locks import pnpmfile, yaml_text
from builder.packages.npm.locks.yaml_text import Table
from builder.packages.npm.project import NodeProject

LOCK, WORKSPACE = "pnpm-lock.yaml", "pnpm-workspace.yaml"
_OVERRIDES, _EXTENSIONS, _PATCHES = "overrides", "packageExtensions", "patchedDependencies"
_IGNORED = "ignoredOptionalDependencies"
_CATALOG = "catalog:"
_DEFAULT = "default"
_UNHASHED = "6."
"""How the version of the locks begins that pnpm 8 writes, without a hash of the pnpmfile."""


@dataclass(frozen=True, kw_only=True)
class CatalogEntry:
    """What a catalog asked for when it was locked."""

    specifier: str = ""


@dataclass(frozen=True, kw_only=True)
class LockedSettings:
    """The settings that a lock was made with."""

    version: Annotated[str, Field(alias="lockfileVersion")] = ""
    overrides: Table[str] = field(default_factory=dict)
    catalogs: Table[Table[CatalogEntry]] = field(default_factory=dict)
    extensions: Annotated[str, Field(alias="packageExtensionsChecksum")] = ""
    ignored: Annotated[tuple[str, ...], Field(alias=_IGNORED)] = ()
    patched: Annotated[Table[Any], Field(alias=_PATCHES)] = field(default_factory=dict)
    pnpmfile: Annotated[str, Field(alias="pnpmfileChecksum")] = ""


@dataclass(frozen=True, kw_only=True)
class _PnpmWorkspace:
    packages: tuple[str, ...] = ()
    overrides: Table[str] = field(default_factory=dict)
    catalog: Table[str] = field(default_factory=dict)
    catalogs: Table[Table[str]] = field(default_factory=dict)
    extensions: Annotated[Table[Any], Field(alias=_EXTENSIONS)] = field(default_factory=dict)
    ignored: Annotated[tuple[str, ...], Field(alias=_IGNORED)] = ()
    patched: Annotated[Table[Any], Field(alias=_PATCHES)] = field(default_factory=dict)
    pnpmfile: str | tuple[str, ...] = ()
    ignores_pnpmfile: Annotated[str, Field(alias="ignorePnpmfile")] = ""


def _workspace(root: Path) -> _PnpmWorkspace:
    path = root / WORKSPACE
    if not path.is_file():
        return _PnpmWorkspace()
    return yaml_text.read(_PnpmWorkspace, texts.read(path), path.as_posix(), WORKSPACE)


def members(root: Path) -> list[str]:
    """Return the folders that pnpm-workspace.yaml matches, relative to its own."""
    return projects.matched(root, list(_workspace(root).packages))


def replaced(root: Path) -> frozenset[str]:
    """Return the names of the packages for which pnpm-workspace.yaml chooses other versions than are asked for."""
    return frozenset(projects.selected(key) for key in _workspace(root).overrides)


def unfit(project: NodeProject, lock: LockedSettings) -> Iterator[str]:
    """Yield the settings that are others than those that a lock was made with."""
    settings = _Settings(project.root)
    if lock.overrides not in settings.overrides():
        yield _told(_OVERRIDES, settings.overrides()[0], lock.overrides)
    for name, entries in lock.catalogs.items():
        for alias, entry in entries.items():
            if settings.catalogs.get(name, {}).get(alias) != entry.specifier:
                now = settings.catalogs.get(name, {}).get(alias)
                yield f"{alias}: the catalog {name} of {WORKSPACE} has {now}, the lock is for {entry.specifier}"
    extensions = settings.extensions()
    if not any(lock.extensions in (_checksums(each) if each else {""}) for each in extensions):
        yield f"`{_EXTENSIONS}` is another than that of the lock: {', '.join(extensions[0]) or 'none'}"
    if set(lock.ignored) not in [set(each) for each in settings.ignored()]:
        yield _told(_IGNORED, sorted(settings.ignored()[0]), sorted(lock.ignored))
    for name in sorted(settings.patched() - lock.patched.keys()):
        yield f"{name}: `{_PATCHES}` has a patch of it, the lock has none"
    yield from settings.pnpmfile(lock)


def _told(key: str, now: object, then: object) -> str:
    return f"`{key}` is {json.dumps(now)}, the lock is for {json.dumps(then)}"


class _Settings:
    """What the root of a project says, in both of the files that may say it.

    Versions of pnpm differ in which of both counts where both do, so that a lock may be made by either or by both.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._workspace = _workspace(root)
        self._manifest = packlist.described(root)
        pnpm = self._manifest.get("pnpm")
        self._pnpm: Mapping[str, Any] = pnpm if isinstance(pnpm, dict) else {}
        self.catalogs = {**self._workspace.catalogs}
        if self._workspace.catalog:
            self.catalogs[_DEFAULT] = self._workspace.catalog

    def overrides(self) -> list[dict[str, str]]:
        own = {**_table(self._manifest.get("resolutions")), **_table(self._pnpm.get(_OVERRIDES))}
        return [
            {key: self._value(key, str(value)) for key, value in each.items()}
            for each in _either(self._workspace.overrides, own)
        ]

    def extensions(self) -> list[dict[str, Any]]:
        return _either(self._workspace.extensions, _table(self._pnpm.get(_EXTENSIONS)))

    def ignored(self) -> list[tuple[str, ...]]:
        listed = self._pnpm.get(_IGNORED)
        own = tuple(map(str, listed)) if isinstance(listed, list) else ()
        return [self._workspace.ignored, own] if self._workspace.ignored and own else [self._workspace.ignored or own]

    def patched(self) -> set[str]:
        return {*self._workspace.patched, *_table(self._pnpm.get(_PATCHES))}

    def pnpmfile(self, lock: LockedSettings) -> Iterator[str]:
        named = self._workspace.pnpmfile
        files = (named,) if isinstance(named, str) else named
        ignored = self._workspace.ignores_pnpmfile == "true"
        hashed = not lock.version.startswith(_UNHASHED)
        return pnpmfile.unfit(self._root, lock.pnpmfile, files, ignored=ignored, hashed=hashed)

    def _value(self, key: str, value: str) -> str:
        """Return what an override asks for: `$name` is what package.json asks for, `catalog:` what a catalog does."""
        if value.startswith("$"):
            asked = {**_table(self._manifest.get("devDependencies")), **projects.production(self._manifest)}
            return str(asked.get(value[1:], value))
        if value.startswith(_CATALOG):
            catalog = self.catalogs.get(value.removeprefix(_CATALOG) or _DEFAULT, {})
            return catalog.get(projects.selected(key), value)
        return value


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _either(workspace: Mapping[str, Any], manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what two files may say together; first what both do."""
    if workspace and manifest:
        return [{**manifest, **workspace}, {**workspace, **manifest}, dict(workspace), dict(manifest)]
    return [dict(workspace or manifest)]


def _checksums(extensions: Mapping[str, Any]) -> set[str]:
    """Return the hashes that pnpm 8 and 9, and those that newer ones make of a table."""
    plain = _plain(extensions)
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    newer = base64.b64encode(hashlib.sha256(_hashed(plain).encode()).digest()).decode()
    return {hashlib.md5(text.encode(), usedforsecurity=False).hexdigest(), f"sha256-{newer}"}


def _plain(value: Any) -> Any:  # noqa: ANN401
    """Return a value with its booleans, which are texts in YAML as it is read here."""
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


def _hashed(value: Any) -> str:  # noqa: ANN401
    """Return the text that object-hash, a package of Node.js, makes of a value."""
    if isinstance(value, dict):
        rows = "".join(f"{_hashed(key)}:{_hashed(value[key])}," for key in sorted(value))
        return f"object:{len(value)}:{rows}"
    if isinstance(value, bool):
        return f"bool:{str(value).lower()}"
    text = str(value)
    return f"string:{len(text)}:{text}"
