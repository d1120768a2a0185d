"""Folders and repositories that requirements name in place of a package of an index."""

import re
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from builder.base import credentials
from builder.base.frozen import dataclass
from builder.base.values import StoredSha256

COMMIT = re.compile(r"[0-9a-f]{40}")
MARKS = ("pyproject.toml", "setup.cfg", "setup.py")
"""The files of which a project has at least one."""
FULL_COMMIT = "write the 40 digits of a commit after `@`: they are a hash of the code"
_SCHEMES = ("https", "http", "ssh", "git", "file")


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """Where a package comes from that no index has, as the manifest shows it."""

    kind: Literal["local", "git"]
    address: str
    """The path as it is written, or the address of the repository, without user name and password."""
    digest: StoredSha256
    """The SHA-256 of the names and contents of its files."""
    commit: str | None = None

    @property
    def shown(self) -> str:
        """Both in one line."""
        return f"{self.address}@{self.commit}" if self.commit else f"{self.address} sha256:{self.digest}"


@dataclass(frozen=True, kw_only=True, slots=True)
class ContainerReason:
    """Why a container builds a folder or a repository."""

    reason: str
    instead: str
    """The command that makes its wheel without an engine, and how the wheel is named then."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GitPlace:
    """A folder of a repository, at a commit or at what is none."""

    url: str
    """The address; can contain credentials."""
    ref: str | None
    subdirectory: str | None = None
    egg: str | None = None
    """The name of the package, as addresses had it before `NAME @`."""

    @property
    def is_pinned(self) -> bool:
        """Whether it names a full commit, which is a hash of the content."""
        return self.ref is not None and COMMIT.fullmatch(self.ref) is not None

    @property
    def address(self) -> str:
        """The address as requirements have it."""
        ref = f"@{self.ref}" if self.ref else ""
        return f"git+{self.url}{ref}{f'#subdirectory={self.subdirectory}' if self.subdirectory else ''}"

    @property
    def shown(self) -> str:
        """The address without user name and password; the user of ssh, who has a key, is a part of it."""
        parts = urlsplit(self.url)
        user = f"{parts.username}@" if parts.scheme == "ssh" and parts.username and not parts.password else ""
        return credentials.redact(self.address).replace("://", f"://{user}", 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedPlace:
    """A folder or a repository, with the line that names it."""

    where: str
    """The line, as messages have it: file and number."""
    told: str
    """As it is written there, without user name and password."""
    roots: tuple[Path, ...]
    """The folders that it, and what it names itself, must be in; none for a command line."""
    folder: Path | None = None
    git: GitPlace | None = None


def git(address: str) -> GitPlace | None:
    """Return the repository at an address, as pip has it; None if it is the address of something else.

    Raises ValueError for a repository of another kind than git.
    """
    if not address.startswith("git+"):
        if re.match(r"(?:hg|bzr|svn)\+|(?:ssh|git)://|[\w.-]+@[\w.-]+:", address):
            msg = "repositories are those of git, as `git+https://…@COMMIT`"
            raise ValueError(msg)
        return None
    parts = urlsplit(address.removeprefix("git+"))
    if parts.scheme not in _SCHEMES or not (parts.hostname or parts.scheme == "file"):
        msg = "the address of a repository begins with git+https://, git+ssh:// or git+file://"
        raise ValueError(msg)
    path, at, ref = parts.path.rpartition("@")
    more = dict(each.partition("=")[::2] for each in parts.fragment.split("&") if each)
    subdirectory = unquote(more.get("subdirectory", "")).strip("/")
    if ".." in subdirectory.split("/"):
        msg = "the subdirectory leads out of the repository"
        raise ValueError(msg)
    return GitPlace(
        url=parts._replace(path=path if at else parts.path, fragment="").geturl(),
        ref=ref if at else None,
        subdirectory=subdirectory or None,
        egg=more.get("egg", "").partition("[")[0] or None,
    )


def folder(address: str, beside: Path) -> Path | None:
    """Return the folder at a path or an address, which need not exist; None for the address of another host.

    A path counts from the folder of its file, and from the current one if only that has it.
    """
    parts = urlsplit(address)
    if parts.scheme == "file":
        if parts.netloc not in {"", "localhost"}:
            return None
        from urllib.request import url2pathname

        address = url2pathname(parts.path)
    elif "://" in address or address.startswith(("git+", "hg+", "svn+", "bzr+")):
        return None
    return next((path for path in (beside / address, Path(address)) if path.is_dir()), beside / address)


def redacted(text: str) -> str:
    """Return a line without user names and passwords, on one line."""
    return " ".join(credentials.redact(text).split())
