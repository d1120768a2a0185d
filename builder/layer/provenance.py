"""`dist/<target>.intoto.json`: how a zip came to be, as an in-toto statement with SLSA's predicate, to be signed."""

from collections.abc import Iterator, Mapping
from typing import Any

from builder import __version__

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "urn:layerwright:build:v1"
"""Names what the parameters below mean."""


def statement(described: Mapping[str, Any], builder: str) -> dict[str, Any]:
    """Return the statement for a manifest; `builder` is the URI of who is trusted to have built it."""
    return {
        "_type": STATEMENT,
        "subject": [{"name": described["zip"]["path"], "digest": {"sha256": described["zip"]["sha256"]}}],
        "predicateType": PREDICATE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {
                    "recipe": described["name"],
                    "version": described["layer_version"],
                    "target": described["target"],
                },
                "internalParameters": {"plan_digest": described["plan_digest"], "route": described["route"]},
                "resolvedDependencies": list(_dependencies(described)),
            },
            "runDetails": {
                "builder": {"id": builder, "version": {"layerwright": __version__}},
                "metadata": {"invocationId": described["plan_digest"]},
            },
        },
    }


def _dependencies(described: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    from builder.layer.sbom import package_url

    for role in ("build_image", "image"):
        image = described.get(role)
        if image and image["digest"]:
            algorithm, _, digest = image["digest"].partition(":")
            yield {"name": role, "uri": f"docker://{image['name']}", "digest": {algorithm: digest}}
    for row in described.get("sources", ()):
        digest = {"gitCommit": row["commit"]} if row.get("git") else {"sha256": row["sha256"]}
        yield {"name": row["name"], "uri": row.get("git") or row["url"], "digest": digest}
    for row in described["packages"]:
        if row.get("sha256"):
            yield {"uri": str(package_url(row)), "name": row["file"], "digest": {"sha256": row["sha256"]}}
