"""Downloads by SHA-256: cached, resumed after an interruption, and verified before the file gets its name."""

import shutil
import time
import urllib.error
import urllib.request
from contextlib import AbstractContextManager
from http.client import HTTPMessage, HTTPResponse
from pathlib import Path
from typing import IO

from builder.base import cache_paths, credentials, files, locks, remote
from builder.base.errors import BuildError, UnreachableError, UsageError
from builder.base.values import FileName, Sha256

_ATTEMPTS = 3
_GONE = (404, 410)
_BUSY = (408, 425, 429)
_SERVER_ERROR = 500
"""The lowest status code of errors of the server itself."""
_HINT = "behind a proxy set HTTPS_PROXY; for the CA of a company set SSL_CERT_FILE"


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, and gives user name and password to nobody but the origin that they are for."""

    def redirect_request(  # noqa: PLR0913, PLR0917  urllib's own signature
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        request = super().redirect_request(req, fp, code, msg, headers, newurl)
        if request and not credentials.same_origin(req.full_url, newurl):
            request.remove_header("Authorization")
        return request


_OPENER = urllib.request.build_opener(_Redirects)
"""Honours the proxies of the environment and SSL_CERT_FILE."""


def opened(url: str, *, timeout: float = 60) -> AbstractContextManager[HTTPResponse]:
    """Open a url with the credentials of this machine for its origin. Raises OSError, with urllib's subclasses."""
    headers = {"User-Agent": "layerwright", **credentials.header(url)}
    request = urllib.request.Request(credentials.without(url), headers=headers)  # noqa: S310  schemes: see the callers
    response: HTTPResponse = _OPENER.open(request, timeout=timeout)
    return response


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
    return cache_paths.cache() / "sources"


def known(sha256: str) -> Path | None:
    """Return the file of that hash when it is there and whole."""
    path = store() / Sha256.parse(sha256, "the cache")
    if not path.is_file():
        return None
    if files.sha256(path) == sha256:
        return path
    path.unlink()
    return None


def cached(url: str, sha256: str, name: str) -> Path:
    """Return the file with this SHA-256, downloaded from the URL unless it is cached.

    Raises UnreachableError if the server does not respond after three attempts, UsageError if it refuses the request,
    and BuildError if the file no longer exists or has another hash.
    """
    path = store() / Sha256.parse(sha256, credentials.redact(url))
    path.parent.mkdir(parents=True, exist_ok=True)
    with locks.exclusive(path, lambda: None):
        if whole := known(sha256):
            return whole
        if remote.fetch(f"sources/{sha256}", path) and (whole := known(sha256)):
            return whole
        part = path.with_suffix(".partial")
        for left in reversed(range(_ATTEMPTS)):
            try:
                _download(url, part)
                break
            except urllib.error.HTTPError as error:
                _give_up(error, name, path)
            except (urllib.error.URLError, TimeoutError, ConnectionError, EOFError) as error:
                if not left:
                    msg = f"{name} could not be fetched"
                    raise UnreachableError(msg, why=[credentials.redact(f"{url}: {error}")], hint=_HINT) from error
                time.sleep(0.5 * (_ATTEMPTS - left))
        received = files.sha256(part)
        if received != sha256:
            part.unlink()
            msg = f"hash mismatch: {name} is not the announced file"
            why = [credentials.redact(url), f"announced sha256:{sha256}", f"received  sha256:{received}"]
            raise BuildError(msg, why=why, hint="find out why the file changed before you change the hash")
        part.replace(path)
        remote.upload(f"sources/{sha256}", path)
    return path


def _give_up(error: urllib.error.HTTPError, name: str, path: Path) -> None:
    why = [credentials.redact(f"{error.url}: {error.code} {error.reason}")]
    if error.code in _GONE:
        msg = f"{name} no longer exists at its address"
        raise BuildError(msg, why=why, hint=f"use another URL, or place a copy of the file at {path}") from error
    msg = f"{name} could not be fetched"
    kind = UnreachableError if error.code in _BUSY or error.code >= _SERVER_ERROR else UsageError
    raise kind(msg, why=why, hint=_HINT) from error


def _download(url: str, part: Path) -> None:
    """Download a file, resuming a partial download. A server without range requests sends the whole file again."""
    have = part.stat().st_size if part.is_file() else 0
    headers = {"User-Agent": "layerwright", **credentials.header(url)}
    request = urllib.request.Request(credentials.without(url), headers=headers)  # noqa: S310  schemes: see Source
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        source = _OPENER.open(request, timeout=60)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code != 416:  # noqa: PLR2004  range not satisfiable: the part is already complete, or too long
            raise
        part.unlink()
        request.remove_header("Range")
        source = _OPENER.open(request, timeout=60)
        have = 0
    with source, part.open("ab" if source.status == 206 else "wb") as target:  # noqa: PLR2004  partial content
        shutil.copyfileobj(source, target)
        expected = source.headers.get("Content-Length")
        whole = (have if source.status == 206 else 0) + int(expected) if expected else None  # noqa: PLR2004
        target.flush()
        if whole is not None and target.tell() < whole:
            msg = f"the connection was lost after {target.tell()} of {whole} bytes"
            raise EOFError(msg)
