"""The shared cache: objects in S3, or in a server with the same API, that several machines read and write.

LAYERWRIGHT_REMOTE_CACHE=s3://bucket/prefix enables it. boto3's own configuration supplies the region, credentials and
endpoint (AWS_ENDPOINT_URL_S3 for another server). Objects are verified when they are read. The cache is optional: a
failure is a warning, and the build goes on without it.
"""

import contextlib
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from builder.base import files, notices
from builder.base.errors import UsageError

VARIABLE = "LAYERWRIGHT_REMOTE_CACHE"
_DIGEST = "sha256"
"""Metadata key of an object for the SHA-256 of its bytes."""
_TIMEOUT_SECONDS = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Bucket:
    """The bucket and prefix of the objects."""

    name: str
    prefix: str
    client: Any
    """A boto3 client, which is safe for use by several threads."""

    def key(self, name: str) -> str:
        return f"{self.prefix}/{name}" if self.prefix else name


@dataclass(slots=True)
class _Session:
    """The state of the shared cache in this process."""

    unavailable: bool = False
    """Whether a request failed. No further request is made in this process."""


_session = _Session()


def validate() -> None:
    """Check the environment variable. Raises UsageError if it is invalid; the server itself is not contacted."""
    _bucket()


def fetch(name: str, to: Path) -> bool:
    """Download an object to a path; return whether it exists and matches its digest. A damaged object is deleted."""
    bucket = _bucket()
    if bucket is None or _session.unavailable:
        return False
    with _suppressed(f"{name} could not be read"):
        from botocore.exceptions import ClientError

        try:
            response = bucket.client.get_object(Bucket=bucket.name, Key=bucket.key(name))
        except ClientError as error:
            if error.response["Error"]["Code"] in {"NoSuchKey", "404", "NotFound"}:
                return False
            raise
        to.parent.mkdir(parents=True, exist_ok=True)
        with files.replacing(to) as part:
            with part.open("wb") as target:
                for chunk in response["Body"].iter_chunks(1 << 20):
                    target.write(chunk)
            if files.sha256(part) == response["Metadata"].get(_DIGEST):
                return True
            notices.warn(f"{name} was damaged in the shared cache, so it is made again")
            bucket.client.delete_object(Bucket=bucket.name, Key=bucket.key(name))
            raise _DamagedError
    return False


def upload(name: str, path: Path) -> None:
    """Upload a file as an object of this name. Does nothing if there is no shared cache or it is unavailable."""
    bucket = _bucket()
    if bucket is None or _session.unavailable:
        return
    with _suppressed(f"{name} could not be written"):
        extra = {"Metadata": {_DIGEST: files.sha256(path)}}
        bucket.client.upload_file(str(path), bucket.name, bucket.key(name), ExtraArgs=extra)


class _DamagedError(Exception):
    """Leaves the block that would otherwise move a damaged object to its path."""


@contextlib.contextmanager
def _suppressed(what: str) -> Any:  # noqa: ANN401  contextlib's own type
    """Turn errors of the shared cache into a warning, so that they never fail a build."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except _DamagedError:
        pass
    except (Boto3Error, BotoCoreError, ClientError, OSError) as error:
        notices.warn(f"the shared cache: {what}: {error}")
        _session.unavailable = True


def address() -> str | None:
    """Return the URL of the shared cache; None if there is none."""
    return os.environ.get(VARIABLE) or None


def _bucket() -> Bucket | None:
    return _connect(url) if (url := address()) else None


@cache
def _connect(url: str) -> Bucket:
    scheme, _, rest = url.partition("://")
    name, _, prefix = rest.partition("/")
    if scheme != "s3" or not name:
        msg = f"{VARIABLE}={url} is not a valid address of a cache"
        raise UsageError(msg, hint="s3://bucket/prefix; AWS_ENDPOINT_URL_S3 selects another server")
    try:
        import boto3
        from botocore.config import Config
    except ImportError as error:
        msg = f"{VARIABLE} is set, but boto3 is not installed"
        raise UsageError(msg, hint="`pip install layerwright[aws]`") from error
    retries = {"mode": "standard", "max_attempts": 3}
    config = Config(connect_timeout=_TIMEOUT_SECONDS, read_timeout=_TIMEOUT_SECONDS, retries=retries)
    return Bucket(name=name, prefix=prefix.strip("/"), client=boto3.client("s3", config=config))


def reset() -> None:
    """Forget the connection and that it failed, as a new process would. For tests."""
    _connect.cache_clear()
    _session.unavailable = False
