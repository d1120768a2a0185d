"""Files by their hash: fetched once, resumed after a break, verified before anybody sees them."""

import shutil
import time
import urllib.error
import urllib.request
from pathlib import Path

from builder.base import cache_paths, credentials, files, locks, remote
from builder.base.errors import BuildError, UnreachableError, UsageError

_TRIES = 3
_GONE = (404, 410)
_BUSY = (408, 425, 429)
_FAULT = 500
"""And above: the server knows that it is its own."""
_HINT = "set HTTPS_PROXY behind a proxy, SSL_CERT_FILE for a company's CA"


def into(folder: Path, url: str, sha256: str, name: str) -> Path:
    """Fetch a file into `folder` under a name. A crash leaves the old file or none."""
    path = folder / name
    if path.is_file() and files.sha256(path) == sha256:
        return path
    folder.mkdir(parents=True, exist_ok=True)
    kept = cached(url, sha256, name)
    with files.replacing(path) as part:
        shutil.copyfile(kept, part)
    return path


def store() -> Path:
    """Return the folder of everything that was fetched; a file put there by hand under its SHA-256 is taken."""
    return cache_paths.cache() / "sources"


def known(sha256: str) -> Path | None:
    """Return the file of that hash when it is there and whole."""
    path = store() / sha256
    if not path.is_file():
        return None
    if files.sha256(path) == sha256:
        return path
    path.unlink()
    return None


def cached(url: str, sha256: str, name: str) -> Path:
    """Return the file of that hash, fetched from the url when it is not there.

    Raises UsageError when nobody answers, BuildError when the file is gone or another one.
    """
    path = store() / sha256
    path.parent.mkdir(parents=True, exist_ok=True)
    with locks.exclusive(path, lambda: None):
        if whole := known(sha256):
            return whole
        if remote.fetch(f"sources/{sha256}", path) and (whole := known(sha256)):
            return whole
        part = path.with_suffix(".partial")
        for left in reversed(range(_TRIES)):
            try:
                _download(url, part)
                break
            except urllib.error.HTTPError as error:
                _give_up(error, name, path)
            except (urllib.error.URLError, TimeoutError, ConnectionError, EOFError) as error:
                if not left:
                    msg = f"{name} could not be fetched"
                    raise UnreachableError(msg, why=[credentials.redact(f"{url}: {error}")], hint=_HINT) from error
                time.sleep(0.5 * (_TRIES - left))
        found = files.sha256(part)
        if found != sha256:
            part.unlink()
            msg = f"hash mismatch: {name} is not the file that was announced"
            why = [credentials.redact(url), f"announced sha256:{sha256}", f"received  sha256:{found}"]
            raise BuildError(msg, why=why, hint="never change the hash before you know why the file changed")
        part.replace(path)
        remote.upload(f"sources/{sha256}", path)
    return path


def _give_up(error: urllib.error.HTTPError, name: str, path: Path) -> None:
    why = [credentials.redact(f"{error.url}: {error.code} {error.reason}")]
    if error.code in _GONE:
        msg = f"{name} is gone from where it was"
        raise BuildError(msg, why=why, hint=f"find another url, or put a copy of the file at {path}") from error
    msg = f"{name} could not be fetched"
    kind = UnreachableError if error.code in _BUSY or error.code >= _FAULT else UsageError
    raise kind(msg, why=why, hint=_HINT) from error


def _download(url: str, part: Path) -> None:
    """Go on where an earlier try broke off; a server that does not know ranges sends all of it again."""
    have = part.stat().st_size if part.is_file() else 0
    headers = {"User-Agent": "layerwright", **credentials.header(url)}
    request = urllib.request.Request(credentials.without(url), headers=headers)  # noqa: S310  schemes: see Source
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        # urllib honours the proxies of the environment and SSL_CERT_FILE.
        source = urllib.request.urlopen(request, timeout=60)  # noqa: S310
    except urllib.error.HTTPError as error:
        error.close()
        if error.code != 416:  # noqa: PLR2004  range not satisfiable: what is there is the whole, or too long
            raise
        part.unlink()
        request.remove_header("Range")
        source = urllib.request.urlopen(request, timeout=60)  # noqa: S310
        have = 0
    with source, part.open("ab" if source.status == 206 else "wb") as target:  # noqa: PLR2004  partial content
        shutil.copyfileobj(source, target)
        expected = source.headers.get("Content-Length")
        whole = (have if source.status == 206 else 0) + int(expected) if expected else None  # noqa: PLR2004
        target.flush()
        if whole is not None and target.tell() < whole:
            msg = f"the connection broke off after {target.tell()} of {whole} bytes"
            raise EOFError(msg)
