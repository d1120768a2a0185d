"""An upstream source: fetched, hashed, and looked into without unpacking it. Nothing of it is run on this host."""

import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urlsplit

from builder.base import archives, cache_paths, credentials, fetch, files, http
from builder.base.emitter import Events
from builder.base.errors import BuildError, UsageError
from builder.base.frozen import dataclass
from builder.base.retries import Backoff
from builder.base.transfer import HttpError, TransferLimits
from builder.base.values import RelativePath

_MIB = 1 << 20
_LIMITS = TransferLimits(backoff=Backoff(attempts=3), total=1800, size=1024 * _MIB, unannounced=256 * _MIB)
_SUFFIX = re.compile(r"\.(?:tar\.(?:gz|bz2|xz)|tgz|tbz2?|txz|tar|zip)$")
_EXTRA = re.compile(r"[.-](?:src|source|orig|stable)$")
_NAMED = (
    re.compile(r"(?P<name>[A-Za-z].*?)[-_]v?(?P<version>\d[A-Za-z0-9.+_-]*)"),
    re.compile(r"(?P<name>)v?(?P<version>\d[A-Za-z0-9.+_-]*)"),
    re.compile(r"(?P<name>[A-Za-z+]+)(?P<version>\d[A-Za-z0-9.+_-]*)"),
)
"""Names of archives: `tool-1.2`, `tool_v1.2`; `v1.2`, as code hosts have them; `zlib1.3`."""
_READ = re.compile(
    r"(?:[^/]+/)?(?:configure\.(?:ac|in)|CMakeLists\.txt|meson\.build|Cargo\.toml|go\.mod|pyproject\.toml|PKG-INFO|"
    r"(?:LICEN[CS]E|COPYING|COPYRIGHT)(?:[.-][\w.-]+)?)|(?:[^/]+/){0,2}(?:[Mm]akefile(?:\.inc)?|GNUmakefile|[\w-]+\.mk)"
)
"""Files at the top that say how a source is built, and under which license; and makefiles that those at the top use."""
_MOST = 4 * _MIB
"""Bytes of one of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceArchive:
    """An archive with one source."""

    url: str
    sha256: str
    name: str
    """As the name of the file has it; empty for an archive that is named after its version."""
    version: str
    """Empty if the name of the file has none."""
    files: frozenset[str]
    """Paths of the regular files, below the one folder that most archives have at their top."""
    texts: Mapping[str, str]
    """The files that say how it is built, by path."""

    @property
    def top(self) -> list[str]:
        """The names at the top, folders with a slash."""
        return sorted({f"{path.partition('/')[0]}{'/' if '/' in path else ''}" for path in self.files})

    @property
    def template(self) -> str:
        """The address with `{version}` in the place of the version."""
        if len(self.version) < len("1.0"):
            return self.url
        return re.sub(rf"(?<![\d.]){re.escape(self.version)}(?!\d)", "{version}", self.url)


def fetched(url: str, events: Events) -> SourceArchive:
    """Fetch an archive into the cache and look into it.

    Raises UsageError for an address that a recipe must not have, UnreachableError if the server does not respond,
    BuildError for what is not an archive, or one beyond the limits of the reader.
    """
    _require_plain(url)
    if url.startswith("http://"):
        events.warn(f"{url} is not encrypted: compare the hash in the recipe with the one that the project publishes")
    filename = unquote(urlsplit(url).path).rpartition("/")[2]
    events.begin("fetching", filename)
    path, sha256 = _download(url, filename)
    name, version = named(filename)
    try:
        found, texts = _content(path)
    except archives.UnreadableError as error:
        msg = f"{filename} is not an archive that can be read"
        hint = "does the address lead to a page? `curl -I` shows its type"
        raise BuildError(msg, why=[str(error)], hint=hint) from None
    return SourceArchive(url=url, sha256=sha256, name=name, version=version, files=frozenset(found), texts=dict(texts))


def _require_plain(url: str) -> None:
    """Raise UsageError for an address that is none of HTTP, may hold a secret, or does not end with an archive."""
    parts = urlsplit(url)
    problem = None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        problem = "is not an address of http or https"
    elif credentials.without(url) != url or parts.query:
        problem = "has credentials or a query, which may hold a secret, and a recipe is for everybody"
    elif not _SUFFIX.search(parts.path):
        problem = "does not end with the name of an archive: .tar.gz, .tar.bz2, .tar.xz, .zip"
    if problem:
        msg = f"{credentials.redact(url)} {problem}"
        raise UsageError(msg, hint="for example https://example.com/tool-1.2.tar.gz")


def _download(url: str, filename: str) -> tuple[Path, str]:
    """Download an archive into the store of sources, where builds find it; return its path and its hash."""
    with cache_paths.workspace() as work:
        part = work / "archive"
        try:
            http.download(url, part, limits=_LIMITS, authenticate=False)
        except HttpError as error:
            msg = f"{filename} could not be fetched"
            raise error.translated(msg, fetch.HINT) from error
        sha256 = files.sha256(part)
        fetch.store().mkdir(parents=True, exist_ok=True)
        files.move(part, fetch.store() / sha256)
    return fetch.store() / sha256, sha256


def named(filename: str) -> tuple[str, str]:
    """Return name and version by the name of an archive; empty texts for what it does not have."""
    stem = _EXTRA.sub("", _SUFFIX.sub("", filename))
    for pattern in _NAMED:
        if match := pattern.fullmatch(stem):
            return match["name"], match["version"]
    return stem, ""


# ---- reading -------------------------------------------------------------------------------------------------------


def _content(path: Path) -> tuple[set[str], Mapping[str, str]]:
    """Return the paths and the texts of an archive, without the folder that holds all of it."""
    paths: set[str] = set()
    texts: dict[str, str] = {}
    with archives.reading():
        for name, data in _members(path):
            paths.add(name)
            if data is not None:
                texts[name] = data.decode(errors="replace")
    if not paths:
        msg = "it has no file"
        raise archives.UnreadableError(msg)
    tops = {name.partition("/")[0] for name in paths}
    whole = f"{tops.pop()}/" if len(tops) == 1 and all("/" in name for name in paths) else ""
    inner = {name.removeprefix(whole): text for name, text in texts.items()}
    return {name.removeprefix(whole) for name in paths}, inner


def _members(path: Path) -> Iterator[tuple[str, bytes | None]]:
    """Yield the path of each regular file, and the bytes of those that say how a source is built."""
    if zipfile.is_zipfile(path):
        with archives.zipped(path) as zipped:
            for info in zipped.infolist():
                if not info.is_dir():
                    with zipped.open(info) as stream:
                        yield _member(info.filename, stream)
        return
    with path.open("rb") as packed, archives.tar(packed) as tar:
        for member in archives.files(tar):
            wanted = _READ.fullmatch(member.name.removeprefix("./"))
            yield _member(member.name, tar.extractfile(member) if wanted else None)


def _member(name: str, stream: IO[bytes] | None) -> tuple[str, bytes | None]:
    path = RelativePath.parse(name, "the archive")
    return path, archives.read(stream, _MOST, path) if stream and _READ.fullmatch(path) else None
