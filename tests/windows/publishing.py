"""Publishing from both sides to a cloud of tests, each to an empty one of its own."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kit import aws, published
from kit.front import Front
from sides import Side, say, timed

REGIONS = ("us-east-1", "eu-west-1")
PUBLISH = (
    *("publish", "--untested", "--account", published.ACCOUNT, "--regions", ",".join(REGIONS)),
    *("--share", published.ORGANIZATION, "--json"),
)
COMMANDS = ((*PUBLISH, "--yes"), (*PUBLISH, "--yes"))
"""The first publishes, the other finds everything there."""
NAMES = ("exec-wrapper-*", "jars-*", "mine-*", "ms-*", "numpy-*")
"""Layers for every runtime and architecture, for one of each, and one that is too large to be read at once."""
COMPARED = ("LayerVersionArn", "Description", "CompatibleArchitectures", "CompatibleRuntimes", "LicenseInfo")


def publishes(linux: Side, windows: Side) -> Iterator[str]:
    """Yield what differs between versions, shares, documents and files of both sides."""
    with aws.server() as server:
        outcomes = []
        for side in (linux, windows):
            with timed(f"{side.name}: publish"), published.cloud(server) as cloud:
                outcomes.append(_outcome(side, cloud))
    first, second = outcomes
    if first["errors"] or not first["versions"]:
        yield f"publish: Linux: {first['said']} {first['errors']}"
    for what in first:
        if first[what] != second[what]:
            yield f"publish: {what}: {_difference(first[what], second[what])}"
    say(f"{len(first['versions'])} versions compared")


def _outcome(side: Side, cloud: Front) -> Mapping[str, Any]:
    """Return the state of the cloud afterwards, and everything that the commands said and wrote."""
    zips = [f"dist/{path.name}" for name in NAMES for path in sorted(side.dist.glob(f"{name}.zip"))]
    there = side.given({**aws.CREDENTIALS, "AWS_ENDPOINT_URL": cloud.address})
    done = [there.run(*command, *zips) for command in COMMANDS]
    said = [(run.returncode, json.loads(run.stdout or b"null")) for run in done]
    folder = side.dist / "publish"
    files = {path.name: path.read_bytes() for path in sorted(folder.glob("layers.*"))} if folder.is_dir() else {}
    return {
        "said": said,
        "errors": [run.stderr.decode(errors="replace") for run in done if run.returncode],
        "versions": sorted(_versions(cloud), key=lambda row: str(row["LayerVersionArn"])),
        "files": files,
    }


def _versions(cloud: Front) -> Iterator[Mapping[str, Any]]:
    for region in REGIONS:
        client = published.functions(cloud, region)
        for name in (layer["LayerName"] for layer in client.list_layers()["Layers"]):
            for number in published.versions(cloud, region, name):
                version = client.get_layer_version(LayerName=name, VersionNumber=number)
                yield {
                    **{key: version.get(key) for key in COMPARED},
                    "CodeSha256": version["Content"]["CodeSha256"],
                    "shares": published.shared(cloud, region, name, number),
                }


def _difference(first: object, second: object) -> str:
    if isinstance(first, Sequence) and isinstance(second, Sequence) and len(first) == len(second):
        pairs = [(a, b) for a, b in zip(first, second, strict=True) if a != b]
        return "; ".join(f"{a} on Linux, {b} on Windows" for a, b in pairs[:2])
    return f"{first} on Linux, {second} on Windows"
