"""Events of BuildKit, recorded from `docker buildx build --progress=rawjson`, become events of ours."""

import io
from pathlib import Path

import pytest
from kit.heard import Heard

from builder.base.emitter import Events
from builder.base.errors import StoppedError
from builder.base.events import LogLine, StepBegun, StepEnded
from builder.engine.progress import BuildProgress, read_events, read_lines

RECORDED = Path(__file__).parent / "recorded"


def replayed(name: str, *, chunk: int = 97, succeeded: bool = True) -> tuple[Heard, BuildProgress, str]:
    """Return what a recorded build tells, read in chunks of so many bytes."""
    heard, log = Heard(), io.StringIO()
    progress = BuildProgress(Events(heard).of("a-arm64"), log)
    with (RECORDED / f"{name}.rawjson").open("rb") as stream:
        read_events(lambda: stream.read(chunk), progress)
    progress.close(succeeded=succeeded)
    return heard, progress, log.getvalue()


def steps(heard: Heard) -> dict[int, tuple[str, str, str]]:
    """Return stage, instruction and outcome of each step, after asserting that each begins and ends once."""
    begun = {event.step: event for event in heard.events if isinstance(event, StepBegun)}
    ended = {event.step: event for event in heard.events if isinstance(event, StepEnded)}
    assert len(begun) + len(ended) == len(heard.of(StepBegun, StepEnded))
    assert begun.keys() == ended.keys()
    for number, event in begun.items():
        assert event.stage == ended[number].stage
        assert heard.events.index(event) < heard.events.index(ended[number])
    return {number: (event.stage, event.instruction, ended[number].outcome) for number, event in begun.items()}


@pytest.mark.parametrize("chunk", [1, 97, 1 << 16])
def test_a_build_tells_its_steps_and_their_lines_wherever_the_stream_is_cut(chunk: int) -> None:
    heard, progress, log = replayed("built", chunk=chunk)
    assert {event.subject for event in heard.events} == {"a-arm64"}
    lines = [(event.stage, event.text) for event in heard.events if isinstance(event, LogLine)]
    first = ["one", "two größe", "\x1b[31mred\x1b[0m", "half line", "10%", "20%", "30%"]
    assert [text for stage, text in lines if stage == "build-a"] == [*first, "err"]
    assert [text for stage, text in lines if stage == "step-01"] == ["parallel"]
    told = [(stage, instruction, outcome) for stage, instruction, outcome in steps(heard).values()]
    assert ("build-a", "RUN echo err >&2", "ok") in told
    assert ("step-01", "RUN sleep 0.2; echo parallel", "ok") in told
    assert ("out", "COPY --from=build-a /etc/hostname /a", "ok") in told
    assert {outcome for _, _, outcome in told} == {"ok"}
    assert not any("internal" in instruction for _, instruction, _ in told)
    assert (progress.failed, list(progress.other)) == (None, [])
    assert "10%\n20%\n30%\n" in log
    assert "\nred\n" in log
    assert "\x1b" not in log


def test_steps_that_the_engine_has_are_cached() -> None:
    heard, _, _ = replayed("cached")
    assert not heard.of(LogLine)
    outcomes = {instruction: outcome for _, instruction, outcome in steps(heard).values()}
    assert outcomes["RUN echo err >&2"] == outcomes["COPY --from=step-01 /etc/hostname /b"] == "cached"


def test_a_failed_build_tells_which_step_failed_and_which_was_stopped() -> None:
    heard, progress, _ = replayed("failed", succeeded=False)
    outcomes = {instruction: outcome for _, instruction, outcome in steps(heard).values()}
    assert outcomes['RUN sleep 0.5; echo "a.c:1:1: error: boom" >&2; exit 2'] == "failed"
    assert outcomes["RUN echo fine; sleep 5; echo not reached"] == "stopped"
    assert progress.failed is not None
    assert progress.failed.stage == "step-01"
    assert progress.other[-1].startswith("ERROR: failed to solve")


def test_a_build_that_is_cut_off_ends_its_steps_all_the_same() -> None:
    whole = (RECORDED / "failed.rawjson").read_bytes()
    heard, log = Heard(), io.StringIO()
    progress = BuildProgress(Events(heard), log)
    stream = io.BytesIO(whole[: whole.index(b"ZmluZQo=") + 400])
    read_events(lambda: stream.read(1000), progress)
    progress.close(succeeded=False)
    assert [outcome for _, instruction, outcome in steps(heard).values() if "fine" in instruction] == ["stopped"]


def test_a_check_ends_the_reading() -> None:
    heard = Heard()

    def stop() -> None:
        if heard.of(LogLine):
            msg = "stopped"
            raise StoppedError(msg)

    progress = BuildProgress(Events(heard).checked(stop), io.StringIO())
    with (RECORDED / "built.rawjson").open("rb") as stream, pytest.raises(StoppedError):
        read_events(lambda: stream.read(97), progress)
    progress.close(succeeded=False)
    assert [event.text for event in heard.events if isinstance(event, LogLine)] == ["one", "half"]
    assert steps(heard)
    assert {event.outcome for event in heard.events if isinstance(event, StepEnded)} >= {"stopped"}


def test_plain_lines_of_other_clients_are_steps_one_after_the_other() -> None:
    heard = Heard()
    progress = BuildProgress(Events(heard), io.StringIO())
    read_lines(io.BytesIO(b"Trying to pull\nSTEP 1/2: FROM x\nSTEP 2/2: RUN make\nboom\n"), progress)
    progress.close(succeeded=False)
    assert [outcome for _, _, outcome in steps(heard).values()] == ["ok", "failed"]
    assert [event.words for event in heard.events if isinstance(event, LogLine)] == [
        "build | Trying to pull",
        "STEP 1/2: FROM x | STEP 1/2: FROM x",
        "STEP 2/2: RUN make | STEP 2/2: RUN make",
        "STEP 2/2: RUN make | boom",
    ]


def test_output_without_a_line_break_is_not_kept_for_ever() -> None:
    from base64 import b64encode

    heard = Heard()
    progress = BuildProgress(Events(heard), io.StringIO())
    progress.event({"vertexes": [{"digest": "d", "name": "[a 1/1] RUN yes", "started": "t"}]})
    for _ in range(100):
        progress.event({"logs": [{"vertex": "d", "data": b64encode(b"x" * 10_000).decode()}]})
    lines = [event.text for event in heard.events if isinstance(event, LogLine)]
    assert sum(map(len, lines)) > 900_000
    assert max(map(len, lines)) <= (1 << 16) + 10_000
