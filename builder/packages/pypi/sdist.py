"""Source distributions: their requirements, read without executing them, and their addresses.

uv would run a setup.py to learn its requirements, which must not happen on the host, and cannot (`uv.run`). It names
the package that it would build, and gets the requirements that the author's tools wrote into the sdist instead.
"""

import email.parser
import re
import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from packaging.utils import InvalidSdistFilename, parse_sdist_filename

from builder.base import archives, fetch
from builder.base.errors import BuildError
from builder.base.processes import Finished
from builder.packages.pypi import bindings, uv
from builder.packages.pypi.dist import Dist
from builder.packages.pypi.indexes import Indexes
from builder.packages.pypi.pylock import candidates

_METADATA = re.compile(r"[^/]+/(?:[^/]+/)?(?:PKG-INFO|[^/]+\.egg-info/(?:PKG-INFO|requires\.txt))")
_NONE: Mapping[str, frozenset[str]] = {}
_MOST = 8 << 20
"""Bytes of one file of metadata: far more than PKG-INFO with a long description has."""
_FRAGMENT = re.compile(r"(?:^|&)sha256=([0-9a-f]{64})(?:&|$)")
_WOULD_BUILD = re.compile(r"Failed to (?:download and )?build `([A-Za-z0-9._-]+)(?:==| @\s+)([^`\s]+)`")


def would_be_built(finished: Finished) -> tuple[str, str] | None:
    """Return a package that uv would have built, if that is the reason of its failure: name, and version or address."""
    match = _WOULD_BUILD.search(finished.stderr)
    return (match[1], match[2]) if match else None


class StaticMetadata:
    """The requirements of the packages that uv would build otherwise, read from their sdists."""

    def __init__(self, folder: Path, indexes: Indexes, hashes: Mapping[str, frozenset[str]] = _NONE) -> None:
        self._folder = folder
        self._indexes = indexes
        self._hashes = hashes
        self._known: dict[tuple[str, str], list[str]] = {}

    @property
    def settings(self) -> dict[str, Any]:
        """The settings by which uv gets them, and the indexes of bound packages."""
        rows = [
            {"name": name, "version": version, "requires-dist": requires}
            for (name, version), requires in self._known.items()
        ]
        return {**self._indexes.settings(), **({"dependency-metadata": rows} if rows else {})}

    def learn(self, name: str, version: str) -> bool:
        """Read the requirements of a package from its sdist; return False if they were known already, or cannot be.

        In place of the version may be an address with a hash.
        """
        dist = None
        if "://" in version:
            version, dist = self._at(name, version)
        if not version or (name, version) in self._known:
            return False
        dist = dist or self.locate(name, version)
        path = fetch.cached(str(dist.url), dist.sha256, dist.filename)
        try:
            self._known[name, version] = requirements(path)
        except archives.UnreadableError as error:
            raise unreadable(dist.filename, error) from error
        return True

    def _at(self, name: str, url: str) -> tuple[str, Dist | None]:
        """Return the version and the sdist at an address; an empty version if its name or its hash does not tell.

        The hash is the only one that a file gives, or that of the address itself.
        """
        parts = urlsplit(url)
        filename = unquote(PurePosixPath(parts.path).name)
        digests = self._hashes.get(name) or _FRAGMENT.findall(parts.fragment)
        try:
            version = str(parse_sdist_filename(filename)[1])
        except InvalidSdistFilename:
            return "", None
        if len(digests) != 1:
            return "", None
        return version, Dist(filename=filename, sha256=min(digests), size=None, url=self._indexes.authorized(url))

    def locate(self, name: str, version: str) -> Dist:
        """Return the sdist of one exact version, with its address. Raises BuildError if there is none."""
        self._known[name, version] = []  # the address does not depend on its requirements
        free, bound = bindings.divided([f"{name}=={version}"], self._indexes)
        requirement = self._folder / ("pyproject.toml" if bound else "one.in")
        requirement.write_text(bound or f"{free[0]}\n", encoding="utf-8", newline="\n")
        only = [*self._indexes.arguments(), "--no-deps", "--no-binary", name, *uv.FOR_ANY_PYTHON, "--no-header"]
        output = ("--format", "pylock.toml", "--quiet")
        command = ["compile", str(requirement), *only, *output]
        finished = uv.run(command, env=self._indexes.by_hash(), settings=self.settings)
        dist = candidates(finished.stdout)[0].within(self._indexes).sdist if finished.returncode == 0 else None
        if dist is None:
            raise uv.fail(finished, f"{name} {version} has no sdist to compile")
        return dist


def locate(name: str, version: str) -> Dist:
    """Return the sdist of one exact version, with its address."""
    with tempfile.TemporaryDirectory(prefix="layerwright-") as folder:
        return StaticMetadata(Path(folder), Indexes()).locate(name, version)


def file(dist: Dist, name: str, version: str) -> Path:
    """Return the path of an sdist, downloaded if it is not cached. An unknown address is looked up in the index."""
    if cached := fetch.known(dist.sha256):
        return cached
    located = dist if dist.url else locate(name, version)
    return fetch.cached(str(located.url), dist.sha256, dist.filename)


def requirements(path: Path) -> list[str]:
    """Return the requirements of an sdist as its build tool recorded them, in PKG-INFO or setuptools' egg-info.

    Raises UnreadableError.
    """
    files = dict(texts(path, _METADATA))
    top = min((name for name in files if name.endswith("PKG-INFO")), key=lambda name: name.count("/"), default=None)
    stated = email.parser.HeaderParser().parsestr(files[top]).get_all("Requires-Dist") if top else None
    if stated:
        return [_plain(str(line)) for line in stated]
    listed = next((text for name, text in files.items() if name.endswith(".egg-info/requires.txt")), "")
    return [_plain(line) for line in _egg_requirements(listed)]


def _plain(line: str) -> str:
    if not line.isprintable():
        msg = f"a requirement has characters that are not shown: {line!r:.80}"
        raise archives.UnreadableError(msg)
    return line


def texts(path: Path, pattern: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    """Yield path and text of the files in an sdist whose whole path matches the pattern. Links are no files.

    Raises UnreadableError for an sdist that cannot be read, or whose files are too large.
    """
    with archives.reading():
        for name, data in _contents(path, pattern):
            yield name, data.decode(errors="replace")


def _contents(path: Path, pattern: re.Pattern[str]) -> Iterator[tuple[str, bytes]]:
    if zipfile.is_zipfile(path):
        with archives.zipped(path) as archive:
            for info in archive.infolist():
                if pattern.fullmatch(info.filename):
                    with archive.open(info) as stream:
                        yield info.filename, archives.read(stream, _MOST, info.filename)
        return
    with path.open("rb") as packed, archives.tar(packed) as archive_of_files:
        for member in archives.files(archive_of_files):
            if pattern.fullmatch(member.name):
                yield member.name, archives.read(archive_of_files.extractfile(member), _MOST, member.name)


def _egg_requirements(text: str) -> Iterator[str]:
    """Yield requirements of a requires.txt. Its sections are `[extra]`, `[:marker]` or `[extra:marker]`."""
    conditions: list[str] = []
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            extra, _, marker = line[1:].removesuffix("]").partition(":")
            conditions = [f"({marker})"] if marker else []
            conditions += [f'extra == "{extra}"'] if extra else []
        elif line and not line.startswith(("#", ";")):
            yield f"{line} ; {' and '.join(conditions)}" if conditions else line


def as_tar(path: Path, to: Path) -> None:
    """Copy an sdist, and convert a zip to a tar, since container engines unpack only tars."""
    if not zipfile.is_zipfile(path):
        shutil.copyfile(path, to)
        return
    try:
        with archives.zipped(path) as archive, tarfile.open(to, "w") as target:
            for info in archive.infolist():
                if info.is_dir():
                    continue
                member = tarfile.TarInfo(info.filename)
                member.size, member.mode = info.file_size, 0o755 if info.external_attr >> 16 & 0o111 else 0o644
                with archive.open(info) as stream:
                    target.addfile(member, stream)
    except archives.FAULTS as error:
        raise unreadable(path.name, error) from error


def unreadable(name: str, error: Exception) -> BuildError:
    """Return the error for an archive that cannot be read."""
    return BuildError(f"{name} cannot be read", why=[str(error) or "it ends too early"])
