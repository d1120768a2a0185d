"""`dist/<target>.intoto.json`: provenance as an in-toto statement with SLSA's predicate, ready to be signed."""

from collections.abc import Iterator
from typing import Any

from builder import __version__
from builder.model.manifest import Manifest

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "urn:layerwright:build:v1"
"""Names what the parameters below mean."""


def statement(manifest: Manifest, builder: str) -> dict[str, Any]:
    """Return the statement for a manifest; `builder` is the URI of who is trusted to have built it."""
    return {
        "_type": STATEMENT,
        "subject": [{"name": manifest.zip.path, "digest": {"sha256": manifest.zip.sha256}}],
        "predicateType": PREDICATE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {
                    "recipe": manifest.name,
                    "version": manifest.layer_version,
                    "target": manifest.target,
                },
                "internalParameters": {"plan_digest": manifest.plan_digest, "route": manifest.route},
                "resolvedDependencies": list(_dependencies(manifest)),
            },
            "runDetails": {
                "builder": {"id": builder, "version": {"layerwright": __version__}},
                "metadata": {"invocationId": manifest.plan_digest},
            },
        },
    }


def _dependencies(manifest: Manifest) -> Iterator[dict[str, Any]]:
    from builder.layer.sbom import package_url

    for role, image in (("build_image", manifest.build_image), ("image", manifest.image)):
        if image and image.digest:
            algorithm, _, digest = image.digest.partition(":")
            yield {"name": role, "uri": f"docker://{image.name}", "digest": {algorithm: digest}}
    for source in manifest.sources:
        pin = {"gitCommit": source.commit} if source.git else {"sha256": source.sha256}
        yield {"name": source.name, "uri": source.address, "digest": pin}
    for package in manifest.packages:
        if package.sha256:
            yield {"uri": str(package_url(package)), "name": package.file, "digest": {"sha256": package.sha256}}
