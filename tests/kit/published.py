"""Zips to publish, and a cloud on loopback to publish them to."""

import base64
import contextlib
import hashlib
import json
import os
import urllib.request
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import boto3

from builder.publish import grants
from builder.smoke import record
from builder.smoke.results import SmokeResult
from kit import aws, zips
from kit.front import Front, front

ACCOUNT = "123456789012"
"""moto's own, of whoever has no keys of another account."""
ORGANIZATION = "org:o-a1b2c3d4e5"
OTHER = "account:210987654321"


def layer(
    folder: Path,
    name: str = "sample",
    content: bytes = b"1",
    *,
    version: str = "1.0",
    runtime: str = "python3.13",
    arch: str = "arm64",
    tested: bool = True,
    **more: Any,
) -> Path:
    """Write a zip as `build` does, with the manifest beside it, and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    target = f"{name}-{version}-{runtime}-{arch}"
    path = zips.write(folder / f"{target}.zip", {"python/sample.py": content})
    digest = hashlib.sha256(path.read_bytes()).digest()
    described = {
        "version": 1,
        "name": name,
        "layer_version": version,
        "description": "for tests",
        "license": "MIT",
        "target": target,
        "runtimes": [runtime],
        "architectures": [arch],
        "os": "al2023",
        "route": "wheels",
        "locked": False,
        "bytecode": None,
        "zip": {
            "path": path.name,
            "bytes": path.stat().st_size,
            "sha256": digest.hex(),
            "code_sha256": base64.b64encode(digest).decode(),
        },
        "unzipped_bytes": len(content),
        "files": 1,
        "abi": {"glibc": None, "glibcxx": None, "cxxabi": None},
        "packages": [],
        "libraries": [],
        "findings": [],
        "plan_digest": "0" * 64,
        "image": {"name": "lambda/python:3.13-arm64", "digest": None},
        "build_image": None,
        **more,
    }
    path.with_suffix(".json").write_text(json.dumps(described), encoding="utf-8")
    if tested:
        passed(path, more.get("runtimes", [runtime])[0], more.get("architectures", [arch])[0])
    return path


def passed(path: Path, runtime: str = "python3.13", arch: str = "arm64") -> None:
    """Write the record of a test that passed beside a zip, as on a machine with an engine."""
    result = SmokeResult(what="the test", runtime=runtime, arch=arch, seconds=1.0, cold_ms=None, emulated=False)
    run = record.ImageTrial(
        runtime=runtime,
        arch=arch,
        image="lambda/python:3.13",
        digest=f"sha256:{'0' * 64}",
        emulated=False,
        at="2026-01-01T00:00:00+00:00",
        results=(result,),
    )
    record.at(path).replace(record.ZipTrials(zip=code_digest(path), tests="0" * 64, runs=(run,)))


@contextlib.contextmanager
def cloud(*servers: str, **how: Any) -> Iterator[Front]:
    """Give a front before moto's servers with nothing in them; this process and its children are set to it."""
    for server in servers:
        urllib.request.urlopen(urllib.request.Request(f"{server}/moto-api/reset", method="POST")).close()
    with front(*servers, **how) as running, set_to({**aws.CREDENTIALS, "AWS_ENDPOINT_URL": running.address}):
        yield running


@contextlib.contextmanager
def set_to(variables: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def functions(running: Front, region: str, **credentials: str) -> Any:
    """Return a client of Lambda, for what a test wants to see or to have done by hand."""
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing", **credentials}
    return _client(running.address, region, tuple(keys.items()))


@cache
def _client(address: str, region: str, keys: tuple[tuple[str, str], ...]) -> Any:
    return boto3.client("lambda", region_name=region, endpoint_url=address, **dict(keys))


def versions(running: Front, region: str, name: str) -> dict[int, str]:
    """Return CodeSha256 by number."""
    client = functions(running, region)
    rows = client.get_paginator("list_layer_versions").paginate(LayerName=name).build_full_result()["LayerVersions"]
    numbers = sorted(row["Version"] for row in rows)
    return {
        number: client.get_layer_version(LayerName=name, VersionNumber=number)["Content"]["CodeSha256"]
        for number in numbers
    }


def shared(running: Front, region: str, name: str, number: int) -> list[str]:
    """Return who may use a version, once for each statement, sorted."""
    client = functions(running, region)
    try:
        found = client.get_layer_version_policy(LayerName=name, VersionNumber=number)
    except client.exceptions.ResourceNotFoundException:
        return []
    return sorted(str(one) for one in grants.of_policy(json.loads(found["Policy"])).values())


def code_digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def code_sha256(path: Path) -> str:
    return base64.b64encode(hashlib.sha256(path.read_bytes()).digest()).decode()
