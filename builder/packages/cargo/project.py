"""A project beside a recipe: the files that go into the build, and what its Cargo.toml asks for."""

import fnmatch
import os
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from builder.base import texts
from builder.base.errors import UsageError
from builder.base.frozen import dataclass
from builder.model.recipes import Loaded
from builder.packages import source_folder
from builder.packages.cargo.cargo_lock import NAME, VERSION, Crate
from builder.packages.cargo.requirement import satisfied
from builder.packages.ecosystem import unindexed
from builder.packages.source_folder import SourceFile

MANIFEST = "Cargo.toml"
_LEFT_OUT = frozenset({".cargo", ".git", "rust-toolchain", "rust-toolchain.toml"})
"""Wherever they lie: they name programs, and flags that the host's cargo would follow."""
_OUTPUT = "target"
_KINDS = ("dependencies", "build-dependencies", "dev-dependencies")

Values = Mapping[str, object]


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """One dependency of a Cargo.toml."""

    where: str
    """For example `Cargo.toml: dependencies.serde`."""
    name: str
    """Of the crate, which may be imported by another name."""
    values: Values
    """Its table, with `version` for a plain text."""
    folder: str
    """Of its Cargo.toml, relative to the project's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Project:
    """A folder with a Cargo.toml."""

    folder: Path
    name: str
    version: str
    files: tuple[SourceFile, ...]
    dependencies: tuple[Asked, ...]

    def unfit(self, crates: tuple[Crate, ...]) -> list[str]:
        """Return what the project asks for that a lock does not give."""
        return sorted({text for asked in self.dependencies if (text := _missing(asked, crates))})


def load(loaded: Loaded, path: str) -> Project:
    """Read a project. Raises UsageError for a folder that is none, and for what no registry offers, all together."""
    folder = loaded.file(path)
    if not folder.resolve().is_relative_to(loaded.file("").resolve()):
        msg = f"`{path}` of {loaded.name} leads out of its folder, to {folder.resolve().as_posix()}"
        raise UsageError(msg, hint="copy the project beside the recipe")
    if not (folder / MANIFEST).is_file():
        msg = f"there is no {MANIFEST} in `{path}` of {loaded.name}"
        raise UsageError(msg, hint="`path` names the folder of a package of cargo, relative to the recipe")
    listed = _files(folder)
    manifests = dict(_manifests(folder, [file.path for file in listed]))
    dependencies = tuple(asked for where, table in manifests.items() for asked in _asked(where, table))
    if wrong := [text for asked in dependencies if (text := _refused(asked))]:
        way = "put them into the folder and name them with `path`, or publish them to the registry"
        raise unindexed(packages="Crates", why=[f"{folder.as_posix()}/{text}" for text in wrong], way=way)
    name, version = _package(folder, manifests[MANIFEST])
    return Project(
        folder=folder,
        name=name,
        version=version,
        files=listed,
        dependencies=dependencies,
    )


# ---- files ---------------------------------------------------------------------------------------------------------


def _files(folder: Path) -> tuple[SourceFile, ...]:
    found = source_folder.listed(folder, _left_out)
    outside = [f"{file.path} points to {file.link}" for file in found if file.link and not _stays(file, folder)]
    if outside:
        msg = f"symbolic links lead out of {folder.as_posix()}, or to nothing"
        raise UsageError(msg, why=outside, hint="only the folder itself goes into the build image; copy their files")
    return tuple(found)


def _stays(file: SourceFile, folder: Path) -> bool:
    try:
        return (folder / file.path).resolve(strict=True).is_relative_to(folder.resolve())
    except (OSError, RuntimeError):  # it leads to itself, or to nothing
        return False


def _left_out(path: str, is_folder: bool) -> bool:  # noqa: FBT001  as `source_folder.listed` asks
    return path.rpartition("/")[2] in _LEFT_OUT or (path == _OUTPUT and is_folder)


# ---- what Cargo.toml asks for --------------------------------------------------------------------------------------


def _manifests(folder: Path, names: list[str]) -> Iterator[tuple[str, Values]]:
    """Yield Cargo.toml and those of the workspace's members, by relative path."""
    first = _read(folder / MANIFEST)
    yield MANIFEST, first
    members = _table(first.get("workspace")).get("members")
    patterns = [f"{str(member).strip('/')}/{MANIFEST}" for member in (members if isinstance(members, list) else ())]
    for name in names:
        if name != MANIFEST and any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns):
            yield name, _read(folder / name)


def _package(folder: Path, manifest: Values) -> tuple[str, str]:
    """Return the name and the version of a project's package; the version may come from its workspace."""
    package, workspace = _table(manifest.get("package")), _table(manifest.get("workspace"))
    name, version = package.get("name"), package.get("version", "0.0.0")
    if isinstance(version, dict):
        version = _table(workspace.get("package")).get("version")
    if not (isinstance(name, str) and NAME.fullmatch(name) and isinstance(version, str) and VERSION.fullmatch(version)):
        msg = f"{(folder / MANIFEST).as_posix()} has no [package] with a valid name and version"
        raise UsageError(msg, hint="of a workspace, `path` names a folder with a package of its own and a Cargo.lock")
    return name, version


def _read(path: Path) -> Values:
    try:
        return texts.parse_toml(texts.read(path))
    except texts.MalformedError as error:
        msg = f"{path.as_posix()} is not a valid {MANIFEST}"
        raise UsageError(msg, why=[str(error)]) from None


def _table(value: object) -> Values:
    return value if isinstance(value, dict) else {}


def _asked(where: str, table: Values) -> Iterator[Asked]:
    for kind, dependencies in _tables(table):
        for name, value in dependencies.items():
            values = {"version": value} if isinstance(value, str) else _table(value)
            yield Asked(
                where=f"{where}: {kind}.{name}",
                name=str(values.get("package", name)),
                values=values,
                folder=PurePosixPath(where).parent.as_posix(),
            )


def _tables(table: Values) -> Iterator[tuple[str, Values]]:
    """Yield every table of dependencies with its path in a Cargo.toml."""
    yield from ((kind, _table(table.get(kind))) for kind in _KINDS)
    for platform, inner in _table(table.get("target")).items():
        yield from ((f"target.{platform}.{kind}", _table(_table(inner).get(kind))) for kind in _KINDS)
    yield "workspace.dependencies", _table(_table(table.get("workspace")).get("dependencies"))
    yield "replace", _table(table.get("replace"))
    yield from ((f"patch.{registry}", _table(inner)) for registry, inner in _table(table.get("patch")).items())


def _refused(asked: Asked) -> str | None:
    """Return why a dependency is neither of the registry nor in the folder, or None."""
    for key in ("git", "registry", "registry-index"):
        if key in asked.values:
            return f"{asked.where}: comes from {asked.values[key]}"
    path = asked.values.get("path")
    if path is not None and _leaves(asked.folder, str(path)):
        return f"{asked.where}: is in {path}, outside of the folder"
    return None


def _leaves(folder: str, path: str) -> bool:
    joined = os.path.normpath(f"{folder}/{path}").replace("\\", "/")
    return path.startswith(("/", "\\")) or ":" in path or joined == ".." or joined.startswith("../")


def _missing(asked: Asked, crates: tuple[Crate, ...]) -> str | None:
    """Return what a lock lacks of a dependency. A workspace's own table may hold some that no member uses."""
    requirement = asked.values.get("version")
    optional = asked.where.partition(": ")[2].startswith(("workspace.", "patch.", "replace."))
    if not isinstance(requirement, str) or "path" in asked.values or optional:
        return None
    versions = [crate.version for crate in crates if crate.name == asked.name]
    if any(satisfied(requirement, version) for version in versions):
        return None
    has = f"has {', '.join(versions)}" if versions else "does not have"
    return f"{asked.where}: asks for {asked.name} {requirement}, the lock {has}" + (" it" if not versions else "")
