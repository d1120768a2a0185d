"""Container builds: their repetition with what a failure shows to be missing, and what their reports tell."""

import dataclasses
import io
import tarfile
from pathlib import Path
from typing import Any, cast

import pytest
from kit.golden import stored

from builder.base.emitter import Events
from builder.building import artifacts, compiling, describing
from builder.building.artifacts import ExpectedArtifact
from builder.building.compiling import Work
from builder.engine.missing import NoHeadersError, StepFailedError
from builder.packages.npm import headers
from builder.plan import mode
from builder.plan.decide import decide
from builder.plan.mode import EngineOptions


def test_a_build_without_headers_of_nodejs_is_repeated_with_them_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LAYERWRIGHT_CACHE", str(tmp_path))
    container = decide(stored("npm")).container
    assert container
    needed = []

    def attempt(work: Work, *_: object) -> None:
        needed.append(headers.needed(work.container.target))
        msg = "none"
        raise NoHeadersError(msg)

    monkeypatch.setattr(compiling, "_attempt", attempt)
    work = Work(container=container, folder=None, options=EngineOptions(mode=mode.EMULATED))
    with pytest.raises(NoHeadersError):
        compiling._build(work, mode.CompileMode(name=mode.EMULATED), Events(), ())  # noqa: SLF001
    assert needed == [False, True]


def test_a_package_that_failed_to_compile_is_told_with_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    container = decide(stored("pip")).container
    assert container
    pip = next(each for each in container.resolutions if each.compiles)
    part = pip.compiles[0]
    because = f"{part.name} has no wheel, so it is compiled; that needs --packages libpq-devel"
    advised = dataclasses.replace(cast("Any", pip), reasons={part.name: because})
    resolutions = tuple(advised if each is pip else each for each in container.resolutions)
    container = dataclasses.replace(container, resolutions=resolutions)

    def attempt(*_: object) -> None:
        msg = "failed"
        error = StepFailedError(msg, why=["fatal error: libpq-fe.h: No such file or directory"])
        error.stage = part.stage
        raise error

    monkeypatch.setattr(compiling, "_attempt", attempt)
    work = Work(container=container, folder=None, options=EngineOptions(mode=mode.EMULATED))
    with pytest.raises(StepFailedError) as raised:
        compiling._build(work, mode.CompileMode(name=mode.EMULATED), Events(), ())  # noqa: SLF001
    assert raised.value.why == ("fatal error: libpq-fe.h: No such file or directory", because)


def test_a_manifest_has_the_release_that_packages_of_the_system_are_from(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LAYERWRIGHT_CACHE", str(tmp_path))
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for top, report in (("step-1", b'{"releasever": ""}'), ("tree", b'{"releasever": "2023.9.20250929"}')):
            info = tarfile.TarInfo(f"{top}/out/libraries.json")
            info.size = len(report)
            archive.addfile(info, io.BytesIO(report))
    stream.seek(0)
    expected = {top: ExpectedArtifact(key=top * 8, mode=mode.NATIVE) for top in ("step-1", "tree")}
    artifacts.receive(stream, expected)
    made = {top: artifacts.get(top * 8) for top in expected}
    found = {top: artifact for top, artifact in made.items() if artifact}
    assert describing._releasever(found) == "2023.9.20250929"  # noqa: SLF001
    assert describing._releasever({}) is None  # noqa: SLF001
