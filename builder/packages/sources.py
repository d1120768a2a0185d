"""Upstream sources of a recipe: archives, verified by their hash, and commits of repositories, as tars."""

import hashlib
import shutil
from pathlib import Path
from urllib.parse import urlsplit

from builder.base import cache_paths, credentials, fetch, files, locks, processes, records
from builder.base.errors import BuildError, UsageError


def archive(url: str, sha256: str) -> Path:
    """Return the path of an archive, downloaded once and verified. Raises BuildError if its SHA-256 differs."""
    return fetch.cached(url, sha256, urlsplit(url).path.rpartition("/")[2] or credentials.redact(url))


def commit(url: str, sha: str) -> Path:
    """Return the path of a tar of the tree at a commit.

    The hash of the commit names the content when it is fetched; later, a record of the tar is compared at each use.
    Raises UsageError if git is not installed, BuildError if the commit cannot be fetched.
    """
    name = hashlib.sha256(f"{url}\0{sha}".encode()).hexdigest()
    path = fetch.store() / f"git-{name}.tar"
    path.parent.mkdir(parents=True, exist_ok=True)
    if records.intact(path):
        return path
    if shutil.which("git") is None:
        msg = "git is needed for a source with `git` and `commit`"
        raise UsageError(msg, hint="install git, or use an archive, with `url` and `sha256`")
    with locks.exclusive(path, lambda: None), cache_paths.workspace() as work:
        repository = work / "repository"
        _git(url, "init", "--quiet", "--bare", str(repository))
        shallow = _run(repository, "fetch", "--quiet", "--depth=1", url, sha)
        if shallow.returncode:  # a server may refuse a commit that is not the tip of a branch
            _git(url, "-C", str(repository), "fetch", "--quiet", url, "+refs/*:refs/*")
        with files.replacing(path) as part:
            _git(url, "-C", str(repository), "archive", "--format=tar", "--prefix=source/", f"--output={part}", sha)
        records.write(path)
    return path


def _run(repository: Path, *arguments: str) -> processes.Finished:
    return processes.run(["git", "-C", str(repository), *arguments])


def _git(url: str, *arguments: str) -> None:
    finished = processes.run(["git", *arguments])
    if finished.returncode:
        msg = f"git could not fetch {credentials.redact(url)}"
        raise BuildError(msg, why=credentials.redact(finished.stderr).strip().splitlines()[-3:])
