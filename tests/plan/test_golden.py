"""Dockerfiles and keys of plans, from resolutions that are stored: no index, no engine, nothing of this host."""

import dataclasses
import json
import os
import socket
import subprocess
import time
from pathlib import Path

import jinja2.ext  # noqa: F401  imported before the world is closed
import pytest
from kit.golden import FOLDER, GOLDEN, compare, stored
from kit.pure import ImpureError, pure

from builder.model.architectures import ARM64, X86_64
from builder.model.images import Image
from builder.plan import dockerfile, keys
from builder.plan.container import Acceleration, Container
from builder.plan.decide import decide

COMPILED = [name for name in GOLDEN if (FOLDER / f"{name}.Dockerfile").is_file() or decide(stored(name)).container]


def container(name: str) -> Container:
    found = decide(stored(name)).container
    assert found is not None
    return found


def acceleration(made: Container) -> Acceleration:
    """Compile with an engine of the other architecture."""
    arch = X86_64 if made.target.arch == ARM64 else ARM64
    name = made.image.name.replace(made.target.arch.name, arch.name)
    return made.accelerated(arch, Image(name=name, digest="sha256:" + "0" * 64))


@pytest.mark.parametrize("name", COMPILED)
def test_dockerfiles_stay_as_they_are(name: str, update_golden: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001
    """Native and emulated builds have the same one: only the engine differs."""
    made = container(name)
    with pure(monkeypatch):
        plain = dockerfile.describe(made)
        accelerated = dockerfile.describe(made, acceleration(made)) if made.compiling else ""
    compare(FOLDER / f"{name}.Dockerfile", plain, update=update_golden)
    if accelerated:
        compare(FOLDER / f"{name}.accelerated.Dockerfile", accelerated, update=update_golden)


def test_the_dockerfile_of_a_repaired_wheel_stays_as_it_is(update_golden: bool) -> None:  # noqa: FBT001
    text = dockerfile.describe(dataclasses.replace(container("pip"), repair=True))
    compare(FOLDER / "pip.repaired.Dockerfile", text, update=update_golden)


@pytest.mark.parametrize("name", GOLDEN)
def test_keys_stay_as_they_are(name: str, update_golden: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001
    """The inputs stand beside the keys: a difference says by name what made it."""
    resolved = stored(name)
    with pure(monkeypatch):
        plan = decide(resolved)
        parts = dict(keys.inputs(plan.container)) if plan.container else {}
        document = {
            "digest": plan.digest,
            "zip": plan.inputs(),
            "beside": plan.beside(),
            "parts": {stage: {"key": keys.key(named), "inputs": named} for stage, named in parts.items()},
        }
    text = json.dumps(document, indent=1, sort_keys=True)
    compare(FOLDER / f"{name}.keys.json", f"{text}\n", update=update_golden)


def test_every_way_is_among_the_plans() -> None:
    resolved = [stored(name) for name in GOLDEN]
    assert len(resolved) >= 20
    uses = {step.uses for each in resolved for step in each.recipe.step}
    assert uses == {"pip", "npm", "gem", "maven", "cargo", "go", "packages", "source", "script", "copy"}
    builds = {step.build for each in resolved for step in each.recipe.step if step.uses == "source"}
    assert builds == {"autotools", "cmake", "meson", "make"}
    managers = {each.target.base.manager.install.split()[0] for each in resolved}
    assert managers == {"yum", "dnf", "microdnf"}
    assert {path.name.split(".")[0] for path in FOLDER.iterdir()} == {*GOLDEN, "formats"}


@pytest.mark.parametrize("name", GOLDEN)
def test_decisions_ask_nobody(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    resolved = stored(name)
    with pure(monkeypatch):
        plan = decide(resolved)
        assert len(plan.digest) == 64
        if plan.container:
            assert keys.parts(plan.container)


def test_who_asks_is_noticed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    for ask in (
        (tmp_path / "a").read_text,
        lambda: list(tmp_path.iterdir()),
        lambda: socket.create_connection(("127.0.0.1", 9)),
        lambda: subprocess.run(["true"], check=False),
        lambda: os.environ.get("HOME"),
        lambda: time.time(),  # noqa: PLW0108  looked up when it is called
    ):
        with pytest.raises(ImpureError), pure(monkeypatch):
            ask()
