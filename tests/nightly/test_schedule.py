"""Who builds what, and in which order."""

import threading
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from kit.commands import pip_recipe, write_recipe

from builder.base import processes
from builder.engine.client import Engine
from builder.engine.nodes import Node
from builder.model import recipes
from builder.model.target import targets
from builder.nightly import schedule
from builder.nightly.records import Point, Record
from builder.nightly.schedule import HOST, Job, Place, Places, Stop

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


def names(places: Places, jobs: list[Job]) -> list[set[str]]:
    return [places.taken_by(job) for job in jobs]


def test_a_target_goes_to_a_node_of_its_architecture(jobs: list[Job]) -> None:
    two = Places(engine(X86, ARM), 4, 2)
    assert names(two, jobs) == [{"big"}, {"small"}, {HOST}]
    assert two.widths(jobs) == {HOST: 4, "big": 2, "small": 2}
    assert two.widths(jobs[:1]) == {"big": 2}
    assert names(Places(engine(X86), 1, 1), jobs) == [{"big"}, {"big"}, {HOST}]  # emulated there
    assert names(Places(None, 1, 1), jobs) == [{HOST}, {HOST}, {HOST}]
    both = Places(engine(X86, replace(X86, name="bigger")), 1, 1)
    assert names(both, jobs) == [{"big", "bigger"}, {"big", "bigger"}, {HOST}]


def test_what_a_lost_node_would_do_others_do(jobs: list[Job]) -> None:
    places = Places(engine(X86, ARM), 1, 1)
    places.lose(place(places, "small"))
    assert names(places, jobs) == [{"big"}, {"big"}, {HOST}]
    places.lose(place(places, "big"))
    assert names(places, jobs) == [{"big"}, {"small"}, {HOST}]  # nobody is left, so each waits for its own


def place(places: Places, name: str) -> Place:
    return next(one for one in places.every if one.name == name)


def test_every_place_works_at_most_at_its_width_and_all_at_once(jobs: list[Job]) -> None:
    running: Counter[str] = Counter()
    most: Counter[str] = Counter()
    done: list[str] = []
    lock = threading.Lock()

    def work(_: Job, place: Place) -> bool:
        with lock:
            running[place.name] += 1
            most[place.name] = max(most[place.name], running[place.name])
        time.sleep(0.05)
        with lock:
            running[place.name] -= 1
            done.append(place.name)
        return True

    two = Places(engine(X86, replace(X86, name="bigger")), 3, 1)
    schedule.run(jobs * 6, two, work, Stop(), fail_fast=False)
    assert most == {HOST: 3, "big": 1, "bigger": 1}
    assert len(done) == 18
    assert done.count(HOST) == 6
    assert min(done.count("big"), done.count("bigger")) >= 4  # both have their share


def test_when_a_node_is_lost_its_queue_goes_on_elsewhere(jobs: list[Job]) -> None:
    places = Places(engine(X86, ARM), 1, 1)
    done: list[str] = []

    def work(_: Job, place: Place) -> bool:
        if place.name == "small":
            places.lose(place)
        done.append(place.name)
        return True

    schedule.run([jobs[1]] * 5, places, work, Stop(), fail_fast=False)
    assert done == ["small", "big", "big", "big", "big"]


def test_others_go_on_when_one_fails_unless_asked(jobs: list[Job]) -> None:
    done: list[str] = []
    stop = Stop()

    def work(job: Job, _: Place) -> bool:
        done.append(job.target.name)
        return job is not jobs[0]

    alone = Places(None, 1, 1)
    schedule.run(jobs, alone, work, stop, fail_fast=False)
    assert done == [job.target.name for job in jobs]
    done.clear()
    schedule.run(jobs, alone, work, stop, fail_fast=True)
    assert done == [jobs[0].target.name]


def test_what_nobody_expected_ends_the_night_at_once(jobs: list[Job], monkeypatch: pytest.MonkeyPatch) -> None:
    killed: list[bool] = []
    # For real, it would keep this very process from starting programs ever after.
    monkeypatch.setattr(processes, "kill_all", lambda: killed.append(True))

    def work(_: Job, __: Place) -> bool:
        msg = "a bug"
        raise RuntimeError(msg)

    with pytest.raises(RuntimeError, match="a bug"):
        schedule.run(jobs, Places(None, 1, 1), work, Stop(), fail_fast=False)
    assert killed == [True]
