"""Emitters: who hears what, in which order, and how stages and targets end."""

import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor

import pytest
from kit.heard import Heard

from builder.base import events
from builder.base.emitter import Events
from builder.base.errors import BuildError, LayerwrightError, StoppedError, UsageError
from builder.base.events import (
    Event,
    Failed,
    LogLine,
    Progressed,
    StageBegun,
    StageEnded,
    TableTold,
    TargetBegun,
    TargetEnded,
    Warned,
)


def stages(heard: Heard) -> list[tuple[str, str, str, str]]:
    """Return begins and ends of stages with subject and outcome."""
    return [
        (type(event).__name__, event.subject, event.stage, getattr(event, "outcome", ""))
        for event in heard.events
        if isinstance(event, (StageBegun, StageEnded))
    ]


def test_the_next_stage_ends_the_one_before_and_the_target_ends_the_last() -> None:
    heard = Heard()
    with Events(heard).target("a-arm64", "node1") as target:
        target.begin("planning")
        target.begin("compiling", "native")
        target.log("step-01", "cc a.c")
        target.finish("unchanged", path="dist/a.zip")
    assert stages(heard) == [
        ("StageBegun", "a-arm64", "planning", ""),
        ("StageEnded", "a-arm64", "planning", "ok"),
        ("StageBegun", "a-arm64", "compiling", ""),
        ("StageEnded", "a-arm64", "compiling", "ok"),
    ]
    assert heard.events[0] == TargetBegun(subject="a-arm64", where="node1")
    last = heard.events[-1]
    assert isinstance(last, TargetEnded)
    assert (last.subject, last.outcome, last.path) == ("a-arm64", "unchanged", "dist/a.zip")
    assert len(heard.of(TargetEnded)) == 1
    assert heard.events[-3] == LogLine(subject="a-arm64", stage="step-01", text="cc a.c")


def begin_and_raise(emitter: Events, stage: str, error: BaseException) -> None:
    emitter.begin(stage)
    raise error


def raising(error: LayerwrightError, *, once: threading.Event) -> Callable[[], None]:
    """Return a check that raises when the event is set."""

    def check() -> None:
        if once.is_set():
            raise error

    return check


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (BuildError("no"), "failed"),
        (ValueError("a mistake of ours"), "failed"),
        (StoppedError("another one failed"), "stopped"),
        (KeyboardInterrupt(), "stopped"),
        (GeneratorExit(), "stopped"),
    ],
)
def test_whatever_happens_stages_and_targets_end(error: BaseException, outcome: str) -> None:
    heard = Heard()
    with pytest.raises(type(error)), Events(heard).target("a") as target, target.stage("first build") as inner:
        begin_and_raise(inner, "planning", error)
    assert [event.words.split()[0] for event in heard.of(StageBegun)] == ["first", "planning"]
    ended = heard.of(StageEnded, TargetEnded)
    assert [getattr(event, "stage", event.kind) for event in ended] == ["planning", "first build", "target_ended"]
    assert {getattr(event, "outcome", "") for event in ended} == {outcome}


def test_what_fails_because_the_work_was_stopped_did_not_fail() -> None:
    """The processes of a build that is stopped are killed, which looks like a failure of theirs."""
    heard, stop = Heard(), threading.Event()
    emitter = Events(heard).checked(raising(StoppedError("stopped"), once=stop))

    def compile_killed(target: Events) -> None:
        target.begin("compiling")
        stop.set()
        raise BuildError("killed")  # noqa: EM101

    with pytest.raises(BuildError), emitter.target("a") as target:
        compile_killed(target)
    assert [getattr(event, "outcome", "") for event in heard.of(StageEnded, TargetEnded)] == ["stopped", "stopped"]


@pytest.mark.parametrize(
    "act",
    [
        lambda emitter: emitter.begin("next"),
        lambda emitter: emitter.stage("next").__enter__(),
        lambda emitter: emitter.log("step", "a line"),
        lambda emitter: emitter.progress(1, 2, "bytes"),
        lambda emitter: emitter.step("step", 1, "RUN make"),
    ],
)
def test_a_check_stops_the_work_where_something_begins_or_goes_on(act: Callable[[Events], object]) -> None:
    heard, calls, over = Heard(), list[str](), threading.Event()
    over.set()
    limit = raising(UsageError("too long"), once=over)
    emitter = Events(heard).checked(lambda: calls.append("first")).checked(limit)
    with pytest.raises(UsageError, match="too long"):
        act(emitter)
    assert (calls, heard.events) == (["first"], [])
    emitter.warn("warnings and ends are always told")
    emitter.end()
    assert heard.words == ["warnings and ends are always told"]


def test_a_time_limit_is_a_failure_and_no_stop() -> None:
    heard, over = Heard(), threading.Event()
    emitter = Events(heard).checked(raising(BuildError("it took longer than 1 minutes"), once=over))

    def compile_slowly(target: Events) -> None:
        target.begin("compiling")
        over.set()
        target.begin("installing")

    with pytest.raises(BuildError), emitter.target("a") as target:
        compile_slowly(target)
    assert [getattr(event, "outcome", "") for event in heard.of(StageEnded, TargetEnded)] == ["failed", "failed"]


def test_progress_is_told_once_for_each_per_cent_of_a_stage() -> None:
    heard = Heard()
    emitter = Events(heard)
    emitter.begin("compressing")
    for done in range(10_001):
        emitter.progress(done, 10_000, "bytes")
    assert [event.done for event in heard.events if isinstance(event, Progressed)] == list(range(0, 10_001, 100))
    with emitter.stage("looking at the regions") as inner:
        inner.progress(0, 0, "regions")
    assert heard.of(Progressed)[-1] == Progressed(stage="looking at the regions", done=0, total=0, unit="regions")


def test_an_emitter_knows_its_subject_and_an_error_its_own() -> None:
    heard = Heard()
    region = Events(heard).of("eu-west-1")
    region.warn("slow")
    region.table(("a", "b"), [["1", "2"]])
    error = LayerwrightError("bad", why=["fact"], hint="do")
    region.fail(error)
    error.subject = "a-arm64"
    region.fail(error)
    assert heard.events == [
        Warned(subject="eu-west-1", text="slow"),
        TableTold(subject="eu-west-1", columns=("a", "b"), rows=(("1", "2"),)),
        Failed(subject="eu-west-1", what="bad", why=("fact",), hint="do"),
        Failed(subject="a-arm64", what="bad", why=("fact",), hint="do"),
    ]


def test_one_more_listener_hears_one_subject_only() -> None:
    everything, own = Heard(), Heard()
    root = Events(everything)
    first = root.of("a").heard_by(own)
    root.of("b").begin("planning")
    first.begin("planning")
    first.end()
    assert [event.subject for event in own.events] == ["a", "a"]
    assert [event.subject for event in everything.events] == ["b", "a", "a"]


class Slow:
    """A listener that would notice a second call while it handles the first."""

    def __init__(self) -> None:
        self.busy, self.together, self.heard = False, 0, list[Event]()

    def receive(self, event: Event) -> None:
        self.together += self.busy
        self.busy = True
        time.sleep(0.0001)
        self.heard.append(event)
        self.busy = False


def test_listeners_are_called_by_one_thread_at_a_time_and_in_one_order() -> None:
    slow, other = Slow(), Heard()
    root = Events(slow, other)

    def work(name: str) -> None:
        with root.target(name) as target:
            for number in range(50):
                target.heard_by(Heard()).log("step", str(number))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, [f"target-{number}" for number in range(8)]))
    assert slow.together == 0
    assert len(slow.heard) == 8 * 52
    assert slow.heard == other.events
    for number in range(8):
        own = [event for event in slow.heard if event.subject == f"target-{number}"]
        assert [event.text for event in own if isinstance(event, LogLine)] == [str(line) for line in range(50)]


def test_a_listener_that_raises_does_not_keep_the_others_locked_out() -> None:
    class Broken:
        def receive(self, _event: Event) -> None:
            raise BrokenPipeError

    emitter = Events(Broken())
    for _ in range(2):
        with pytest.raises(BrokenPipeError):
            emitter.note("x")


def test_a_hundred_thousand_lines_cost_less_than_a_build_notices() -> None:
    """Some 2 µs each on the machine that this was written on; the limit is for one that does much else."""
    count = [0]

    class Counter:
        def receive(self, event: Event) -> None:
            count[0] += isinstance(event, LogLine)

    emitter = Events(Counter()).of("a-arm64").checked(lambda: None)
    began = time.process_time()
    for _ in range(100_000):
        emitter.log("step-01", "gcc -O2 -c a.c")
    assert count == [100_000]
    assert time.process_time() - began < 5


def test_every_kind_of_event_has_a_name_of_its_own() -> None:
    kinds = [cls for cls in vars(events).values() if isinstance(cls, type) and issubclass(cls, Event)]
    names = [cls.kind for cls in kinds if cls is not Event]
    assert len(names) == len(set(names)) == 15


def listed(emitter: Events) -> Generator[int, None, None]:
    with emitter.stage("listing"):
        yield 1
        yield 2


def test_a_stage_ends_when_a_generator_is_left() -> None:
    heard = Heard()
    rows = listed(Events(heard))
    assert next(rows) == 1
    rows.close()
    assert stages(heard)[-1] == ("StageEnded", "", "listing", "stopped")
