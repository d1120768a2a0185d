"""Repetition of a container build: with what the failure shows to be missing."""

from pathlib import Path

import pytest
from kit.golden import stored

from builder.base.emitter import Events
from builder.building import compiling
from builder.building.compiling import Work
from builder.engine.missing import NoHeadersError
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
