"""S3 on the way of zips that are too large for a request: one bucket per region, and nothing left in it.

With `S3ObjectStorageMode` REFERENCE (CreateFunction and PublishLayerVersion in Lambda's API reference) the function's
code stays in the bucket and counts nowhere else: then the object stays, and the bucket must have versions.
"""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from builder.base.errors import LayerwrightError, UsageError
from builder.model.limits import DIRECT_LIMIT
from builder.publish import aws
from builder.publish.look import Place
from builder.publish.wanted import Wanted

_PREFIX = "layerwright"
_PLACEHOLDERS = ("region", "account")
_REGION_HEADER = "x-amz-bucket-region"


def key_of(sha256: str, name: str) -> str:
    """Return a zip's name in a bucket: always the same for the same content, so that a second try finds the first."""
    return f"{_PREFIX}/{sha256}/{name}.zip"


@dataclass(frozen=True, kw_only=True, slots=True)
class Storage:
    """Where zips go on their way."""

    pattern: str
    """Name of the bucket, with {region} and {account}."""
    account: str = ""
    reference: bool = False

    def __post_init__(self) -> None:
        unknown = [word for word in re.findall(r"\{([^{}]*)\}", self.pattern) if word not in _PLACEHOLDERS]
        plain = self.bucket("us-east-1")
        if unknown or not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", plain):
            msg = f"`{self.pattern}` is no name of a bucket"
            raise UsageError(msg, hint="for example `--bucket my-layers-{region}`; there are {region} and {account}")

    def bucket(self, region: str) -> str:
        return self.pattern.replace("{region}", region).replace("{account}", self.account or "000000000000")

    def needed(self, one: Wanted) -> bool:
        return self.reference or one.bytes > DIRECT_LIMIT

    def problem(self, place: Place) -> str | None:
        """Return why the bucket of a region cannot be used, or None."""
        bucket = self.bucket(place.region)
        try:
            actual = _region(place, bucket)
            if actual != place.region:
                return f"bucket {bucket} is in {actual}; Lambda takes zips only from its own region"
            if self.reference and not self._versioned(place, bucket):
                return f"bucket {bucket} has no versioning, which --storage reference needs"
        except LayerwrightError as error:
            return f"bucket {bucket}: {error.why[0] if error.why else error.what}"
        return None

    def _versioned(self, place: Place, bucket: str) -> bool:
        with aws.told(f"{place.region}: look at bucket {bucket}"):
            found = place.cloud.storage(place.region).get_bucket_versioning(Bucket=bucket)
        return bool(found.get("Status") == "Enabled")

    @contextlib.contextmanager
    def placed(self, place: Place, one: Wanted) -> Iterator[dict[str, Any]]:
        """Give what PublishLayerVersion takes as Content; what was put there is gone afterwards, or stays by wish."""
        client, bucket = place.cloud.storage(place.region), self.bucket(place.region)
        key = key_of(one.sha256, one.name)
        with aws.told(f"{place.region}: put {one.zip.name} into {bucket}"):
            # In parts when it is large; parts of a broken upload are removed, and S3 checks each part's hash.
            client.upload_file(str(one.zip), bucket, key, ExtraArgs={"ChecksumAlgorithm": "SHA256"})
        content: dict[str, Any] = {"S3Bucket": bucket, "S3Key": key}
        if self.reference:
            with aws.told(f"{place.region}: look at {key} in {bucket}"):
                version = client.head_object(Bucket=bucket, Key=key)["VersionId"]
            yield {**content, "S3ObjectVersion": version, "S3ObjectStorageMode": "REFERENCE"}
            return
        try:
            yield content
        finally:
            self.clean(place, one)

    def clean(self, place: Place, one: Wanted) -> None:
        """Remove what was put there for Lambda to copy, also by a call that was killed; what stays costs little."""
        if self.reference:
            return
        bucket, key = self.bucket(place.region), key_of(one.sha256, one.name)
        with contextlib.suppress(LayerwrightError), aws.told(f"{place.region}: remove {key} from {bucket}"):
            place.cloud.storage(place.region).delete_object(Bucket=bucket, Key=key)


def _region(place: Place, bucket: str) -> str:
    """Return where a bucket is; it says so even when it is elsewhere and refuses."""
    from botocore.exceptions import ClientError

    with aws.told(f"{place.region}: look at bucket {bucket}"):
        try:
            answer = place.cloud.storage(place.region).head_bucket(Bucket=bucket)
        except ClientError as error:
            headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
            if _REGION_HEADER not in headers or aws.code(error) == "404":
                raise
            return str(headers[_REGION_HEADER])
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    return str(answer.get("BucketRegion") or headers.get(_REGION_HEADER) or place.region)
