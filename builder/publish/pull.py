"""Download of a published version as a zip, from the own account or shared by another."""

import base64
import re
from pathlib import Path

from builder.base import files, http
from builder.base.errors import BuildError, UsageError
from builder.base.frozen import dataclass
from builder.base.transfer import HttpError
from builder.layer import manifest
from builder.model.manifest import PulledManifest, ZipFacts
from builder.publish import aws, remote_state
from builder.publish.aws import Cloud
from builder.publish.remote_state import RemoteVersion

_ARN = re.compile(r"arn:[a-z-]+:lambda:(?P<region>[a-z0-9-]+):\d{12}:layer:(?P<name>[A-Za-z0-9_-]+):(?P<number>\d+)")
"""LayerVersionArn in Lambda's API reference."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionArn:
    """The parts of a layer version's ARN."""

    region: str
    name: str
    number: int


def parse_arn(text: str) -> VersionArn:
    """Parse the ARN of a layer version. Raises UsageError if the text is not one."""
    match = _ARN.fullmatch(text)
    if not match:
        msg = f"`{text}` is not the ARN of a layer version"
        raise UsageError(msg, hint="the format is arn:aws:lambda:REGION:ACCOUNT:layer:NAME:NUMBER")
    return VersionArn(region=match["region"], name=match["name"], number=int(match["number"]))


def pull(cloud: Cloud, arn: str, output: Path) -> Path:
    """Download a version and write a manifest with its runtimes and architectures. Return the path of the zip.

    Raises BuildError if the content does not match the hash that Lambda reports.
    """
    parsed = parse_arn(arn)
    with aws.translating(f"{parsed.region}: cannot get {arn}"):
        answer = cloud.functions(parsed.region).get_layer_version(**remote_state.identifiers(arn))
    version = remote_state.parse_version(answer)
    files.writable(output)
    path = output / f"{parsed.name}-{parsed.number}.zip"
    described = manifest.at(path)
    described.read()  # refuse that of a newer layerwright before the zip is replaced
    with files.replacing(path) as part:
        digest = _download(answer["Content"]["Location"], part)
        code_sha256 = base64.b64encode(digest).decode("ascii")
        if code_sha256 != version.code_sha256:
            msg = f"the content of {arn} does not match the hash that Lambda reports"
            why = [f"reported {version.code_sha256}", f"received {code_sha256}"]
            raise BuildError(msg, why=why, hint="retry the pull")
    described.replace(_described(arn, parsed, version, digest.hex()))
    return path


def _described(arn: str, parsed: VersionArn, version: RemoteVersion, sha256: str) -> PulledManifest:
    """Return a manifest with the properties that Lambda stores; those known only to the build are missing."""
    target = f"{parsed.name}-{parsed.number}"
    return PulledManifest(
        arn=arn,
        name=parsed.name,
        layer_version=str(parsed.number),
        target=target,
        description=version.description,
        license=version.license,
        runtimes=version.runtimes,
        architectures=version.architectures,
        zip=ZipFacts(path=f"{target}.zip", bytes=version.bytes, sha256=sha256, code_sha256=version.code_sha256),
    )


def _download(url: str, part: Path) -> bytes:
    """Download a presigned URL into a file and return the SHA-256.

    Its query is a signature that opens the file for ten minutes, and S3 accepts no other credentials beside it.
    """
    try:
        http.download(url, part, authenticate=False)
    except HttpError as error:
        msg = "the layer could not be downloaded"
        raise error.translated(msg, "retry the pull") from None
    return bytes.fromhex(files.sha256(part))
