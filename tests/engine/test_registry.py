"""Digests at the pace of a registry that is as strict as ECR Public; no engine takes part."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from kit import image_registry
from kit.commands import layerwright
from kit.image_registry import ImageRegistry

from builder.base.errors import UnreachableError, UsageError
from builder.engine import registry
from builder.engine.registry_pace import FIRST, LONGEST, RegistryPace

PATHS = [f"lambda/python:3.{minor}-{arch}" for minor in (12, 13, 14) for arch in ("arm64", "x86_64")]


@pytest.fixture
def strict(monkeypatch: pytest.MonkeyPatch) -> Iterator[ImageRegistry]:
    with image_registry.serve() as world:
        monkeypatch.setenv("LAYERWRIGHT_REGISTRY", world.host)
        yield world


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No login of this machine takes part."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))


def log_in(folder: Path, world: ImageRegistry, user: str) -> None:
    (folder / "docker").mkdir()
    auth = {"auths": {world.host: {"auth": base64.b64encode(user.encode()).decode()}}}
    (folder / "docker" / "config.json").write_text(json.dumps(auth), encoding="utf-8")


def test_digests_are_those_of_the_manifest_lists_one_token_a_repository(strict: ImageRegistry) -> None:
    heard: list[str] = []
    strict.burst = 100
    found, errors = registry.digests(PATHS, answered=lambda path, _: heard.append(path))
    assert errors == []
    assert found == {path: strict.expected(path) for path in PATHS}
    assert sorted(heard) == sorted(found)
    assert set(strict.scopes) == {"repository:lambda/python:pull"}


def test_a_registry_that_refuses_by_rate_is_asked_at_its_pace(strict: ImageRegistry) -> None:
    strict.rate = 5
    intervals: list[float] = []
    found, errors = registry.digests(PATHS[:4], slowed=intervals.append)
    assert (len(found), errors) == (4, [])
    assert strict.answers[429] >= 1
    assert intervals[0] == FIRST


def test_the_pace_is_that_of_one_a_second_for_all_images_of_lambda_within_three_minutes() -> None:
    now, served, refused, tokens = 0.0, 0, 0, 1.0
    at = 0.0

    def pause(seconds: float) -> None:
        nonlocal now
        now += seconds

    pace = RegistryPace(pause=pause, clock=lambda: now)
    while served < 118:
        generation = pace.turn()
        tokens, at = min(1.0, tokens + now - at), now
        if tokens >= 1:
            tokens, served = tokens - 1, served + 1
        else:
            refused += 1
            pace.refused(generation, 0)
        now += 0.02  # the time of an answer
    assert refused < 5
    assert now < 180


def test_refusals_of_requests_under_way_slow_down_once() -> None:
    pace = RegistryPace(pause=lambda _: None, clock=lambda: 0.0)
    under_way = [pace.turn() for _ in range(8)]
    assert [pace.refused(generation, 0) for generation in under_way] == [True, *[False] * 7]
    assert pace.interval == FIRST
    for _ in range(100):
        pace.refused(pace.turn(), 0)
    assert pace.interval == LONGEST


def test_what_the_registry_asks_to_wait_is_waited() -> None:
    waited: list[float] = []
    pace = RegistryPace(pause=waited.append, clock=lambda: 0.0)
    pace.refused(pace.turn(), 7)
    pace.turn()
    assert waited == [7]


def test_a_registry_that_refuses_for_ever_is_named_with_its_reason(
    strict: ImageRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builder.engine.registry_pace.FIRST", 0.0)
    strict.rate = 0
    strict.allows()
    found, (error,) = registry.digests(PATHS[:1])
    assert found == {}
    assert isinstance(error, UnreachableError)
    assert "429" in error.why[0]
    assert error.hint is not None
    assert f"docker login {strict.host}" in error.hint


def test_a_login_is_used_and_an_old_one_does_no_harm(tmp_path: Path, strict: ImageRegistry) -> None:
    strict.burst = 100
    log_in(tmp_path, strict, "AWS:old")
    strict.login = "AWS:new"
    found, errors = registry.digests(PATHS[:1])
    assert (len(found), errors) == (1, [])
    assert strict.answers[403] == 1


def test_a_private_registry_names_the_way_out(strict: ImageRegistry) -> None:
    strict.private = True
    found, (error,) = registry.digests(PATHS[:1])
    assert found == {}
    assert error.what.endswith("the registry refuses access")
    assert error.hint is not None
    assert f"docker logout {strict.host}" in error.hint


def test_an_image_that_is_missing_does_not_keep_the_others_back(strict: ImageRegistry) -> None:
    strict.burst, strict.missing = 100, {PATHS[1]}
    found, (error,) = registry.digests(PATHS[:3])
    assert len(found) == 2
    assert isinstance(error, UsageError)
    assert error.what == f"{strict.host}/{PATHS[1]} does not exist"


@pytest.mark.usefixtures("strict")
@pytest.mark.parametrize("header", ["", "sha256:1", "md5:00", f"sha256:{'A' * 64}"])
def test_what_is_no_digest_is_refused(header: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageRegistry, "digest", staticmethod(lambda _: header))
    found, (error,) = registry.digests(PATHS[:1])
    assert found == {}
    assert "does not return a digest" in error.what


def test_pins_of_a_run_that_was_refused_are_continued(
    tmp_path: Path, strict: ImageRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builder.engine.registry._REFUSALS", 1)
    monkeypatch.setattr("builder.engine.registry._WORKERS", 1)
    strict.rate, strict.burst = 0, 2
    strict._tokens = 2  # noqa: SLF001
    env = {
        "LAYERWRIGHT_REGISTRY": strict.host,
        "LAYERWRIGHT_PINS": str(tmp_path),
        "LAYERWRIGHT_CACHE": str(tmp_path / "cache"),
        "DOCKER_CONFIG": str(tmp_path / "docker"),
    }
    first = layerwright("images", "pin", "--runtime", "python3.13", "--json", cwd=tmp_path, env=env)
    assert first.code == 0, first.err
    assert {change["new"][:7] for change in first.json["changes"]} == {"sha256:"}
    assert (first.json["images"], len(first.json["missing"])) == (2, 2)
    assert "429 Too Many Requests" in first.err
    strict.rate, strict.burst = 1000, 100
    second = layerwright("images", "pin", "--runtime", "python3.13", cwd=tmp_path, env=env)
    assert "2 of 4 digests are those of an earlier run" in second.err
    assert strict.answers[200] >= 4
    (file,) = tmp_path.glob("pins.*.toml")
    assert file.read_text(encoding="utf-8").count("sha256:") == 4
    third = layerwright("images", "pin", "--runtime", "python3.13", cwd=tmp_path, env=env)
    assert "earlier run" not in third.err
