"""Packages that are folders or tarballs of a project: held as files, as `npm pack` would take them, never as links.

npm gets each as a tarball that is made here, with its hash in the lock. So local packages lie where packages of a
registry would lie, and nothing of them is executed: neither `prepare` nor `prepack`, which a build of the project runs.
"""

import base64
import hashlib
import io
import re
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Annotated, Any

from builder.base.errors import UsageError
from builder.base.frozen import dataclass
from builder.base.values import StoredFileName, StoredFolder, stored
from builder.packages import source_folder
from builder.packages.npm import packlist
from builder.packages.npm.graph import PackageNode
from builder.packages.npm.package_lock import INTEGRITY, VERSION, StoredName
from builder.packages.source_folder import SourceFile

FOLDER = "local"
"""Where npm finds the tarballs, below the folder that it installs into."""
_HOOKS = ("preinstall", "install", "postinstall")
_ENDINGS = ("", ".js", ".json", ".node", "/index.js", "/index.json", "/index.node")
"""What Node.js tries for the `main` of a package."""
_HASH = re.compile(r"(?P<name>sha512|sha384|sha256)-(?P<digest>[A-Za-z0-9+/=]+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalPackage:
    """A package of the project itself."""

    name: StoredName
    version: Annotated[str, stored(VERSION, "a valid version of a package")]
    file: StoredFileName
    """The name of its tarball for npm."""
    integrity: Annotated[str, stored(INTEGRITY, "a digest by SHA-256 or longer")]
    """Of its tarball, which the hashes and paths of its files decide."""
    folder: StoredFolder
    """Of the host: the package, or the folder that holds its tarball."""
    files: tuple[SourceFile, ...]
    """Of the package, or its tarball alone."""
    path: str = field(compare=False)
    """As the lock has it, for people."""
    packed: bool = False
    """Whether it is a tarball already."""

    @property
    def address(self) -> str:
        """What a lock says of its origin."""
        return f"file:{FOLDER}/{self.file}"

    @property
    def sha256(self) -> str:
        """The hash of its tree: of the paths and hashes of its files; of a tarball its own."""
        if self.packed:
            return self.files[0].sha256
        return source_folder.digest(self.files)

    def write(self, folder: Path) -> None:
        """Write the tarball for npm. Raises UsageError for a file that is another than was planned with."""
        path = folder / self.file
        if self.packed:
            ((_, data),) = source_folder.members(self.folder, self.files)
            path.write_bytes(data)
        else:
            source_folder.archive(_members(self.folder, self.files), path)


@dataclass(frozen=True, kw_only=True, slots=True)
class Own:
    """What a project adds to the packages of registries: packages of its own, and the settings of its registries."""

    packages: tuple[LocalPackage, ...] = ()
    project: Path | None = None
    """The folder whose settings count; None for the current one."""


NOTHING = Own()


def of_folder(folder: Path, path: str, number: int, above: Sequence[Path] = ()) -> LocalPackage:
    """Return the package in a folder, which the lock calls `path`.

    `above` are the folders of the workspace around it, from its root: their ignore files apply. Raises UsageError if
    it has no package.json, or if what it promises to load is not there.
    """
    manifest = packlist.described(folder)
    if not manifest:
        msg = f"{folder.as_posix()} has no package.json that can be read, and a package of the project must be there"
        raise UsageError(msg, hint="is the folder complete? a member of a workspace has a package.json with its name")
    paths = packlist.files(folder, manifest, above=above)
    _refuse_unbuilt(folder, manifest, paths)
    files = tuple(source_folder.hashed(folder, path) for path in paths)
    version = str(manifest.get("version") or "0.0.0")
    return LocalPackage(
        name=str(manifest.get("name") or folder.name),
        version=version if VERSION.fullmatch(version) else "0.0.0",
        file=f"{number}.tar",
        integrity=_integrity_of_tar(_members(folder, files)),
        folder=folder,
        path=path,
        files=files,
    )


def of_tarball(path: Path, node: PackageNode, number: int) -> LocalPackage:
    """Return the package in a tarball beside a project. Raises UsageError if it is not the one of the lock."""
    if not path.is_file():
        msg = f"{path.as_posix()} is not there, which the lock names for {node.name}"
        raise UsageError(msg, hint="is it in the repository? `npm pack` makes one, `npm install` locks it")
    data = path.read_bytes()
    if (named := _HASH.search(node.integrity)) and not _is(data, named["name"], named["digest"]):
        msg = f"{path.as_posix()} is not the file that the lock names for {node.name}"
        hint = "`npm install --package-lock-only` locks the file that is there"
        raise UsageError(msg, why=[f"the lock has {node.integrity}", f"the file has {_integrity(data)}"], hint=hint)
    return LocalPackage(
        name=node.name,
        version=node.version if VERSION.fullmatch(node.version) else "0.0.0",
        file=f"{number}.tgz",
        integrity=_integrity(data),
        folder=path.parent,
        path=node.resolved.removeprefix("file:"),
        files=(source_folder.hashed(path.parent, path.name),),
        packed=True,
    )


def has_script(manifest: Mapping[str, Any], paths: Sequence[str]) -> bool:
    """Return whether npm runs something when it installs a package: a hook, or node-gyp for a binding.gyp."""
    scripts = manifest.get("scripts")
    hooks = scripts if isinstance(scripts, dict) else {}
    return any(hooks.get(each) for each in _HOOKS) or ("binding.gyp" in paths and manifest.get("gypfile") is not False)


def _refuse_unbuilt(folder: Path, manifest: Mapping[str, Any], paths: Sequence[str]) -> None:
    """Raise UsageError for a `main` that is not there, as before a compiler of TypeScript ran."""
    main = manifest.get("main")
    if not isinstance(main, str) or not main.strip("./"):
        return
    base = main.removeprefix("./").rstrip("/")
    if not {f"{base}{ending}" for ending in _ENDINGS} & set(paths):
        msg = f"{folder.as_posix()} has no {base}, which its package.json names as `main`"
        scripts = manifest.get("scripts")
        build = "build" if isinstance(scripts, dict) and "build" in scripts else None
        hint = f"`npm run build --prefix {folder.as_posix()}` makes it" if build else "build the package first"
        why = ["the scripts of local packages are not run, as they would run on this host"]
        if (link := folder / base).is_symlink():
            why = [f"{base} is a link to {link.readlink().as_posix()}, and npm packs no links"]
        raise UsageError(msg, why=why, hint=f"{hint}; then build the layer again")


def _members(folder: Path, files: Iterable[SourceFile]) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    return source_folder.members(folder, files, "package/")


class _HashedStream(io.BytesIO):
    """A stream of which only the SHA-512 is kept."""

    def __init__(self) -> None:
        super().__init__()
        self._digest, self._written = hashlib.sha512(), 0

    def write(self, data: Any) -> int:  # noqa: ANN401  a buffer
        self._digest.update(data)
        self._written += len(data)
        return len(data)

    def tell(self) -> int:
        return self._written

    def integrity(self) -> str:
        return f"sha512-{base64.b64encode(self._digest.digest()).decode()}"


def _integrity_of_tar(content: Iterable[tuple[tarfile.TarInfo, bytes]]) -> str:
    """Return the digest of a tar, of which one file at a time is in memory."""
    stream = _HashedStream()
    source_folder.archive(content, stream)
    return stream.integrity()


def _integrity(data: bytes) -> str:
    return f"sha512-{base64.b64encode(hashlib.sha512(data).digest()).decode()}"


def _is(data: bytes, name: str, digest: str) -> bool:
    return base64.b64encode(hashlib.new(name, data).digest()).decode() == digest
