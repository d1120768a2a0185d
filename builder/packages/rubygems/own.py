"""Gems of a project itself: a folder of its repository, or a repository of git at the commit of the lock.

Their gemspec is Ruby code, which is never executed. Name, version and dependencies are those of the lock; the files are
those of the folder, without what no released gem has; a gem that must be compiled is refused.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import field
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from builder.base import archives, contained
from builder.base.errors import UsageError
from builder.base.files import sha256_of
from builder.base.frozen import dataclass
from builder.base.values import RelativePath, StoredFolder, stored
from builder.model.limits import UNZIPPED_LIMIT
from builder.model.steps.gem_version import NAME, VERSION, Requirement
from builder.packages import source_folder, sources
from builder.packages.rubygems import gemspec
from builder.packages.rubygems.gemfile_lock import REVISION, OwnSpec
from builder.packages.source_folder import SourceFile

_LEFT_OUT = frozenset({"spec", "test", "tests", "features", "tmp", "log", "pkg", "coverage", "vendor", "node_modules"})
_ADDRESS = re.compile(r"(?:https?|ssh|git)://[^\s-]\S*|\w[\w.-]*@\w[\w.-]*:\S+")
_PATHS = re.compile(r"\.require_paths?\s*=\s*(?P<value>.+)")
_LITERALS = re.compile(r"""\[?\s*(?:["'][\w./-]+["']\s*,?\s*)+\]?|%w\[[\w./\s-]+\]""")
_EXTENSION = re.compile(r"^(?!\s*#).*(?:\.extensions\b(?!\s*=\s*\[\s*\])|:extensions=)", re.MULTILINE)
"""Whatever else a gemspec does with its extensions than to have none: which it has only Ruby could tell."""
_LICENSE = re.compile(r"""\.licenses?\s*=\s*\[?\s*["'](?P<license>[\w.+() -]+)["']""")


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnGem:
    """A gem of the project itself, as it is in a layer."""

    name: Annotated[str, stored(re.compile(NAME), "a valid name of a gem")]
    version: Annotated[str, stored(VERSION, "a valid version of a gem")]
    needs: tuple[tuple[str, str], ...]
    require_paths: tuple[str, ...]
    license: str
    files: tuple[SourceFile, ...]
    path: str = field(compare=False)
    """The folder or the address, for people."""
    folder: StoredFolder | None = field(default=None, compare=False)
    """Of the host; None for a repository of git."""
    revision: Annotated[str, stored(REVISION, "a commit")] | None = None
    below: str = ""
    """The folder of the gem in its repository of git."""

    @property
    def full_name(self) -> str:
        return f"{self.name}-{self.version}"

    @property
    def sha256(self) -> str:
        """The hash of its tree: of the paths and hashes of its files."""
        return source_folder.digest(self.files)

    def specification(self) -> str:
        """Return what RubyGems reads of the gem."""
        needs = [{"name": name, "requirement": _conditions(text), "type": ":runtime"} for name, text in self.needs]
        about: dict[str, Any] = {
            "name": self.name,
            "require_paths": list(self.require_paths),
            "summary": self.name,
            "licenses": [self.license] if self.license else [],
            "dependencies": needs,
        }
        return gemspec.text(about, self.version, "ruby")

    def contents(self) -> Iterator[tuple[str, bytes]]:
        """Yield its files. Raises UsageError for one that is another than was planned with."""
        if self.folder is None:
            wanted = {file.path for file in self.files}
            found = _below(self.below, _of_commit(self.path, self.revision or ""))
            yield from ((path, data) for path, data in found if path in wanted)
            return
        for info, data in source_folder.members(self.folder, self.files):
            yield info.name, data


def _conditions(text: str) -> dict[str, Any]:
    return {"requirements": [[sign, {"version": version.text}] for sign, version in Requirement(text).parts()]}


def of(spec: OwnSpec, root: Path, repository: Path | None) -> OwnGem:
    """Return a gem of the project. `root` is the folder of the lock, `repository` what no folder is outside of.

    Raises UsageError for a folder that is not there or outside, and for a gem that must be compiled.
    """
    return _of_git(spec) if spec.revision else _of_folder(spec, root, repository)


def _of_folder(spec: OwnSpec, root: Path, repository: Path | None) -> OwnGem:
    folder = (root / spec.remote).resolve()
    where = f"{spec.name} is the folder {spec.remote}"
    if not folder.is_relative_to((repository or root).resolve()):
        msg = f"{where}, outside of {(repository or root).as_posix()}"
        raise UsageError(msg, hint="`gem build` makes a gem of it, which an index of your own can offer (`gem push`)")
    if not folder.is_dir():
        msg = f"{where}, which is not there"
        raise UsageError(msg, hint="is the checkout complete? `bundle lock` locks what is there")
    found = sorted(folder.glob(f"{spec.name}.gemspec")) or sorted(folder.glob(f"*/{spec.name}.gemspec"))
    if not found:
        msg = f"{where}, which has no {spec.name}.gemspec"
        raise UsageError(msg, hint="`bundle lock` locks what is there")
    described = contained.within(repository or root, found[0])
    folder, text = described.parent, described.read_text(encoding="utf-8", errors="replace")
    files = source_folder.listed(folder, _is_left_out)
    return _made(spec, text, tuple(file for file in files if file.link is None), folder=folder)


def _of_git(spec: OwnSpec) -> OwnGem:
    if not _ADDRESS.fullmatch(spec.remote):
        msg = f"{spec.name} comes from {spec.remote}, which is no address of a repository"
        raise UsageError(msg, hint="https://, ssh:// and git@host:path are taken")
    found = dict(_of_commit(spec.remote, spec.revision or ""))
    named = sorted((path for path in found if PurePosixPath(path).name == f"{spec.name}.gemspec"), key=len)
    if not named:
        msg = f"{spec.remote} has no {spec.name}.gemspec at {spec.revision}"
        raise UsageError(msg, hint="`bundle lock` locks what is there")
    below = named[0].rpartition("/")[0]
    files = tuple(
        SourceFile(path=path, sha256=sha256_of(data))
        for path, data in sorted(_below(below, found.items()))
        if not _is_hidden(path)
    )
    return _made(spec, found[named[0]].decode(errors="replace"), files, below=below)


def _is_left_out(path: str, is_folder: bool) -> bool:  # noqa: FBT001  as `source_folder.listed` asks
    name = path.rpartition("/")[2]
    return name.startswith(".") or (is_folder and path in _LEFT_OUT) or path.endswith((".gem", "Gemfile.lock"))


def _is_hidden(path: str) -> bool:
    parts = path.split("/")
    folders = ("/".join(parts[:count]) for count in range(1, len(parts)))
    return any(_is_left_out(each, True) for each in folders) or _is_left_out(path, False)  # noqa: FBT003


def _below(folder: str, content: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    """Yield the files below a folder by their paths in it; all for an empty name."""
    start = f"{folder}/" if folder else ""
    yield from ((path.removeprefix(start), data) for path, data in content if path.startswith(start))


def _of_commit(address: str, revision: str) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a commit."""
    start = "source/"
    left = UNZIPPED_LIMIT
    with sources.commit(address, revision, settings=False).open("rb") as stream, archives.tar(stream) as archive:
        for member in archives.files(archive):
            if member.name.startswith(start):
                data = archives.read(archive.extractfile(member), left, "its content")
                left -= len(data)
                yield RelativePath.parse(member.name.removeprefix(start), address), data


def _made(
    spec: OwnSpec, text: str, files: tuple[SourceFile, ...], *, folder: Path | None = None, below: str = ""
) -> OwnGem:
    if _EXTENSION.search(text):
        msg = f"{spec.name} has an extension that must be compiled, and is no gem of an index ({spec.remote})"
        hint = "`gem build` makes a gem of it; `gem push` offers it on an index of your own, and then it is compiled"
        raise UsageError(msg, hint=hint)
    licensed = _LICENSE.search(text)
    return OwnGem(
        name=spec.name,
        version=spec.version,
        needs=spec.needs,
        require_paths=_require_paths(text, spec),
        license=licensed["license"] if licensed else "",
        files=files,
        path=spec.remote,
        folder=folder,
        revision=spec.revision,
        below=below,
    )


def _require_paths(text: str, spec: OwnSpec) -> tuple[str, ...]:
    """Return the folders that Ruby loads of a gem, if its gemspec names them plainly. Default: `lib`."""
    found = _PATHS.search(text)
    if found is None:
        return ("lib",)
    value = found["value"].partition(" #")[0].strip()
    if not _LITERALS.fullmatch(value):
        msg = f"{spec.name}.gemspec works out `require_paths`, and it is not executed"
        raise UsageError(msg, why=[value[:100]], hint='write it plainly: `spec.require_paths = ["lib"]`')
    words = re.findall(r"[\w./-]+", value.removeprefix("%w"))
    return tuple(RelativePath.parse(word, f"{spec.name}.gemspec") for word in words)
