"""Upload of zips above the limit of a request: one S3 bucket per region, emptied afterwards.

With `S3ObjectStorageMode` REFERENCE (CreateFunction and PublishLayerVersion in Lambda's API reference), Lambda reads
the code from the bucket and it does not count towards the storage quota: the object stays, and the bucket must have
versioning enabled.
"""

import contextlib
import re
from collections.abc import Iterator
from typing import Any

from builder.base.errors import LayerwrightError, UsageError
from builder.base.frozen import dataclass
from builder.model.limits import DIRECT_LIMIT
from builder.publish import aws
from builder.publish.layer_version import LayerVersion
from builder.publish.remote_state import RemoteRegion

_PREFIX = "layerwright"
_PLACEHOLDERS = ("region", "account")
_REGION_HEADER = "x-amz-bucket-region"


def object_key(sha256: str, name: str) -> str:
    """Return the key of a zip in a bucket. It depends on the content only, so a second attempt finds the object."""
    return f"{_PREFIX}/{sha256}/{name}.zip"


@dataclass(frozen=True, kw_only=True, slots=True)
class Storage:
    """The buckets for large zips."""

    pattern: str
    """Name of the bucket, with the placeholders {region} and {account}."""
    account: str = ""
    reference: bool = False
    """Whether Lambda reads the zips from the bucket, where they stay."""

    def __post_init__(self) -> None:
        unknown = [word for word in re.findall(r"\{([^{}]*)\}", self.pattern) if word not in _PLACEHOLDERS]
        plain = self.bucket("us-east-1")
        if unknown or not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", plain):
            msg = f"`{self.pattern}` is not a valid bucket name"
            hint = "for example `--bucket my-layers-{region}`; the placeholders are {region} and {account}"
            raise UsageError(msg, hint=hint)

    def bucket(self, region: str) -> str:
        return self.pattern.replace("{region}", region).replace("{account}", self.account or "000000000000")

    def needed(self, layer: LayerVersion) -> bool:
        return self.reference or layer.bytes > DIRECT_LIMIT

    def problem(self, remote: RemoteRegion) -> str | None:
        """Return the reason why the bucket of a region cannot be used, or None."""
        bucket = self.bucket(remote.region)
        try:
            bucket_region = _region(remote, bucket)
            if bucket_region != remote.region:
                return f"bucket {bucket} is in {bucket_region}; Lambda reads zips only from buckets in its own region"
            if self.reference and not self._versioned(remote, bucket):
                return f"bucket {bucket} has no versioning, which --storage reference requires"
        except LayerwrightError as error:
            return f"bucket {bucket}: {error.why[0] if error.why else error.what}"
        return None

    def _versioned(self, remote: RemoteRegion, bucket: str) -> bool:
        with aws.translating(f"{remote.region}: cannot read the versioning of bucket {bucket}"):
            answer = remote.cloud.storage(remote.region).get_bucket_versioning(Bucket=bucket)
        return bool(answer.get("Status") == "Enabled")

    @contextlib.contextmanager
    def uploaded(self, remote: RemoteRegion, layer: LayerVersion) -> Iterator[dict[str, Any]]:
        """Upload a zip and yield the Content parameter of PublishLayerVersion.

        The object is removed on exit, unless Lambda reads it from the bucket.
        """
        client, bucket = remote.cloud.storage(remote.region), self.bucket(remote.region)
        key = object_key(layer.sha256, layer.name)
        with aws.translating(f"{remote.region}: cannot upload {layer.zip.name} to bucket {bucket}"):
            # Multipart for large files; boto3 removes the parts of a failed upload, and S3 verifies the hash of each.
            client.upload_file(str(layer.zip), bucket, key, ExtraArgs={"ChecksumAlgorithm": "SHA256"})
        content: dict[str, Any] = {"S3Bucket": bucket, "S3Key": key}
        if self.reference:
            with aws.translating(f"{remote.region}: cannot read {key} in bucket {bucket}"):
                version = client.head_object(Bucket=bucket, Key=key)["VersionId"]
            yield {**content, "S3ObjectVersion": version, "S3ObjectStorageMode": "REFERENCE"}
            return
        try:
            yield content
        finally:
            self.remove(remote, layer)

    def remove(self, remote: RemoteRegion, layer: LayerVersion) -> None:
        """Remove an uploaded zip, also that of an interrupted publish. Errors are ignored: a leftover costs little."""
        if self.reference:
            return
        bucket, key = self.bucket(remote.region), object_key(layer.sha256, layer.name)
        with (
            contextlib.suppress(LayerwrightError),
            aws.translating(f"{remote.region}: cannot remove {key} from bucket {bucket}"),
        ):
            remote.cloud.storage(remote.region).delete_object(Bucket=bucket, Key=key)


def _region(remote: RemoteRegion, bucket: str) -> str:
    """Return the region of a bucket. S3 reports it even when it refuses the request because of it."""
    from botocore.exceptions import ClientError

    with aws.translating(f"{remote.region}: cannot access bucket {bucket}"):
        try:
            answer = remote.cloud.storage(remote.region).head_bucket(Bucket=bucket)
        except ClientError as error:
            headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
            if _REGION_HEADER not in headers or aws.code(error) == "404":
                raise
            return str(headers[_REGION_HEADER])
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    return str(answer.get("BucketRegion") or headers.get(_REGION_HEADER) or remote.region)
