"""Downloads by SHA-256: cached, resumed after an interruption, and verified before the file gets its name."""

import shutil
from pathlib import Path
from urllib.parse import urlsplit

from builder.base import cache_paths, credentials, files, http, locks, remote
from builder.base.errors import BuildError
from builder.base.transfer import DOWNLOAD, HttpError, TransferLimits
from builder.base.values import FileName, Sha256

HINT = "behind a proxy set HTTPS_PROXY; for the CA of a company set SSL_CERT_FILE"


def into(folder: Path, url: str, sha256: str, name: str) -> Path:
    """Fetch a file into `folder` under a name. A crash leaves the old file or none."""
    path = folder / FileName.parse(name, credentials.redact(url))
    if path.is_file() and files.sha256(path) == sha256:
        return path
    folder.mkdir(parents=True, exist_ok=True)
    source = cached(url, sha256, name)
    with files.replacing(path) as part:
        shutil.copyfile(source, part)
    return path


def store() -> Path:
    """Return the folder of all downloads, each named by its SHA-256. Files may be placed there by hand."""
    return cache_paths.folder("sources")


def known(sha256: str) -> Path | None:
    """Return the file of that hash when it is there and whole."""
    path = store() / Sha256.parse(sha256, "the cache")
    if not path.is_file():
        return None
    if files.sha256(path) == sha256:
        cache_paths.touch(path)
        return path
    files.remove(path)
    return None


def cached(url: str, sha256: str, name: str, *, limits: TransferLimits = DOWNLOAD) -> Path:
    """Return the file with this SHA-256, downloaded from the URL unless it is cached.

    Raises UnreachableError if the server does not respond after several attempts, UsageError if it refuses the
    request, and BuildError if the file no longer exists or has another hash.
    """
    path = store() / Sha256.parse(sha256, credentials.redact(url))
    path.parent.mkdir(parents=True, exist_ok=True)
    with locks.exclusive(path, lambda: None):
        if whole := known(sha256):
            return whole
        if remote.fetch(f"sources/{sha256}", path) and (whole := known(sha256)):
            return whole
        part = path.with_suffix(".partial")
        try:
            received = _received(url, part, sha256, limits)
        except FileNotFoundError as error:
            raise _gone(url, name, path) from error
        except HttpError as error:
            if error.gone:
                raise _gone(str(error), name, path) from error
            msg = f"{name} could not be fetched"
            raise error.translated(msg, HINT) from error
        if received != sha256:
            files.remove(part)
            raise _other(url, name, sha256, received)
        files.move(part, path)
        remote.upload(f"sources/{sha256}", path)
    return path


def _received(url: str, part: Path, sha256: str, limits: TransferLimits) -> str:
    """Download a file and return its SHA-256.

    One that is put together of several responses, and is not the right file, is downloaded once more as a whole: it
    may have changed in between, and not every server tells.
    """
    if urlsplit(url).scheme == "file":
        from urllib.request import url2pathname

        shutil.copyfile(url2pathname(urlsplit(url).path), part)
        return files.sha256(part)
    resumed = http.download(url, part, limits=limits)
    received = files.sha256(part)
    if resumed and received != sha256:
        files.remove(part)
        http.download(url, part, limits=limits)
        received = files.sha256(part)
    return received


def _gone(why: str, name: str, path: Path) -> BuildError:
    msg = f"{name} no longer exists at its address"
    return BuildError(msg, why=[why], hint=f"use another URL, or place a copy of the file at {path}")


def _other(url: str, name: str, sha256: str, received: str) -> BuildError:
    msg = f"hash mismatch: {name} is not the announced file"
    why = [credentials.redact(url), f"announced sha256:{sha256}", f"received  sha256:{received}"]
    return BuildError(msg, why=why, hint="find out why the file changed before you change the hash")
