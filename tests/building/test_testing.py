"""What the tests of zips tell while they run."""

from pathlib import Path
from typing import Any

import pytest
from kit import zips
from kit.heard import Heard

from builder.base.emitter import Events
from builder.base.errors import SmokeFailedError
from builder.base.events import StageBegun, StageEnded
from builder.building import testing
from builder.building.checking import Destination
from builder.building.testing import ZipTests
from builder.model.architectures import X86_64
from builder.model.recipe import Test
from builder.model.runtimes import runtime
from builder.smoke import record, run
from builder.smoke.record import ImageTrial
from builder.smoke.run import Trial
from builder.smoke.sandboxes import Sandbox

NEW, NEWER = runtime("python3.13"), runtime("python3.14")


def attempt(sandbox: Sandbox, _tests: list[Test], name: str) -> Trial:
    """Fail in the newer runtime."""
    failure = f"{name} fails" if sandbox.runtime == NEWER else None
    said = ImageTrial(
        runtime=sandbox.runtime.name,
        arch=sandbox.arch.name,
        image="any",
        digest=None,
        emulated=False,
        at="2026-11-29T00:00:00Z",
        failure=failure,
    )
    return Trial(runs=(said,), error=SmokeFailedError(failure) if failure else None)


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ZipTests:
    monkeypatch.setattr(run, "attempt", attempt)
    nothing: Any = None
    return ZipTests(
        path=zips.write(tmp_path / "a.zip", {"python/a.py": b""}),
        destination=Destination(runtimes=(NEW, NEWER), architectures=(X86_64,)),
        engine=nothing,
        test=None,
        recipes=tmp_path,
    )


def stages(heard: Heard) -> list[tuple[str, ...]]:
    begun = [(event.stage, event.detail) for event in heard.events if isinstance(event, StageBegun)]
    return [*begun, *((event.stage, event.outcome) for event in heard.events if isinstance(event, StageEnded))]


TOLD = [
    ("testing", "python3.13 on x86_64"),
    ("testing", "python3.14 on x86_64"),
    ("testing", "ok"),
    ("testing", "failed"),
]


def test_each_image_is_a_stage_which_fails_with_its_tests(asked: ZipTests) -> None:
    heard = Heard()
    found = testing.run_tests(asked, Events(heard))
    assert next(found) == ()
    with pytest.raises(SmokeFailedError):
        next(found)
    assert stages(heard) == TOLD
    said = record.at(asked.path).read()
    assert said is not None
    assert [each.failure for each in said.runs] == [None, "a.zip fails"]


def test_each_image_of_several_layers_is_a_stage(asked: ZipTests) -> None:
    heard = Heard()
    with pytest.raises(SmokeFailedError):
        list(testing.run_together([asked], Test(python="import a"), Events(heard)))
    assert stages(heard) == TOLD
    assert not record.at(asked.path).read()
