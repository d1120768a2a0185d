"""Getting a published version back as a zip: own ones, and those that others share."""

import base64
import hashlib
import re
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from builder.base import files
from builder.base.errors import BuildError, UnreachableError, UsageError
from builder.layer import manifest
from builder.model.manifest import PulledManifest, ZipFacts
from builder.publish import aws, look
from builder.publish.aws import Cloud
from builder.publish.look import Version

_ARN = re.compile(r"arn:[a-z-]+:lambda:(?P<region>[a-z0-9-]+):\d{12}:layer:(?P<name>[A-Za-z0-9_-]+):(?P<number>\d+)")
"""As LayerVersionArn in Lambda's API reference."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """What an ARN says."""

    region: str
    name: str
    number: int


def parts(arn: str) -> Parts:
    """Take an ARN apart. Raises UsageError when it is of no layer version."""
    found = _ARN.fullmatch(arn)
    if not found:
        msg = f"`{arn}` is no ARN of a layer version"
        hint = "its form is arn:aws:lambda:REGION:ACCOUNT:layer:NAME:NUMBER"
        raise UsageError(msg, hint=hint)
    return Parts(region=found["region"], name=found["name"], number=int(found["number"]))


def pull(cloud: Cloud, arn: str, output: Path) -> Path:
    """Download a version into a folder, with a manifest that says where it runs, and return the zip's path.

    Raises BuildError when the bytes are not those that Lambda announces.
    """
    said = parts(arn)
    with aws.told(f"{said.region}: look at {arn}"):
        answer = cloud.functions(said.region).get_layer_version(**look.which(arn))
    version = look.listed(answer)
    files.writable(output)
    path = output / f"{said.name}-{said.number}.zip"
    with files.replacing(path) as part:
        digest = _download(answer["Content"]["Location"], part)
        found = base64.b64encode(digest).decode("ascii")
        if found != version.code_sha256:
            msg = f"{arn} has other bytes than Lambda announces"
            raise BuildError(msg, why=[f"announced {version.code_sha256}", f"received  {found}"], hint="pull it again")
    with files.replacing(path.with_suffix(".json")) as part:
        part.write_text(manifest.render(_described(arn, said, version, digest.hex())), encoding="utf-8")
    return path


def _described(arn: str, said: Parts, version: Version, sha256: str) -> PulledManifest:
    """Return the manifest of a pulled zip: the facts that Lambda has."""
    target = f"{said.name}-{said.number}"
    return PulledManifest(
        arn=arn,
        name=said.name,
        layer_version=str(said.number),
        target=target,
        description=version.description,
        license=version.license,
        runtimes=version.runtimes,
        architectures=version.architectures,
        zip=ZipFacts(path=f"{target}.zip", bytes=version.bytes, sha256=sha256, code_sha256=version.code_sha256),
    )


def _download(address: str, part: Path) -> bytes:
    """Fetch what a presigned address gives, and return its SHA-256.

    `index.fetch` tells addresses in its errors, and this one is a secret for ten minutes.
    """
    if not address.startswith(("https://", "http://")):
        msg = "Lambda gave no address to download from"
        raise BuildError(msg, why=[address])
    digest = hashlib.sha256()
    try:
        with urllib.request.urlopen(address, timeout=60) as source, part.open("wb") as target:  # noqa: S310  see above
            while chunk := source.read(1 << 20):
                digest.update(chunk)
                target.write(chunk)
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        msg = "the layer could not be downloaded"
        reason = getattr(error, "reason", error)  # never the address: it holds a signature
        raise UnreachableError(msg, why=[str(reason)], hint="pull it again") from None
    return digest.digest()
