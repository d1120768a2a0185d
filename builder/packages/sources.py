"""Upstream sources of a recipe: archives, verified by their hash, and commits of repositories, as tars."""

import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from builder.base import credentials, fetch, processes, records
from builder.base.errors import BuildError, UsageError

SAFE = ("-c", f"core.hooksPath={os.devnull}", "-c", "protocol.ext.allow=never")
"""Options of git by which nothing of a repository and of its address is run."""
WITHOUT_SETTINGS = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_TEMPLATE_DIR": "",
}
"""Variables without which git follows the settings of the host, which may name programs."""


def archive(url: str, sha256: str) -> Path:
    """Return the path of an archive, downloaded once and verified. Raises BuildError if its SHA-256 differs."""
    return fetch.cached(url, sha256, urlsplit(url).path.rpartition("/")[2] or credentials.redact(url))


def commit(url: str, sha: str, *, settings: bool = True) -> Path:
    """Return the path of a tar of the tree at a commit, with the settings that git has on this host, or without.

    The hash of the commit names the content when it is fetched; later, a record of the tar is compared at each use.
    Raises UsageError if git is not installed, BuildError if the commit cannot be fetched.
    """
    name = hashlib.sha256(f"{url}\0{sha}".encode()).hexdigest()
    path = fetch.store() / f"git-{name}.tar"

    def fetch_commit(part: Path) -> None:
        if shutil.which("git") is None:
            msg = "git is needed for a source with `git` and `commit`"
            raise UsageError(msg, hint="install git, or use an archive, with `url` and `sha256`")
        repository = part.with_name("repository")
        env = None if settings else {**os.environ, **WITHOUT_SETTINGS}
        inside = ("-C", str(repository))
        _git(url, env, "init", "--quiet", "--bare", str(repository))
        shallow = _run(env, *inside, "fetch", "--quiet", "--depth=1", "--", url, sha)
        if shallow.returncode:  # a server may refuse a commit that is not the tip of a branch
            _git(url, env, *inside, "fetch", "--quiet", "--", url, "+refs/*:refs/*")
        _git(url, env, *inside, "archive", "--format=tar", "--prefix=source/", f"--output={part}", sha)

    return records.made(path, fetch_commit)


def _run(env: Mapping[str, str] | None, *arguments: str) -> processes.Finished:
    return processes.run(["git", *SAFE, *arguments], env=env)


def _git(url: str, env: Mapping[str, str] | None, *arguments: str) -> None:
    finished = _run(env, *arguments)
    if finished.returncode:
        msg = f"git could not fetch {credentials.redact(url)}"
        raise BuildError(msg, why=credentials.redact(finished.stderr).strip().splitlines()[-3:])
