"""A cache that machines share: objects in S3 or what speaks like it, verified when they are read.

LAYERWRIGHT_REMOTE_CACHE=s3://bucket/prefix switches it on; region, credentials and endpoint come from boto3's own chain
(AWS_ENDPOINT_URL_S3 for another server). It is never needed: whatever goes wrong with it is told once and costs time.
"""

import contextlib
import os
import threading
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from builder.base import files
from builder.base.errors import UsageError

VARIABLE = "LAYERWRIGHT_REMOTE_CACHE"
_DIGEST = "sha256"
"""Key of an object's own metadata: what its bytes must hash to."""
_SECONDS = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Bucket:
    """Where the objects are."""

    name: str
    prefix: str
    client: Any
    """boto3's, which is safe for many threads."""

    def key(self, name: str) -> str:
        return f"{self.prefix}/{name}" if self.prefix else name


@dataclass(slots=True)
class _Session:
    lock: threading.Lock = field(default_factory=threading.Lock)
    unavailable: bool = False
    """Nobody answered: for the rest of this process it is not asked again."""
    warnings: list[str] = field(default_factory=list)


_session = _Session()


def validate() -> None:
    """Raise UsageError when the variable makes no sense; whether somebody answers is seen later, and no mistake."""
    _bucket()


def fetch(name: str, to: Path) -> bool:
    """Put the object of that name at `to`, and tell whether it was there and whole; a damaged one is removed."""
    bucket = _bucket()
    if bucket is None or _session.unavailable:
        return False
    with _suppressed(f"{name} could not be read"):
        from botocore.exceptions import ClientError

        try:
            found = bucket.client.get_object(Bucket=bucket.name, Key=bucket.key(name))
        except ClientError as error:
            if error.response["Error"]["Code"] in {"NoSuchKey", "404", "NotFound"}:
                return False
            raise
        to.parent.mkdir(parents=True, exist_ok=True)
        with files.replacing(to) as part:
            with part.open("wb") as target:
                for chunk in found["Body"].iter_chunks(1 << 20):
                    target.write(chunk)
            if files.sha256(part) == found["Metadata"].get(_DIGEST):
                return True
            _warn(f"{name} was damaged in the shared cache, so it is made again")
            bucket.client.delete_object(Bucket=bucket.name, Key=bucket.key(name))
            raise _DamagedError
    return False


def upload(name: str, path: Path) -> None:
    """Give others the bytes of a file under a name."""
    bucket = _bucket()
    if bucket is None or _session.unavailable:
        return
    with _suppressed(f"{name} could not be written"):
        extra = {"Metadata": {_DIGEST: files.sha256(path)}}
        bucket.client.upload_file(str(path), bucket.name, bucket.key(name), ExtraArgs=extra)


def warnings() -> tuple[str, ...]:
    """Return what went wrong so far, for whoever talks to people."""
    with _session.lock:
        return tuple(dict.fromkeys(_session.warnings))


class _DamagedError(Exception):
    """Leaves the block that would give the file its name."""


@contextlib.contextmanager
def _suppressed(what: str) -> Any:  # noqa: ANN401  contextlib's own type
    """Keep trouble away from builds."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except _DamagedError:
        pass
    except (Boto3Error, BotoCoreError, ClientError, OSError) as error:
        _warn(f"the shared cache: {what}: {error}")
        _session.unavailable = True


def _warn(text: str) -> None:
    with _session.lock:
        _session.warnings.append(text)


def address() -> str | None:
    """Return where the shared cache is, if there is one."""
    return os.environ.get(VARIABLE) or None


def _bucket() -> Bucket | None:
    return _connect(given) if (given := address()) else None


@cache
def _connect(given: str) -> Bucket:
    scheme, _, rest = given.partition("://")
    name, _, prefix = rest.partition("/")
    if scheme != "s3" or not name:
        msg = f"{VARIABLE}={given} is no place for a cache"
        raise UsageError(msg, hint="s3://bucket/prefix; another server by AWS_ENDPOINT_URL_S3")
    try:
        import boto3
        from botocore.config import Config
    except ImportError as error:
        msg = f"{VARIABLE} is set, and boto3 is not installed"
        raise UsageError(msg, hint="`pip install layerwright[aws]`") from error
    config = Config(connect_timeout=_SECONDS, read_timeout=_SECONDS, retries={"mode": "standard", "max_attempts": 3})
    return Bucket(name=name, prefix=prefix.strip("/"), client=boto3.client("s3", config=config))


def reset() -> None:
    """Begin anew, as a new process would."""
    _connect.cache_clear()
    _session.unavailable = False
    _session.warnings.clear()
