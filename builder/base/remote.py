"""The shared cache: objects in S3, or in a server with the same API, that several machines read and write.

LAYERWRIGHT_REMOTE_CACHE=s3://bucket/prefix enables it; with `?read-only` nothing is written. boto3's own configuration
supplies the region, credentials and endpoint (AWS_ENDPOINT_URL_S3 for another server). The cache is optional: a failure
is a warning, and the build goes on without it.

Objects are verified when they are read. The SHA-256 beside each, in its metadata, detects damage. Only a signature
detects people: with LAYERWRIGHT_REMOTE_KEY, an object that is not signed with that key is not used.
"""

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from builder.base import environment, files, notices, signing
from builder.base.errors import UsageError
from builder.base.frozen import dataclass
from builder.base.signing import SigningKey

VARIABLE = "LAYERWRIGHT_REMOTE_CACHE"
_DIGEST = "sha256"
"""Metadata key of an object for the SHA-256 of its bytes."""
_SIGNATURE = "signature"
"""Metadata key of an object for its signature."""
_READ_ONLY = "read-only"
_HASHED_ELSEWHERE = ("sources/",)
"""Kinds whose objects are named by their SHA-256, which an index, a lock or a recipe states."""
_TIMEOUT_SECONDS = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Bucket:
    """The bucket and prefix of the objects."""

    name: str
    prefix: str
    client: Any
    """A boto3 client, which is safe for use by several threads."""
    signing: SigningKey | None
    """None if objects are not signed."""
    read_only: bool

    @property
    def writable(self) -> bool:
        """Whether objects may be written: unsigned ones would be of no use where signatures are required."""
        return not self.read_only and (self.signing is None or self.signing.private is not None)

    def key(self, name: str) -> str:
        return f"{self.prefix}/{name}" if self.prefix else name


@dataclasses.dataclass(slots=True)
class _Session:
    """The state of the shared cache in this process."""

    unavailable: bool = False
    """Whether a request failed. No further request is made in this process."""
    signed_only: bool = False
    """Whether unsigned objects are not used, except those whose hash is known from elsewhere."""


_session = _Session()


def validate() -> None:
    """Check the environment variable. Raises UsageError if it is invalid; the server itself is not contacted."""
    _bucket()


@contextlib.contextmanager
def signed_only() -> Iterator[None]:
    """Take nothing that decides bytes from an unsigned cache while the block runs. A signed one is used as always."""
    _session.signed_only = True
    try:
        yield
    finally:
        _session.signed_only = False


def fetch(name: str, to: Path) -> bool:
    """Download an object to a path; return whether it exists and may be used.

    One whose SHA-256 is not that of its metadata is damaged, and deleted. With a key, one without a valid signature is
    not used, and left where it is: it may be that of somebody with another key.
    """
    bucket = _bucket()
    if bucket is None or _session.unavailable or not _trusted(bucket, name):
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
            _verify(bucket, name, files.sha256(part), response["Metadata"])
            return True
    return False


def _trusted(bucket: Bucket, name: str) -> bool:
    """Return whether an object of this name may be used, provided that it is intact."""
    if bucket.signing or not _session.signed_only or name.startswith(_HASHED_ELSEWHERE):
        return True
    notices.warn(
        "the shared cache is not signed, so what is published takes nothing but sources from it: "
        f"set {signing.VARIABLE}; `layerwright cache key` makes the keys"
    )
    return False


def _verify(bucket: Bucket, name: str, sha256: str, metadata: Mapping[str, str]) -> None:
    """Raise _UnusableError, with a warning, unless the bytes of an object are the announced and the signed ones."""
    if sha256 != metadata.get(_DIGEST):
        notices.warn(f"{name} was damaged in the shared cache, so it is made again")
        if bucket.writable:
            bucket.client.delete_object(Bucket=bucket.name, Key=bucket.key(name))
        raise _UnusableError
    signature = metadata.get(_SIGNATURE)
    if bucket.signing is None or (signature and bucket.signing.verifies(name, sha256, signature)):
        return
    fault = "has a signature of another key or object" if signature else "is not signed"
    notices.warn(f"{name} in the shared cache {fault}: it is not used, and made again")
    raise _UnusableError


def upload(name: str, path: Path) -> None:
    """Upload a file as an object of this name.

    Does nothing if there is no shared cache, it is unavailable, or this machine only reads.
    """
    bucket = _bucket()
    if bucket is None or _session.unavailable or not bucket.writable:
        return
    with _suppressed(f"{name} could not be written"):
        sha256 = files.sha256(path)
        signature = {_SIGNATURE: bucket.signing.sign(name, sha256)} if bucket.signing else {}
        extra = {"Metadata": {_DIGEST: sha256, **signature}}
        bucket.client.upload_file(str(path), bucket.name, bucket.key(name), ExtraArgs=extra)


class _UnusableError(Exception):
    """Leaves the block that would otherwise move an object to its path."""


@contextlib.contextmanager
def _suppressed(what: str) -> Any:  # noqa: ANN401  contextlib's own type
    """Turn errors of the shared cache into a warning, so that they never fail a build."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except _UnusableError:
        pass
    except (Boto3Error, BotoCoreError, ClientError, OSError) as error:
        notices.warn(f"the shared cache: {what}: {error}")
        _session.unavailable = True


def address() -> str | None:
    """Return the URL of the shared cache; None if there is none."""
    return environment.value(VARIABLE) or None


def signed() -> bool:
    """Return whether only objects with a valid signature are used."""
    return signing.text() is not None


def _bucket() -> Bucket | None:
    return _connect(url, signing.text()) if (url := address()) else None


@cache
def _connect(url: str, key: str | None) -> Bucket:
    place, _, query = url.partition("?")
    scheme, _, rest = place.partition("://")
    name, _, prefix = rest.partition("/")
    if scheme != "s3" or not name or query not in {"", _READ_ONLY}:
        msg = f"{VARIABLE}={url} is not a valid address of a cache"
        hint = f"s3://bucket/prefix, or s3://bucket/prefix?{_READ_ONLY}; AWS_ENDPOINT_URL_S3 selects another server"
        raise UsageError(msg, hint=hint)
    try:
        import boto3
        from botocore.config import Config
    except ImportError as error:
        msg = f"{VARIABLE} is set, but boto3 is not installed"
        raise UsageError(msg, hint="`pip install layerwright[aws]`") from error
    retries = {"mode": "standard", "max_attempts": 3}
    config = Config(connect_timeout=_TIMEOUT_SECONDS, read_timeout=_TIMEOUT_SECONDS, retries=retries)
    return Bucket(
        name=name,
        prefix=prefix.strip("/"),
        client=boto3.client("s3", config=config),
        signing=signing.parse(key) if key else None,
        read_only=query == _READ_ONLY,
    )


def reset() -> None:
    """Forget the connection and that it failed, as a new process would. For tests."""
    _connect.cache_clear()
    _session.unavailable = False
