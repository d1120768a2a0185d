"""The shared cache, with a real server for S3 and two machines without a common disk."""

import base64
import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from kit import aws
from kit.commands import Result, layerwright, layerwright_process, pip_recipe, write_recipe
from kit.wheels import Index, make_wheel

from builder.base import notices, remote, signing
from builder.building import artifacts
from builder.smoke.record import ImageTrial
from builder.smoke.results import SmokeResult
from builder.smoke.run import Trial

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


def test_the_record_of_tests_comes_along_with_a_layer(work: Path, bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who insists on tests takes the layer of another machine that has passed them, and tests one that has not."""
    result = SmokeResult(what="a test", runtime="python3.13", arch="arm64", seconds=0.1, cold_ms=None, emulated=False)
    run = ImageTrial(
        runtime="python3.13", arch="arm64", image="x", digest=None, emulated=False, at="2026", results=(result,)
    )
    tried: list[Path] = []

    def layer(_: object, path: Path, *__: object, **___: object) -> Trial:
        tried.append(path)
        return Trial(runs=(run,))

    monkeypatch.setattr("builder.smoke.run.layer", layer)
    monkeypatch.setattr("builder.plan.mode.EngineOptions.engine", lambda _: None)
    monkeypatch.setattr("builder.engine.client.present", lambda *_: None)
    assert states(machine(work, "one", "--test", "always")) == ["built"]
    assert len([name for name in keys(bucket) if name.startswith("team/cache/layers/")]) == 4
    assert states(machine(work, "other", "--test", "always")) == ["same"]
    assert len(tried) == 1
    (record,) = (work / "other").glob("*.tests.json")
    assert record.read_bytes() == (work / "one" / record.name).read_bytes()
    (name,) = [name for name in keys(bucket) if name.endswith(".tests.json")]
    bucket.delete_object(Bucket=BUCKET, Key=name)
    assert states(machine(work, "third", "--test", "always")) == ["same"]
    assert len(tried) == 2


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
    for address in ("/somewhere", "s3://bucket/prefix?readonly", "s3://?read-only"):
        result = layerwright("nightly", cwd=work, env={remote.VARIABLE: address})
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


# ---- signatures ----------------------------------------------------------------------------------------------------


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Return the files of a key pair, whose private key is that of this process and its children."""
    made = signing.generate(tmp_path / "team")
    monkeypatch.setenv(signing.VARIABLE, str(made[0]))
    return made


def put(client: Any, key: str, data: bytes, **metadata: str) -> None:
    """Write an object as somebody does who may write there: with the right hash."""
    client.put_object(
        Bucket=BUCKET, Key=key, Body=data, Metadata={"sha256": hashlib.sha256(data).hexdigest(), **metadata}
    )


def objects(client: Any) -> dict[str, tuple[bytes, dict[str, str]]]:
    found = {key: client.get_object(Bucket=BUCKET, Key=key) for key in keys(client)}
    return {key: (response["Body"].read(), response["Metadata"]) for key, response in found.items()}


def replace_layer(client: Any, **metadata: str) -> None:
    """Replace a zip and its manifest by others that fit each other."""
    for key, (data, old) in objects(client).items():
        if key.endswith(".zip"):
            stream = io.BytesIO(data)
            with zipfile.ZipFile(stream, "a") as archive:
                archive.writestr("python/replaced.py", "")
            bad = stream.getvalue()
            manifest_key = f"{key.removesuffix('.zip')}.json"
            manifest = json.loads(objects(client)[manifest_key][0])
            digest = hashlib.sha256(bad)
            code = base64.b64encode(digest.digest()).decode()
            manifest["zip"].update(bytes=len(bad), sha256=digest.hexdigest(), code_sha256=code)
            given = {**{name: value for name, value in old.items() if name == "signature"}, **metadata}
            put(client, key, bad, **given)
            put(client, manifest_key, json.dumps(manifest).encode(), **given)


def test_signed_layers_are_shared(work: Path, bucket: Any, pair: tuple[Path, Path]) -> None:
    assert states(machine(work, "one")) == ["built"]
    assert all("signature" in metadata for _, metadata in objects(bucket).values())
    assert states(machine(work, "other")) == ["same"]
    assert digest(work, "one") == digest(work, "other")
    assert pair[0].is_file()


def test_a_public_key_reads_and_writes_nothing(
    work: Path, bucket: Any, pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(signing.VARIABLE, pair[1].read_text(encoding="ascii"))
    assert states(machine(work, "first")) == ["built"]
    assert keys(bucket) == []
    monkeypatch.setenv(signing.VARIABLE, str(pair[0]))
    assert states(machine(work, "one")) == ["built"]
    monkeypatch.setenv(signing.VARIABLE, str(pair[1]))
    assert states(machine(work, "other")) == ["same"]


@pytest.mark.parametrize("form", ["unsigned", "signature of another object", "no signature", "damaged signature"])
def test_replaced_layers_are_reported_and_built_again(
    work: Path, bucket: Any, pair: tuple[Path, Path], form: str
) -> None:
    assert states(machine(work, "one")) == ["built"]
    if form == "unsigned":
        for key, (data, _) in objects(bucket).items():
            put(bucket, key, data)
    replace_layer(bucket, **({"signature": form} if form in {"no signature", "damaged signature"} else {}))
    other = machine(work, "other")
    assert states(other) == ["built"]
    assert "it is not used, and made again" in other.err
    assert ("is not signed" in other.err) == (form == "unsigned")
    assert digest(work, "one") == digest(work, "other")
    assert states(machine(work, "third")) == ["same"], "the machine with the key has written the right one"
    assert pair[0].is_file()


def test_a_machine_with_another_key_takes_nothing_and_removes_nothing(
    work: Path, bucket: Any, pair: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert states(machine(work, "one")) == ["built"]
    before = objects(bucket)
    monkeypatch.setenv(signing.VARIABLE, str(signing.generate(tmp_path / "stranger")[1]))
    other = machine(work, "other")
    assert states(other) == ["built"]
    assert "has a signature of another key or object" in other.err
    assert objects(bucket) == before
    assert pair[0].is_file()


@pytest.mark.parametrize("kind", ["parts", "resolved", "sources", "layers", "published"])
def test_objects_of_every_kind_need_a_signature(
    bucket: Any, pair: tuple[Path, Path], tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, to, key = tmp_path / "source", tmp_path / "to", f"team/cache/{kind}/name"
    source.write_bytes(b"content")
    remote.upload(f"{kind}/name", source)
    assert remote.fetch(f"{kind}/name", to)
    assert to.read_bytes() == b"content"
    to.unlink()
    _, metadata = objects(bucket)[key]
    put(bucket, f"team/cache/{kind}/another", b"content", signature=metadata["signature"])
    put(bucket, f"team/cache/another/{kind}/name", b"content", signature=metadata["signature"])
    put(bucket, key, b"other", signature=metadata["signature"])
    for name in (f"{kind}/name", f"{kind}/another", f"another/{kind}/name"):
        assert not remote.fetch(name, to)
        assert notices.take() == (
            f"{name} in the shared cache has a signature of another key or object: it is not used, and made again",
        )
    put(bucket, key, b"content")
    assert not remote.fetch(f"{kind}/name", to)
    assert notices.take() == (f"{kind}/name in the shared cache is not signed: it is not used, and made again",)
    assert not to.exists()
    monkeypatch.setenv(signing.VARIABLE, str(pair[1]))
    assert not remote.fetch(f"{kind}/name", to)
    notices.take()


def test_a_read_only_cache_is_read_and_neither_written_nor_cleaned(
    work: Path, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(remote.VARIABLE, f"s3://{BUCKET}/team/cache?read-only")
    assert states(machine(work, "first")) == ["built"]
    assert keys(bucket) == []
    monkeypatch.setenv(remote.VARIABLE, f"s3://{BUCKET}/team/cache")
    assert states(machine(work, "one")) == ["built"]
    monkeypatch.setenv(remote.VARIABLE, f"s3://{BUCKET}/team/cache?read-only")
    assert states(machine(work, "other")) == ["same"]
    (name,) = [name for name in keys(bucket) if name.endswith(".zip")]
    bucket.put_object(Bucket=BUCKET, Key=name, Body=b"damaged", Metadata={"sha256": "0" * 64})
    assert states(machine(work, "third")) == ["built"]
    assert objects(bucket)[name][0] == b"damaged"


def test_what_is_published_takes_only_sources_from_an_unsigned_cache(bucket: Any, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"content")
    kinds = ("parts", "resolved", "sources", "layers", "published")
    for kind in kinds:
        remote.upload(f"{kind}/name", source)
    assert len(keys(bucket)) == 5
    with remote.signed_only():
        assert [kind for kind in kinds if remote.fetch(f"{kind}/name", tmp_path / "to")] == ["sources"]
    (warning,) = notices.take()
    assert "is not signed" in warning
    assert all(remote.fetch(f"{kind}/name", tmp_path / "to") for kind in kinds)


def test_cache_list_says_whether_the_cache_is_signed(
    bucket: Any, pair: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert keys(bucket) == []
    assert "cache (signed)" in layerwright("cache", "list", cwd=tmp_path).err
    assert layerwright("cache", "list", "--json", cwd=tmp_path).json["remote_signed"] is True
    monkeypatch.setenv(signing.VARIABLE, "")
    assert "cache (not signed)" in layerwright("cache", "list", cwd=tmp_path).err
    assert pair[0].is_file()


def test_an_invalid_key_is_refused_before_any_work(
    work: Path, bucket: Any, pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(signing.VARIABLE, str(pair[0].with_suffix(".none")))
    result = machine(work, "one")
    assert result.code == 2
    assert signing.VARIABLE in result.err
    assert keys(bucket) == []
