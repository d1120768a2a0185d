"""The shared cache, with a real server for S3 and two machines without a common disk."""

import hashlib
import io
import tarfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from kit import aws
from kit.commands import Result, layerwright, layerwright_process, pip_recipe, write_recipe
from kit.wheels import Index, make_wheel

from builder.base import notices, remote
from builder.building import artifacts

BUCKET = "layers"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with aws.server() as address:
        yield address


@pytest.fixture
def bucket(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Yield a client for an empty bucket, which is the shared cache of this process and its children."""
    client = aws.client(server)
    client.create_bucket(Bucket=BUCKET)
    for name, value in {
        **aws.CREDENTIALS,
        "AWS_ENDPOINT_URL_S3": server,
        remote.VARIABLE: f"s3://{BUCKET}/team/cache",
    }.items():
        monkeypatch.setenv(name, value)
    remote.reset()
    yield client
    remote.reset()
    for name in keys(client):
        client.delete_object(Bucket=BUCKET, Key=name)
    client.delete_bucket(Bucket=BUCKET)


def keys(client: Any) -> list[str]:
    return [one["Key"] for one in client.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


@pytest.fixture
def work(tmp_path: Path, index: Index) -> Path:
    folder = tmp_path / "work"
    wheel = make_wheel(index.folder, "a", "1.0", files={"a/data.bin": b"a" * 5000})
    write_recipe(folder, "a", pip_recipe("a", "a=={version}"))
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (folder / "recipes" / "a" / "requirements.lock").write_text(f"a==1.0 \\\n    --hash=sha256:{digest}\n")
    return folder


def machine(work: Path, name: str, *arguments: str, run: Callable[..., Result] = layerwright) -> Result:
    """Run a night on a machine of that name: a disk and a cache of its own."""
    options = ("--json", "--patience", "0", "--output", name, *arguments)
    return run("nightly", *options, cwd=work, env={"LAYERWRIGHT_CACHE": str(work / f"cache-{name}")})


def states(result: Result) -> list[str]:
    assert result.code == 0, result.err
    return list(result.json["states"].values())


def digest(work: Path, name: str) -> str:
    return hashlib.sha256((work / name / "a-1.0-python3.13-arm64.zip").read_bytes()).hexdigest()


def test_a_layer_is_built_by_one_machine_and_used_by_another(work: Path, bucket: Any, index: Index) -> None:
    assert states(machine(work, "one")) == ["built"]
    layers = [name for name in keys(bucket) if name.startswith("team/cache/layers/")]
    assert len(layers) == 3
    assert states(machine(work, "other")) == ["same"]
    (wheel,) = index.folder.glob("*.whl")
    wheel.unlink()  # nobody needs it any more
    assert states(machine(work, "third")) == ["same"]
    assert digest(work, "one") == digest(work, "other") == digest(work, "third")
    assert (work / "third" / "a-1.0-python3.13-arm64.cdx.json").is_file()


def test_a_damaged_object_is_reported_removed_and_built_again(work: Path, bucket: Any) -> None:
    assert states(machine(work, "one")) == ["built"]
    (name,) = [name for name in keys(bucket) if name.endswith(".zip")]
    whole = bucket.get_object(Bucket=BUCKET, Key=name)
    data = bytearray(whole["Body"].read())
    data[100] ^= 1
    bucket.put_object(Bucket=BUCKET, Key=name, Body=bytes(data), Metadata=whole["Metadata"])
    other = machine(work, "other")
    assert states(other) == ["built"]
    assert "was damaged in the shared cache, so it is made again" in other.err
    assert digest(work, "one") == digest(work, "other")
    again = bucket.get_object(Bucket=BUCKET, Key=name)["Body"].read()
    assert hashlib.sha256(again).hexdigest() == digest(work, "one")


def test_two_machines_at_once(work: Path, bucket: Any) -> None:
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda name: machine(work, name, run=layerwright_process), ("one", "other")))
    assert [result.code for result in results] == [0, 0]
    assert digest(work, "one") == digest(work, "other")
    assert len([name for name in keys(bucket) if name.endswith(".zip")]) == 1


def test_an_unreachable_cache_costs_time_and_nothing_else(
    work: Path, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert keys(bucket) == []
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    result = machine(work, "one")
    assert states(result) == ["built"]
    assert result.err.count("the shared cache:") == 1  # told once, not for every object


def test_a_missing_bucket_is_reported(work: Path, bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert keys(bucket) == []
    monkeypatch.setenv(remote.VARIABLE, "s3://nobody-has-this")
    result = machine(work, "one")
    assert states(result) == ["built"]
    assert "NoSuchBucket" in result.err or "does not exist" in result.err


def test_an_invalid_address_is_refused(work: Path) -> None:
    result = layerwright("nightly", cwd=work, env={remote.VARIABLE: "/somewhere"})
    assert result.code == 2
    assert "is not a valid address of a cache" in result.err


def test_artifacts_are_shared_as_well(bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAYERWRIGHT_CACHE", str(tmp_path / "one"))
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        info = tarfile.TarInfo("tree/opt/bin/a")
        info.size = 7
        archive.addfile(info, io.BytesIO(b"program"))
    stream.seek(0)
    artifacts.receive(stream, {"tree": artifacts.ExpectedArtifact(key="k" * 64, mode="native")})
    assert [name for name in keys(bucket) if "/parts/" in name] == [f"team/cache/parts/{'k' * 64}-native.tar"]
    monkeypatch.setenv("LAYERWRIGHT_CACHE", str(tmp_path / "other"))
    made = artifacts.get("k" * 64)
    assert made is not None
    assert [entry.path for entry in made.files("opt")] == ["bin/a"]
    assert artifacts.get("n" * 64) is None
    damaged = bytearray(made.path.read_bytes())
    damaged[damaged.index(b"program")] ^= 1
    made.path.write_bytes(damaged)
    again = artifacts.get("k" * 64, ("native",))
    assert again is None
    assert not made.path.exists()
    assert notices.take() == ()
