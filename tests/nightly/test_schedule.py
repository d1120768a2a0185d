"""Who builds what, and in which order."""

import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from kit.commands import pip_recipe, write_recipe

from builder.engine.client import Engine
from builder.engine.nodes import Node
from builder.model import recipes
from builder.model.target import targets
from builder.nightly import schedule
from builder.nightly.records import Point, Record
from builder.nightly.schedule import HOST, Job, Stop

X86 = Node(name="big", native="linux/amd64", platforms=("linux/amd64", "linux/arm64"))
ARM = Node(name="small", native="linux/arm64", platforms=("linux/arm64",))


def engine(*nodes: Node) -> Engine:
    return Engine(kind="docker", program="docker", version="27", nodes=nodes)


@pytest.fixture
def jobs(tmp_path: Path) -> list[Job]:
    """Make three jobs: compiled ones for both architectures, and one of wheels."""
    both = ("x86_64", "arm64")
    write_recipe(tmp_path, "c", pip_recipe("c", "c==1", architectures=both, more='wheels = "never"'))
    write_recipe(tmp_path, "w", pip_recipe("w", "w==1"))
    found = []
    for name in ("c", "w"):
        loaded = recipes.load(tmp_path / "recipes", name)
        found += [
            Job(loaded=loaded, target=target, slot=target.name, reasons=("x",), inputs={}, record=None)
            for target in targets(loaded.recipe)
        ]
    return found


def took(job: Job, seconds: float) -> Job:
    point = Point(run="1", at="", revision=1, bytes=1, unzipped_bytes=1, seconds=seconds)
    record = Record(
        slot="s", target="t", recipe="r", layer_version="1", runtimes=(), architectures=(), history=(point,)
    )
    return replace(job, record=record)


def test_the_longest_begins_first_and_what_nobody_knows_before_it(jobs: list[Job]) -> None:
    short, long, unknown = took(jobs[0], 1.0), took(jobs[1], 100.0), jobs[2]
    assert schedule.ordered([short, long, unknown]) == [unknown, long, short]


def test_a_target_goes_to_a_node_of_its_architecture(jobs: list[Job]) -> None:
    x86, arm, wheels = jobs
    two = engine(X86, ARM)
    assert [schedule.place_of(job, two) for job in (x86, arm, wheels)] == ["big", "small", HOST]
    assert schedule.place_of(arm, engine(X86)) == "big"  # emulated there
    assert schedule.place_of(arm, None) == HOST
    assert schedule.places_at(two, 4, 2) == {HOST: 4, "big": 2, "small": 2}


def test_every_place_works_at_most_at_its_width_and_all_at_once(jobs: list[Job]) -> None:
    running: dict[str, int] = {"a": 0, "b": 0}
    most: dict[str, int] = {"a": 0, "b": 0}
    done: list[str] = []
    lock = threading.Lock()

    def work(_: Job, place: str) -> bool:
        with lock:
            running[place] += 1
            most[place] = max(most[place], running[place])
        time.sleep(0.05)
        with lock:
            running[place] -= 1
            done.append(place)
        return True

    queues = {"a": jobs * 3, "b": jobs * 2}
    schedule.run(queues, {"a": 3, "b": 1}, work, Stop(), fail_fast=False)
    assert most == {"a": 3, "b": 1}
    assert (done.count("a"), done.count("b")) == (9, 6)


def test_others_go_on_when_one_fails_unless_asked(jobs: list[Job]) -> None:
    done: list[str] = []
    stop = Stop()

    def work(job: Job, _: str) -> bool:
        if stop.is_set():
            return True
        done.append(job.target.name)
        time.sleep(0.3)  # so that the watcher sees the failure before the next one ends
        return job is not jobs[0]

    schedule.run({"a": jobs}, {"a": 1}, work, stop, fail_fast=False)
    assert len(done) == 3
    done.clear()
    schedule.run({"a": jobs}, {"a": 1}, work, stop, fail_fast=True)
    assert len(done) < 3
    assert done[0] == jobs[0].target.name


def test_what_nobody_expected_ends_the_night_at_once(jobs: list[Job]) -> None:
    def work(_: Job, __: str) -> bool:
        msg = "a bug"
        raise RuntimeError(msg)

    with pytest.raises(RuntimeError, match="a bug"):
        schedule.run({"a": jobs}, {"a": 1}, work, Stop(), fail_fast=False)
